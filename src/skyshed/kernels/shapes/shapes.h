// Which pixels a shape holds, how much each of them counts, and what was seen, for both devices.
#pragma once
#include "skyshed/kernels/apertures/sums.h"
#include "skyshed/kernels/shapes/circle.h"
#include "skyshed/kernels/shapes/rectangle.h"

namespace shapes {

using apertures::Ellipse;

// As the contract has them.
enum Family { CIRCLE, ELLIPSE, RECTANGLE };
enum Rule { NONE, OWN, MIRROR };
// The label that measures all pixels.
constexpr int ANY = -2147483647 - 1;
// Numbers that make a row of the contract's table.
constexpr i64 NUMBERS = 7;

enum Seen {
    PIXEL = 1,
    USED = 2,
    MASKED = 4,
    NON_FINITE = 8,
    ERROR_NON_FINITE = 16,
    NEIGHBOUR = 32,
    NOT_REPLACED = 64
};

// A circle, an ellipse or a rectangle about the origin: a and b are semi-axes, or half the sides.
struct Outline {
    double a, b, cosine, sine;
    Ellipse e;  // of circles and ellipses
    Disc disc;  // of circles
    Roof roof;  // of rectangles
    bool drawn;
    bool cells;  // whether it is a circle to be measured by its cells

