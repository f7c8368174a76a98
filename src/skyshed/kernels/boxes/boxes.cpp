// Statistics of boxes: a box's values are copied together, and stay in the cache.

#include "skyshed/kernels/boxes/values.hpp"

namespace boxes {
namespace {

struct Counts {
    i64 good, bad;
};

// Copies a row of pixels, NaN for those left out.
template <class Value>
Counts copy_row(const Value *row, const unsigned char *mask, i64 n, Value *__restrict to) {
    using Each = Vector<Value>;
    const i64 whole = n / Each::SIZE * Each::SIZE;
    int n_good = 0, n_hidden = 0;
    for (i64 x = 0; x < whole; x += Each::SIZE)
        n_good += Each::population(Each::copy(to + x, Each::load(row + x)));
    for (i64 x = whole; x < n; ++x) {
        to[x] = good(row[x]) ? row[x] + Value(0) : Value(NAN_VALUE);
        n_good += good(row[x]);
    }
    unsigned char hides = 0;
    if (mask) for (i64 x = 0; x < n; ++x) hides |= mask[x];
    if (hides) {
        n_good = 0;
        for (i64 x = 0; x < n; ++x) {
            n_hidden += mask[x];
            n_good += good(row[x]) & !mask[x];
            to[x] = mask[x] ? Value(NAN_VALUE) : to[x];
        }
    }
    return {n_good, n - n_hidden - n_good};
}

// Asks for a row of pixels ahead of its use: the hardware does not see so far.
template <class Value> void ask_for(const Value *row, const unsigned char *mask, i64 n) {
    constexpr i64 LINE = 64;
    for (i64 x = 0; x < n; x += LINE / i64(sizeof(Value))) prefetch(row + x);
    if (mask) for (i64 x = 0; x < n; x += LINE) prefetch(mask + x);
}

// Boxes side by side whose pixels are copied together: the image is read in longer rows.
constexpr i64 SIDE_BY_SIDE = 32, BYTES = 1 << 19;

// Copies the pixels of boxes b to b + m, which are in one row of boxes, each to `step` values.
template <class Value>
void gather(
    const Value *data, const unsigned char *mask, const Grid &grid, i64 b, i64 m, i64 step, Value *to,
    Counts *counts) {
    Box boxes[SIDE_BY_SIDE];
    const i64 height = box_at(grid, b).height;
    for (i64 k = 0; k < m; ++k) boxes[k] = box_at(grid, b + k), counts[k] = {0, 0};
    for (i64 y = 0; y < height; ++y) {
        for (i64 k = 0; k < m; ++k) {
            const Box &box = boxes[k];
            const i64 p = (box.y0 + y) * grid.nx + box.x0;
            if (y + 1 < height) ask_for(data + p + grid.nx, mask ? mask + p + grid.nx : nullptr, box.width);
            const Counts row =
                copy_row(data + p, mask ? mask + p : nullptr, box.width, to + k * step + y * box.width);
            counts[k].good += row.good;
            counts[k].bad += row.bad;
        }
    }
    for (i64 k = 0; k < m; ++k) pad(to + k * step, boxes[k].size());
}

// Clips and measures boxes b0 to b1.
template <class Value>
i64 measure_boxes(
    const Value *data, const bool *mask, i64 ny, i64 nx, i64 h, i64 w, i64 images, bool clips,
    double lower, double upper, i64 maxiters, i64 center, i64 spread, const double *wanted,
    i64 n_wanted, double *values, double *limits, i64 *n_good, i64 *n_bad, const int *stop, i64 b0, i64 b1) {
    const Grid grid = {ny, nx, h, w, images};
    const Clip clip = {clips, lower, upper, maxiters, center, spread};
    const Results out = {wanted, n_wanted, grid.boxes(), values, limits, n_good};
    const i64 step = padded(h * w);
    const i64 most = min(max(BYTES / (step * i64(sizeof(Value))), i64(1)), min(SIDE_BY_SIDE, b1 - b0));
    Scratch<Value> pixels(most * step);
    Room<Value> room(step, stop);
    if (!pixels || !room) return NO_MEMORY;
    Counts counts[SIDE_BY_SIDE];
    for (i64 b = b0, m; b < b1; b += m) {
        m = min(min(most, b1 - b), grid.across() - b % grid.across());
        gather(data, bytes_of(mask), grid, b, m, step, pixels.begin(), counts);
        for (i64 k = 0; k < m; ++k) {
            n_bad[b + k] = counts[k].bad;
            const i64 size = padded(box_at(grid, b + k).size());
            Values<Value> box(pixels.begin() + k * step, size, counts[k].good, room);
            measure(box, counts[k].good, clip, out, b + k);
            if (stopped(stop)) return STOPPED;
        }
    }
    return 0;
}

SKYSHED_KERNEL("boxes.measure", measure_boxes<float>);
SKYSHED_KERNEL("boxes.measure", measure_boxes<double>);

}  // namespace
}  // namespace boxes
