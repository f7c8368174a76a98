// Which pixels an elliptical aperture holds, how much each of them counts, and what was seen.
#pragma once
#include "skyshed/kernels/apertures/geometry.h"

namespace apertures {

// What was seen of an aperture, as the contract has it; the last two are for a sum that is not done.
enum Seen {
    UNMEASURED = 1,
    NO_PIXEL = 2,
    BEYOND_EDGE = 4,
    MASKED = 8,
    NON_FINITE = 16,
    ERROR_NON_FINITE = 32,
    NEIGHBOUR = 64,
    NOT_REPLACED = 128,
    USABLE = 256,
    PIXEL = 512
};

struct Aperture {
    double x, y, a, b, theta;

    SKYSHED_BOTH bool valid(double more) const {
        return a > 0.0 && b > 0.0 && isfinite(x + y + a + b + theta + more);
    }
    SKYSHED_BOTH Ellipse scaled(double scale) const { return ellipse_of(a * scale, b * scale, theta); }
};

SKYSHED_BOTH Aperture aperture_at(const double *ellipses, i64 i) {
    const double *e = ellipses + 5 * i;
    return {e[0], e[1], e[2], e[3], e[4]};
}

// The elliptical radius, in units of the semi-axes: its square is a quadratic form.
struct Radius {
    double xx, xy, yy;

    SKYSHED_BOTH double at(double dx, double dy) const {
        return sqrt(larger(xx * dx * dx + xy * dx * dy + yy * dy * dy, 0.0));
    }
};

SKYSHED_BOTH Radius radius_in(const Aperture &of) {
    const double c = cos(of.theta), s = sin(of.theta);
    const double ca = c / of.a, sa = s / of.a, cb = c / of.b, sb = s / of.b;
    return {ca * ca + sb * sb, 2.0 * c * s * (1.0 / (of.a * of.a) - 1.0 / (of.b * of.b)),
            sa * sa + cb * cb};
}

// The columns of a row of the whole image that an ellipse touches, first to last, and those wholly
// inside it; none where a last one is before the first.
struct Touched {
    double first, last, inner_first, inner_last;
};

// `edge` is the row's lower edge relative to the centre, x the centre's column; `below` and `above` are
// the chords of its edges.
SKYSHED_BOTH Touched touched_by(const Ellipse &e, double x, double edge, Chord below, Chord above) {
    const Chord extent = row_extent(e, edge, below, above);
    if (!(extent.low < extent.high)) return {0.0, -1.0, 0.0, -1.0};
    const double first = floor(extent.low + x + 0.5), last = floor(extent.high + x + 0.5);
    const double low = larger(below.low, above.low), high = smaller(below.high, above.high);
    if (!(low < high)) return {first, last, 0.0, -1.0};
    return {first, last, ceil(low + x + 0.5), floor(high + x - 0.5)};
}

// What is seen where an aperture has no pixel: whether it was measured at all.
SKYSHED_BOTH int seen_without_pixels(const Place &at, const Aperture &of, const Ellipse &e, double sky) {
    return !of.valid(sky) || too_large(at, of.x, of.y, e.width, e.height) ? UNMEASURED : NO_PIXEL;
}

// Whether an aperture reaches beyond the edges of the whole image's outer pixels.
SKYSHED_BOTH bool beyond_edge(const Place &at, double x, double y, const Ellipse &e) {
    return x - e.width < -0.5 || x + e.width > double(at.whole_nx) - 0.5 || y - e.height < -0.5 ||
           y + e.height > double(at.whole_ny) - 0.5;
}

// What an aperture takes for a pixel that has a weight: the value of pixel p, or 0, or nothing; notes
// what is seen. `given`, which may be null, is the part of the mask that the caller gave.
template <class Value> SKYSHED_BOTH Taken weighed(
    const Field<Value> &f, const bool *given, const Box &box, int own, i64 y, i64 x, i64 &p, int &seen) {
    p = y * f.at.nx + x;
    const bool out = f.mask && f.mask[p];
    seen |= PIXEL;
    if (out) seen |= given && given[p] ? MASKED : NON_FINITE;
    Taken from = FROM;
    if (of_another(f.labels[p], own) && f.method != NONE) {
        seen |= NEIGHBOUR;
        if (f.method == MASK) return LEFT_OUT;
        if (!mirrored(f, box, own, y, x, p)) {
            seen |= NOT_REPLACED;
            from = AS_ZERO;
        }
    }
    if (out) return LEFT_OUT;
    seen |= USABLE;
    return from;
}

// What was seen of a measured aperture, from what was seen of its pixels.
SKYSHED_BOTH int seen_in_all(int seen, bool with_error, double variance, bool beyond) {
    int all = seen & PIXEL ? seen & ~(USABLE | PIXEL) : NO_PIXEL;
    if (with_error && !isfinite(variance)) all |= ERROR_NON_FINITE;
    if ((seen & PIXEL) && beyond) all |= BEYOND_EDGE;
    return all;
}

}  // namespace apertures
