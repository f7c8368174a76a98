// Which pixels an aperture takes: its box, its mirror, its neighbours. The rules are the contract's.
#pragma once
#include "skyshed/kernels/both.h"

namespace apertures {

// What to do with the pixels of other sources.
enum Method { NONE, MASK, CORRECT };

// The larger and the smaller of two floats; of a NaN the first.
SKYSHED_BOTH double larger(double a, double b) { return b > a ? b : a; }
SKYSHED_BOTH double smaller(double a, double b) { return b < a ? b : a; }

// Where the images lie in the whole one.
struct Place {
    i64 ny, nx;  // the shape of the images here
    i64 y0, x0;  // their first pixel in the whole image
    i64 whole_ny, whole_nx;
    i64 largest_box;  // up to this many pixels boxes are measured even where the whole image is smaller
};

template <class Value> struct Field {
    const Value *data;
    const int *labels;
    const bool *mask;  // or null
    Place at;
    int method;
};

// `where` holds the integers of a place in its order, and the method; then, where each source has a place
// of its own, since images lie one below the other, 1 and the y0 of each, else 0.
SKYSHED_BOTH i64 first_row_of(const i64 *where, i64 i) { return where[8] ? where[9 + i] : where[2]; }

// The place of source i.
SKYSHED_BOTH Place place_of(const i64 *where, i64 i = 0) {
    return {where[0], where[1], first_row_of(where, i), where[3], where[4], where[5], where[6]};
}

template <class Value> SKYSHED_BOTH Field<Value> field_of(
    const Value *data, const int *labels, const bool *mask, const i64 *where, i64 i = 0) {
    return {data, labels, mask, place_of(where, i), int(where[7])};
}

struct Box {
    i64 y0, y1, x0, x1;  // indices of the images here, half-open
    i64 my, mx;          // the mirror of pixel (y, x) is (my - y, mx - x)

    SKYSHED_BOTH bool empty() const { return y0 >= y1 || x0 >= x1; }
    SKYSHED_BOTH i64 width() const { return x1 - x0; }
    SKYSHED_BOTH i64 height() const { return y1 - y0; }
    SKYSHED_BOTH i64 size() const { return empty() ? 0 : height() * width(); }
    SKYSHED_BOTH bool operator==(const Box &o) const {
        return y0 == o.y0 && y1 == o.y1 && x0 == o.x0 && x1 == o.x1 && my == o.my && mx == o.mx;
    }
};

SKYSHED_BOTH double most_pixels(const Place &at) {
    return larger(double(at.whole_ny) * double(at.whole_nx), double(at.largest_box));
}

// Whether an aperture's box is larger than what is measured, or not finite.
SKYSHED_BOTH bool too_large(const Place &at, double x, double y, double width, double height) {
    const double across = ceil(x + width + 0.5) - floor(x - width + 0.5);
    const double up = ceil(y + height + 0.5) - floor(y - height + 0.5);
    return !(across * up <= most_pixels(at));
}

// The part y0 <= y < y1, x0 <= x < x1 of the whole image, clipped to the images here, for an aperture
// about (x, y). The pixel that is mirrored onto itself is found from that part, truncated towards it.
SKYSHED_BOTH Box box_within(const Place &at, double x, double y, i64 y0, i64 y1, i64 x0, i64 x1) {
    return {max(y0 - at.y0, i64(0)), min(y1 - at.y0, at.ny),
            max(x0 - at.x0, i64(0)), min(x1 - at.x0, at.nx),
            2 * (y0 + i64(y - double(y0) + 0.5) - at.y0),
            2 * (x0 + i64(x - double(x0) + 0.5) - at.x0)};
}

// The box of an aperture about (x, y), clipped to the image; empty if not finite or too large.
SKYSHED_BOTH Box box_of(const Place &at, double x, double y, double width, double height) {
    const double left = floor(x - width + 0.5), right = ceil(x + width + 0.5);
    const double low = floor(y - height + 0.5), high = ceil(y + height + 0.5);
    // What comes after these lines is small enough to be an integer.
    if (too_large(at, x, y, width, height)) return {0, 0, 0, 0, 0, 0};
    if (right <= 0 || high <= 0 || left >= double(at.whole_nx) || low >= double(at.whole_ny))
        return {0, 0, 0, 0, 0, 0};
    return box_within(
        at, x, y, max(i64(low), i64(0)), min(i64(high), at.whole_ny), max(i64(left), i64(0)),
        min(i64(right), at.whole_nx));
}

// Whether a label is another source's than one's own.
SKYSHED_BOTH bool of_another(int label, int own) { return label != own && label != 0; }

// Finds the pixel opposite to a neighbour's pixel (y, x), in p, and says whether it may stand in.
template <class Value> SKYSHED_BOTH bool mirrored(
    const Field<Value> &f, const Box &box, int own, i64 y, i64 x, i64 &p) {
    const i64 my = box.my - y, mx = box.mx - x;
    if (my < box.y0 || my >= box.y1 || mx < box.x0 || mx >= box.x1) return false;
    p = my * f.at.nx + mx;
    return !of_another(f.labels[p], own) && !(f.mask && f.mask[p]);
}

// Where the value of a pixel is taken from.
enum Taken { LEFT_OUT, AS_ZERO, FROM };

// Says it for pixel (y, x), and leaves the index in p.
template <class Value> SKYSHED_BOTH Taken taken(
    const Field<Value> &f, const Box &box, int own, i64 y, i64 x, i64 &p) {
    p = y * f.at.nx + x;
    if (f.mask && f.mask[p]) return LEFT_OUT;
    if (f.method == NONE || !of_another(f.labels[p], own)) return FROM;
    if (f.method == MASK) return LEFT_OUT;
    return mirrored(f, box, own, y, x, p) ? FROM : AS_ZERO;
}

}  // namespace apertures