    SKYSHED_BOTH bool holds(int family, double x, double y) const {
        if (family == CIRCLE) return x * x + y * y < a * a;
        const double u = y * sine + x * cosine, v = y * cosine - x * sine;
        if (family == RECTANGLE) return fabs(u) < a && fabs(v) < b;
        return u * u * (1.0 / (a * a)) + v * v * (1.0 / (b * b)) < 1.0;
    }
};

SKYSHED_BOTH Outline outline_of(int family, double a, double b, double theta) {
    const bool drawn = a > 0.0 && b > 0.0;
    const double angle = family == CIRCLE ? 0.0 : theta;
    Outline found = {a, b, cos(angle), sin(angle), {}, {}, {}, drawn, false};
    if (!drawn) return found;
    if (family == RECTANGLE) found.roof = roof_of(a, b, found.cosine, found.sine);
    else found.e = apertures::ellipse_of(a, b, angle);
    if (family == CIRCLE) found.disc = disc_of(a), found.cells = has_cells(a);
    return found;
}

// A shape: an outline, less another one about the same centre where that is drawn.
struct Shape {
    double x, y;
    Outline outer, inner;
};

SKYSHED_BOTH Shape shape_at(int family, const double *rows, i64 i) {
    const double *r = rows + NUMBERS * i;
    return {r[0], r[1], outline_of(family, r[2], r[3], r[4]), outline_of(family, r[5], r[6], r[4])};
}

// The share of n x n points of a pixel, whose lower left corner is at (left, low), that an outline holds.
SKYSHED_BOTH double sampled(const Outline &o, int family, double left, double low, i64 n) {
    const double step = 1.0 / double(n);
    i64 inside = 0;
    double x = left - 0.5 * step;
    for (i64 i = 0; i < n; ++i) {
        x += step;
        double y = low - 0.5 * step;
        for (i64 j = 0; j < n; ++j) {
            y += step;
            inside += o.holds(family, x, y);
        }
    }
    return double(inside) / double(n * n);
}

// Half a pixel's diagonal, and some more for rounding: further than this from an outline a pixel's centre
// says on which side the whole pixel is.
constexpr double CLEAR = 0.708;

// The exact area that an ellipse and a pixel share. At `left`, `low` is the pixel's corner.
SKYSHED_BOTH double ellipse_overlap(const Outline &o, double left, double low) {
    const double dx = left + 0.5, dy = low + 0.5, clear = CLEAR / smaller(o.a, o.b);
    const double u = dx * o.e.ca + dy * o.e.sa, v = dy * o.e.cb - dx * o.e.sb;
    const double radius = sqrt(u * u + v * v);
    if (radius - clear > 1.0) return 0.0;
    if (radius + clear < 1.0) return 1.0;
    if (o.cells) return disc_overlap(o.disc, left, low);
    const apertures::Cell cell = {
        {left, low}, apertures::row_chord(o.e, low), apertures::row_chord(o.e, low + 1.0),
        apertures::column_chord(o.e, left), apertures::column_chord(o.e, left + 1.0)};
    return larger(apertures::overlap(o.e, cell), 0.0);
}

// The exact area that a rectangle and a pixel share.
SKYSHED_BOTH double rectangle_overlap(const Outline &o, double left, double low) {
    const double u = (low + 0.5) * o.sine + (left + 0.5) * o.cosine;
    const double v = (low + 0.5) * o.cosine - (left + 0.5) * o.sine;
    const Inside in = inside_of(o.a, o.b, u, v);
    return cut_again(o.roof, in) ? under_and_above(o.roof, left, low) : beside_one(o.roof, in.nearest);
}

// How much of a pixel an outline holds: exactly where `samples` is 0, else by samples x samples points.
SKYSHED_BOTH double weight_in(const Outline &o, int family, i64 samples, double left, double low) {
    if (!o.drawn) return 0.0;
    if (samples) return sampled(o, family, left, low, samples);
    return family == RECTANGLE ? rectangle_overlap(o, left, low) : ellipse_overlap(o, left, low);
}

// The weight of pixel (y, x).
SKYSHED_BOTH double weight_of(const Shape &s, int family, i64 samples, i64 y, i64 x) {
    const double left = (double(x) - 0.5) - s.x, low = (double(y) - 0.5) - s.y;
    const double outer = weight_in(s.outer, family, samples, left, low);
    if (!s.inner.drawn || !(outer > 0.0)) return outer;
    return larger(outer - weight_in(s.inner, family, samples, left, low), 0.0);
}

// Half-open: rows y0 to y1, columns x0 to x1, of the image.
struct Window {
    i64 y0, y1, x0, x1;
    SKYSHED_BOTH i64 size() const { return y0 < y1 && x0 < x1 ? (y1 - y0) * (x1 - x0) : 0; }
};

SKYSHED_BOTH Window window_at(const i64 *boxes, i64 i) {
    const i64 *b = boxes + 4 * i;
    return {b[0], b[1], b[2], b[3]};
}

template <class Value, class Error> struct Images {
    const Value *data;
    const Error *error;   // or null
    const bool *mask;     // or null
    const int *labels;    // or null where there is no rule
    i64 nx;
    int rule;
    bool finite_only;     // leave out data that are not finite
};

// The middle of a window's pixels, which mirrors map onto itself: halves are rounded away from 0, counted
// from the window's first pixel.
SKYSHED_BOTH i64 middle(double at, i64 first) {
    const double d = at - double(first), r = floor(fabs(d) + 0.5);
    return first + i64(d < 0.0 ? -r : r);
}

SKYSHED_BOTH bool finite(double value) { return value - value == 0.0; }

// Says whether pixel (y, x), which has a weight, is measured, and where from (p); notes what is seen.
template <class Value, class Error> SKYSHED_BOTH bool used(
    const Images<Value, Error> &f, const Window &w, const Shape &s, int own, i64 y, i64 x, i64 &p, int &seen) {
    p = y * f.nx + x;
    seen |= PIXEL;
    if (f.mask && f.mask[p]) {
        seen |= MASKED;
        return false;
    }
    if (f.finite_only && !finite(double(f.data[p]))) {
        seen |= NON_FINITE;
        return false;
    }
    if (f.rule != NONE && own != ANY) {
        const int label = f.labels[p];
        const bool other = label > 0 && label != (own < 0 ? -own : own);
        if (other) seen |= NEIGHBOUR;
        if (f.rule == OWN) {
            if (own > 0 ? other : label != -own) return false;
        } else if (other) {
            const i64 my = 2 * middle(s.y, w.y0) - y, mx = 2 * middle(s.x, w.x0) - x;
            bool may = my >= w.y0 && my < w.y1 && mx >= w.x0 && mx < w.x1;
            if (may) {
                p = my * f.nx + mx;
                const int there = f.labels[p];
                may = !(there > 0 && there != own) && !(f.mask && f.mask[p]) &&
                      !(f.finite_only && !finite(double(f.data[p])));
            }
            if (!may) {
                seen |= NOT_REPLACED;
                return false;
            }
        }
    }
    seen |= USED;
    if (!finite(double(f.data[p]))) seen |= NON_FINITE;
    if (f.error && !finite(double(f.error[p]))) seen |= ERROR_NON_FINITE;
    return true;
}

// What a shape's pixels add up to.
struct Sums {
    double total, variance, area, left_out;
    int seen;
};

// Adds a pixel that has a weight; the variance by the weight's first or second power.
template <class Value, class Error> SKYSHED_BOTH void add_pixel(
    Sums &sums, const Images<Value, Error> &f, const Window &w, const Shape &s, int own, double sky, i64 power,
    i64 y, i64 x, double weight) {
    i64 p;
    if (!used(f, w, s, own, y, x, p, sums.seen)) {
        sums.left_out += weight;
        return;
    }
    sums.area += weight;
    sums.total += weight * (double(f.data[p]) - sky);
    if (!f.error) return;
    const double sigma = double(f.error[p]);
    sums.variance += (power == 2 ? weight * weight : weight) * (sigma * sigma);
}

}  // namespace shapes
