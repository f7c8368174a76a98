// Windowed centroids: the window of a source moves until it rests.
#pragma once
#include "skyshed/kernels/apertures/pixels.h"
#include "skyshed/kernels/ellipses/covariance.h"

namespace centroids {

using apertures::Box;
using apertures::Place;

// The contract says what for.
constexpr double RADIUS = 4.0, STRIDE = 2.0, PRECISION = 1e-4;
constexpr int STEPS = 16;
// What rounding may make of a variance or a determinant of 0, of pixels in a point or a line, is at most this
// part of the second moments that it is the difference of; of either sign.
constexpr double ROUNDING = 1e-12;

struct Point {
    double x, y;
};

// Where a window is, and what it weighs: exp(slope r^2) where r^2 is at most `square`.
struct Window {
    Box box;       // the square that holds it, clipped to the image
    Point centre;  // from the first pixel of the box
    double slope, square;
};

// Weighted sums of the values in a window: of themselves, and of them times x and y from its centre.
struct First {
    double total, x, y;
};

// The same, and times x^2, y^2 and x y.
struct Second {
    double total, xx, yy, xy;
};

// Sums have one order on both devices, since a search that does not converge makes of their last bits
// another place: tiles of TILE x TILE pixels from the first of the window's box, row by row of them. In a
// tile a column adds up its rows; its sums are weighted, and columns are added by halves, 0 to 15 each
// with the one 16 further, and so on.
constexpr int TILE = 32;

// Sums over the rows of a column: of values times the weights of their rows, and of these times y and y^2.
struct Column {
    double total, y, yy;

    SKYSHED_BOTH void add(double value, double of_row, double dy) {
        const double weighted = value * of_row, moment = weighted * dy;
        total += weighted, y += moment, yy += moment * dy;
    }
};

// Sums over a window, or a part of it: of weighted values, and of them times x, y, x^2, y^2 and x y.
struct Moments {
    double total, x, y, xx, yy, xy;

