// A quadratic polynomial fitted around a source's brightest pixel.
#pragma once
#include "skyshed/kernels/both.h"

namespace centroids {

template <class Value, class Error> struct Images {
    const Value *data;
    const Error *error;  // or null
    const bool *mask;    // or null
    i64 nx;
};

// What rounding may make of a coefficient of the fit, a sum of nine products, over that of their magnitudes.
constexpr double FIT_ROUNDING = 10.0 * 2.220446049250313e-16;

// A place in pixels from a corner, the variances of x and y, and their covariance.
struct Located {
    double x, y, xx, yy, xy;
};

// The brightest pixel of a source's bounding box, where what is masked or not its own counts as 0: pixels
// begin to end - 1 are its own, `peak` the brightest of these.
template <class Value, class Error> SKYSHED_BOTH i64 peak_of(
    const Images<Value, Error> &images, const i64 *pixel, i64 begin, i64 end, const i64 *box, i64 peak) {
    const Value high = images.data[peak];
    if (high > 0) return peak;
    for (i64 row = box[0]; row < box[1]; ++row)
        for (i64 p = row * images.nx + box[2]; p < row * images.nx + box[3]; ++p, ++begin)
            if (begin == end || pixel[begin] != p || (images.mask && images.mask[p]))
                return high == 0 && peak < p ? peak : p;
    return peak;
}

// Fits to the box of 3 x 3 pixels from a corner, given the weights of 5 coefficients x 9 pixels for each
// of the 512 subsets of pixels; out is the maximum about its middle. Returns whether there is a maximum that
// rounding has not made: along a ridge, as those of saturated pixels, there is none. Too few pixels give
// coefficients of 0, which have none either.
template <class Value, class Error> SKYSHED_BOTH bool fit(
    const Images<Value, Error> &images, i64 corner, const double *weights, Located &out) {
    int subset = 0;
    for (int k = 0; k < 9; ++k)
        if (!images.mask || !images.mask[corner + k / 3 * images.nx + k % 3]) subset |= 1 << k;
    const double *weight = weights + 45 * subset;
    double c[5] = {}, rounding[5] = {};
    for (int k = 0; k < 9; ++k) {
        if (!(subset >> k & 1)) continue;
        const double value = double(images.data[corner + k / 3 * images.nx + k % 3]);
        for (int j = 0; j < 5; ++j) {
            c[j] += weight[9 * j + k] * value;
            rounding[j] += FIT_ROUNDING * fabs(weight[9 * j + k] * value);
        }
    }
    const double bx = c[0], by = c[1], xy = c[2], xx = c[3], yy = c[4];
    const double determinant = 4.0 * xx * yy - xy * xy;
    const double by_rounding =
        4.0 * (fabs(xx) * rounding[4] + fabs(yy) * rounding[3]) + 2.0 * fabs(xy) * rounding[2];
    if (determinant <= by_rounding || xx > -rounding[3]) return false;
    const double x = (by * xy - 2.0 * yy * bx) / determinant;
    const double y = (bx * xy - 2.0 * xx * by) / determinant;
    const double none = images.error ? 0.0 : NAN_VALUE;
    out = {x, y, none, none, none};
    if (!images.error) return true;
    // The derivatives of the maximum's place by the coefficients, times those by the pixels.
    const double by_x[] = {-2.0 * yy, xy, by + 2.0 * xy * x, -4.0 * yy * x, -2.0 * bx - 4.0 * xx * x};
    const double by_y[] = {xy, -2.0 * xx, bx + 2.0 * xy * y, -2.0 * by - 4.0 * yy * y, -4.0 * xx * y};
    for (int k = 0; k < 9; ++k) {
        if (!(subset >> k & 1)) continue;
        const double sigma = double(images.error[corner + k / 3 * images.nx + k % 3]);
        double gx = 0.0, gy = 0.0;
        for (int j = 0; j < 5; ++j) {
            gx += by_x[j] / determinant * weight[9 * j + k];
            gy += by_y[j] / determinant * weight[9 * j + k];
        }
        out.xx += gx * gx * (sigma * sigma);
        out.yy += gy * gy * (sigma * sigma);
        out.xy += gx * gy * (sigma * sigma);
    }
    return true;
}

// What is found: the maximum of a fit, the peak itself at the edge of the box, or nothing.
enum Found { NOTHING, PEAK, MAXIMUM };

// Finds it for a source, from the first corner of its box; `peak` is -1 where there is none.
template <class Value, class Error> SKYSHED_BOTH Found locate(
    const Images<Value, Error> &images, const i64 *pixel, i64 begin, i64 end, const i64 *box, i64 peak,
    const double *weights, Located &out) {
    const i64 height = box[1] - box[0], width = box[3] - box[2];
    if (peak < 0 || height < 3 || width < 3) return NOTHING;
    const i64 p = peak_of(images, pixel, begin, end, box, peak);
    const i64 y = p / images.nx - box[0], x = p % images.nx - box[2];
    if (y == 0 || y == height - 1 || x == 0 || x == width - 1) {
        out = {double(x), double(y), NAN_VALUE, NAN_VALUE, NAN_VALUE};
        return PEAK;
    }
    if (!fit(images, p - images.nx - 1, weights, out)) return NOTHING;
    out.x += double(x), out.y += double(y);
    const bool inside = 0.0 < out.x && out.x < double(width) - 1.0 && 0.0 < out.y &&
                        out.y < double(height) - 1.0;
    return inside ? MAXIMUM : NOTHING;
}

// Writes what was found for source i, or what to return where there is nothing.
SKYSHED_BOTH void write(
    Found found, const Located &at, const double *plain, const double *plain_covariance, i64 i,
    double *centre, double *covariance, bool *fallback) {
    const double place[] = {at.x, at.y}, spread[] = {at.xx, at.yy, at.xy};
    fallback[i] = found != MAXIMUM;
    for (int k = 0; k < 2; ++k) centre[2 * i + k] = found == NOTHING ? plain[2 * i + k] : place[k];
    for (int k = 0; k < 3; ++k)
        covariance[3 * i + k] = found == NOTHING ? plain_covariance[3 * i + k] : spread[k];
}

}  // namespace centroids
