// Statistics of boxes: a box's values are copied together, and stay in the cache.

#include "skyshed/kernels/boxes/values.hpp"

namespace boxes {
namespace {

struct Counts {
    i64 good, bad;
};

// Copies a row of pixels, NaN for those left out. Zeros lose their sign: which of two equal values comes
// first must not matter.
template <class Value>
Counts copy_row(const Value *row, const unsigned char *mask, i64 n, Value *__restrict to) {
    const Value nan = Value(NAN_VALUE);
    int n_good = 0, n_hidden = 0;
    for (i64 x = 0; x < n; ++x) {
        to[x] = good(row[x]) ? row[x] + Value(0) : nan;
        n_good += good(row[x]);
    }
    if (mask) for (i64 x = 0; x < n; ++x) n_hidden += mask[x];
    if (n_hidden) {
        n_good = 0;
        for (i64 x = 0; x < n; ++x) {
            n_good += good(row[x]) & !mask[x];
            to[x] = mask[x] ? nan : to[x];
        }
    }
    return {n_good, n - n_hidden - n_good};
}

// Copies the pixels of a box.
template <class Value>
Counts gather(const Value *data, const unsigned char *mask, const Grid &grid, const Box &box, Value *to) {
    Counts all = {0, 0};
    for (i64 y = 0; y < box.height; ++y, to += box.width) {
        const i64 p = (box.y0 + y) * grid.nx + box.x0;
        const Counts row = copy_row(data + p, mask ? mask + p : nullptr, box.width, to);
        all.good += row.good;
        all.bad += row.bad;
    }
    return all;
}

// Asks for the pixels of a box ahead of their use: its rows are far from each other.
template <class Value>
void prefetch_box(const Value *data, const unsigned char *mask, const Grid &grid, const Box &box) {
    constexpr i64 LINE = 64, MOST = 1 << 16;
    if (box.size() > MOST) return;
    for (i64 y = 0; y < box.height; ++y) {
        const i64 p = (box.y0 + y) * grid.nx + box.x0;
        for (i64 x = 0; x < box.width; x += LINE / i64(sizeof(Value))) prefetch(data + p + x);
        if (mask) for (i64 x = 0; x < box.width; x += LINE) prefetch(mask + p + x);
    }
}

// Clips and measures boxes b0 to b1.
template <class Value>
i64 measure_boxes(
    const Value *data, const bool *mask, i64 ny, i64 nx, i64 h, i64 w, bool clips, double lower,
    double upper, i64 maxiters, i64 center, i64 spread, const double *wanted, i64 n_wanted,
    double *values, double *limits, i64 *n_good, i64 *n_bad, i64 b0, i64 b1) {
    const Grid grid = {ny, nx, h, w};
    const Clip clip = {clips, lower, upper, maxiters, center, spread};
    const Results out = {wanted, n_wanted, grid.boxes(), values, limits, n_good};
    const unsigned char *hidden = bytes_of(mask);
    Room<Value> room(padded(h * w));
    if (!room) return NO_MEMORY;
    for (i64 b = b0; b < b1; ++b) {
        const Box box = box_at(grid, b);
        const Counts counts = gather(data, hidden, grid, box, room.pixels.begin());
        pad(room.pixels.begin(), box.size());
        if (b + 1 < grid.boxes()) prefetch_box(data, hidden, grid, box_at(grid, b + 1));
        n_bad[b] = counts.bad;
        Values<Value> box_values(room, padded(box.size()), counts.good);
        measure(box_values, counts.good, clip, out, b);
    }
    return 0;
}

SKYSHED_KERNEL("boxes.measure", measure_boxes<float>);
SKYSHED_KERNEL("boxes.measure", measure_boxes<double>);

}  // namespace
}  // namespace boxes
