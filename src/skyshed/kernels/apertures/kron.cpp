// First moments of the light in the ellipses that a Kron radius is measured in.

#include "skyshed/kernels/apertures/rows.hpp"
#include "skyshed/kernels/apertures/sums.h"

namespace apertures {
namespace {

// The columns that hold the pixels of rows y0 to y1 in an ellipse: rows that only graze it count too,
// and chords are padded against rounding.
Block block_of(const Place &at, const Aperture &of, const Ellipse &e, const Box &box, i64 y0, i64 y1) {
    double low[ROWS], high[ROWS], least = INF_VALUE, most = -INF_VALUE;
    const double highest = 0.999999 * e.height;
    for (i64 k = 0; k < ROWS; ++k) {
        const double dy = whole(y0 + k + at.y0) - of.y;
        const Chord chord = row_chord(e, smaller(larger(dy, -highest), highest));
        low[k] = chord.low, high[k] = chord.high;
    }
    for (i64 k = 0; k < y1 - y0; ++k) least = smaller(least, low[k]), most = larger(most, high[k]);
    const i64 first = i64(floor(least + of.x)) - at.x0, end = i64(ceil(most + of.x)) - at.x0 + 1;
    return {y0, y1, max(first, box.x0), min(end, box.x1)};
}

// Writes values of n pixels of a row, from column x on, that are within `scale`, and values times radii.
template <class Pixel>
void weigh(
    const Radius &radius, double cx, double dy, i64 x, i64 n, double scale, const Pixel *pixels,
    double *values, double *moments) {
    SKYSHED_INDEPENDENT
    for (i64 k = 0; k < n; ++k) {
        const double at = radius.at(whole(x + k) - cx, dy), pixel = double(pixels[k]);
        const double value = at <= scale ? pixel : 0.0;
        values[k] = value;
        moments[k] = value * at;
    }
}

struct Outline {
    Aperture of;
    Ellipse e;
    Box box;
};

Outline outline_at(const Place &at, const double *ellipses, i64 i, double scale) {
    Outline found = {aperture_at(ellipses, i), {}, {}};
    if (!found.of.valid(0.0)) return found;
    found.e = found.of.scaled(scale);
    found.box = box_of(at, found.of.x, found.of.y, found.e.width, found.e.height);
    return found;
}

// The sums of values times radii and of values over sources order[k0:k1].
template <class Value>
i64 kron_sums(
    const Value *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *ellipses, double scale, const i64 *order, double *moments, double *totals,
    const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = field_of(data, labels, mask, where);
    Scratch<Outline> outlines(k1 - k0);
    if (!outlines) return NO_MEMORY;
    i64 room = GATHERED;
    for (i64 k = k0; k < k1; ++k) {
        outlines[k - k0] = outline_at(f.at, ellipses, order[k], scale);
        room = max(room, outlines[k - k0].box.width());
    }
    Scratch<double> values(room + LANES), with_radii(room + LANES);
    if (!values || !with_radii) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Outline &now = outlines[k - k0];
        moments[i] = totals[i] = NAN_VALUE;
        if (now.box.empty()) continue;
        const Box &next = outlines[min(k + 1, k1 - 1) - k0].box;
        const Radius radius = radius_in(now.of);
        const i64 step = rows_at_once(now.box);
        double moment = 0.0, total = 0.0;
        for (i64 y0 = now.box.y0; y0 < now.box.y1; y0 += step) {
            if (stopped(stop)) return STOPPED;
            const i64 y1 = min(y0 + step, now.box.y1);
            const Block block = block_of(f.at, now.of, now.e, now.box, y0, y1);
            if (block.x0 >= block.x1) continue;
            const i64 n = block.width(), x = block.x0 + f.at.x0;
            for (i64 y = y0; y < y1; ++y) {
                prefetch_ahead<Value, Value>(f, nullptr, now.box, next, y);
                const i64 first = y * f.at.nx + block.x0, room = f.at.ny * f.at.nx - first;
                const i64 end = lanes_of(n, room);
                const double dy = double(y + f.at.y0) - now.of.y;
                double *row = values.begin() + (y - y0) * n, *moved = with_radii.begin() + (y - y0) * n;
                if (any_special(f, label[i], first, n)) {
                    widen(f.data + first, n, room, 0.0, row);
                    correct_row(f, now.box, label[i], 0.0, y, block.x0, n, row);
                    weigh(radius, now.of.x, dy, x, end, scale, row, row, moved);
                } else {
                    weigh(radius, now.of.x, dy, x, end, scale, f.data + first, row, moved);
                }
            }
            const Two sums = add_up(with_radii.begin(), values.begin(), block.size());
            moment += sums.first, total += sums.second;
        }
        moments[i] = moment, totals[i] = total;
    }
    return 0;
}

SKYSHED_KERNEL("apertures.kron_sums", kron_sums<float>);
SKYSHED_KERNEL("apertures.kron_sums", kron_sums<double>);

}  // namespace
}  // namespace apertures