    SKYSHED_BOTH First first() const { return {total, x, y}; }
    SKYSHED_BOTH Second second() const { return {total, xx, yy, xy}; }
};

// What a column gives, `dx` from the centre.
SKYSHED_BOTH Moments moments_of(const Column &column, double weight, double dx) {
    const double total = weight * column.total, x = total * dx, y = weight * column.y;
    return {total, x, y, x * dx, weight * column.yy, y * dx};
}

SKYSHED_BOTH void add(Moments &sums, const Moments &m) {
    sums.total += m.total, sums.x += m.x, sums.y += m.y;
    sums.xx += m.xx, sums.yy += m.yy, sums.xy += m.xy;
}

// The least logarithm of a weight: that of a window's edge, squared.
constexpr double LEAST = -RADIUS * RADIUS - 1.0;

// exp(x) from LEAST to 0. (The two devices' libraries differ in last bits.) It is 2^-n exp(r), with r at most
// log(2) / 2 in size, and exp(r) the series of Taylor up to where it ends below 2^-54.
SKYSHED_BOTH double falling(double x) {
    constexpr double LOG2_HIGH = 0x1.62e42fefa38p-1, LOG2_LOW = 0x1.ef35793c7673p-45;  // n times HIGH is exact
    constexpr double PER_LOG2 = 0x1.71547652b82fep+0;
    const int n = int(0.5 - x * PER_LOG2);
    const double r = x + n * LOG2_HIGH + n * LOG2_LOW;
    double sum = 1.0 / 6227020800;  // without a loop, so that one over pixels is the innermost
    sum = sum * r + 1.0 / 479001600, sum = sum * r + 1.0 / 39916800, sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880, sum = sum * r + 1.0 / 40320, sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720, sum = sum * r + 1.0 / 120, sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6, sum = sum * r + 1.0 / 2, sum = sum * r + 1.0, sum = sum * r + 1.0;
    return sum / double(1 << n);
}

// Whether there is a weight, and where `falling` is asked for it: 0 outside of any window, or where x is NaN.
SKYSHED_BOTH double counted(double x) { return x >= LEAST ? 1.0 : 0.0; }
SKYSHED_BOTH double within(double x) { return x >= LEAST ? x : 0.0; }

// The weight of a pixel: exp(x) in a window, 0 outside.
SKYSHED_BOTH double weight_of(double x) { return counted(x) * falling(within(x)); }

// How far the square about a window's pixel reaches; -1 where it is too large, or there is none.
SKYSHED_BOTH i64 reach_of(const Place &at, double sigma) {
    const double reach = floor(RADIUS * sigma + 1.5), side = 2 * reach + 1;
    return side * side <= apertures::most_pixels(at) ? i64(reach) : -1;
}

// The window about a place in the whole image. Notes whether the whole image has pixels of its square that
// the images here have not.
SKYSHED_BOTH Window window_at(const Place &at, i64 reach, double sigma, Point of, bool &beyond) {
    Window w = {{0, 0, 0, 0, 0, 0}, of, -1.0 / (2.0 * sigma * sigma), (RADIUS * sigma) * (RADIUS * sigma)};
    if (!(fabs(of.x) <= double(at.whole_nx + reach + 1) && fabs(of.y) <= double(at.whole_ny + reach + 1)))
        return w;
    const i64 row = i64(of.y + 0.5), column = i64(of.x + 0.5);
    const i64 y0 = max(i64(0), row - reach), x0 = max(i64(0), column - reach);
    const i64 y1 = min(at.whole_ny, row + reach + 1), x1 = min(at.whole_nx, column + reach + 1);
    w.box = apertures::box_within(at, of.x, of.y, y0, y1, x0, x1);
    const i64 above = w.box.y0 + at.y0 - y0, beside = w.box.x0 + at.x0 - x0;
    const bool clipped = above > 0 || w.box.y1 + at.y0 < y1 || beside > 0 || w.box.x1 + at.x0 < x1;
    beyond |= clipped && y0 < y1 && x0 < x1;
    w.centre = {of.x - double(x0) - double(beside), of.y - double(y0) - double(above)};
    return w;
}

// What a search finds: the place, its covariance, the means of x^2, y^2 and x y of the light in the last
// window about its centre, and what pixels' own extent has added to the variances. What there is not is NaN.
struct Found {
    Point at = {NAN_VALUE, NAN_VALUE};
    double covariance[3] = {NAN_VALUE, NAN_VALUE, NAN_VALUE};
    double light[3] = {NAN_VALUE, NAN_VALUE, NAN_VALUE};
    double of_pixels = NAN_VALUE;
};

// Searches the centroid from window = x, y, sigma. Returns whether it holds. `sums` has
//   first(window)    of the data
//   second(window)   of the data; the window is that of the last `first`
//   errors(window)   `second` of the squared errors
template <class Sums> SKYSHED_BOTH bool search(
    Sums &sums, const Place &at, bool with_error, const double *window, const double *ellipse, i64 reach,
    Found &found, bool &beyond) {
    Point p = {window[0], window[1]};
    Window w = {};
    double flux = 0.0, dx = 0.0, dy = 0.0, off = 2 * PRECISION;
    for (int step = 0; step < STEPS && off > PRECISION; ++step) {
        w = window_at(at, reach, window[2], p, beyond);
        if (w.box.empty()) return false;
        const First m = sums.first(w);
        flux = m.total, dx = m.x / flux, dy = m.y / flux;
        off = sqrt(dx * dx + dy * dy);
        p.x += STRIDE * dx, p.y += STRIDE * dy;
    }
    if (!(flux > 0.0) || isnan(p.x + p.y)) return false;
    if (isfinite(flux)) {
        const Second m = sums.second(w);
        const double x2 = m.xx / flux, y2 = m.yy / flux;
        found.light[0] = x2, found.light[1] = y2, found.light[2] = m.xy / flux;
        const double xx = x2 - dx * dx, yy = y2 - dy * dy, xy = m.xy / flux - dx * dy;
        if (xx < -ROUNDING * x2 || yy < -ROUNDING * y2 || xx * yy - xy * xy < -ROUNDING * (x2 * y2))
            return false;
    }
    found.at = p;
    dx = window[0] - p.x, dy = window[1] - p.y;
    const double outside = ellipse[0] * (dx * dx) + ellipse[1] * dx * dy + ellipse[2] * (dy * dy);
    if (outside > 1.0 && dx * dx > 1.0 && dy * dy > 1.0) return false;
    if (with_error && isfinite(flux)) {
        // The squares of the weights are those of a window that is narrower by sqrt(2).
        w.slope *= 2.0;
        const Second m = sums.errors(w);
        const double norm = STRIDE * STRIDE / (flux * flux);
        const double least = m.total * ellipses::PIXEL_VARIANCE * norm;
        found.covariance[0] = m.xx * norm + least, found.covariance[1] = m.yy * norm + least;
        found.covariance[2] = m.xy * norm;
        found.of_pixels = least;
    }
    return true;
}

// Writes the results of a source: what was found, or where the search began.
SKYSHED_BOTH void write(
    bool holds, const Found &found, const double *window, const double *plain, double *centre,
    double *covariance, double *light) {
    const bool known = !isnan(window[2]);
    centre[0] = holds ? found.at.x : known ? window[0] : NAN_VALUE;
    centre[1] = holds ? found.at.y : known ? window[1] : NAN_VALUE;
    for (int k = 0; k < 3; ++k) {
        covariance[k] = holds ? found.covariance[k] : known ? plain[k] : NAN_VALUE;
        light[k] = holds ? found.light[k] : NAN_VALUE;
    }
    light[3] = holds ? found.of_pixels : NAN_VALUE;
}

}  // namespace centroids
