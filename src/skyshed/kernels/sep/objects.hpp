// What is measured of an object's pixels: SourceExtractor's isophotal analysis (Bertin & Arnouts 1996), with
// its dtypes. Pixels are in the order of their chain.
#pragma once
#include "skyshed/kernels/sep/grown.hpp"

namespace sep {

constexpr double PI = 3.14159265358979323846;
constexpr float LEAST = -1e30f;

enum Flag { MERGED = 1, EDGE = 2, SINGULAR = 8 };

// The pixels above the threshold, by number.
struct Pixels {
    const float *data;     // of the image
    const float *smooth;   // what is detected on; may be the same
    const float *noise;    // of the image, or null
    i64 nx;
    bool with_noise;       // whether there is a noise, an image or one number
    bool is_variance;
    float relative, constant, variance;  // thresholds: times the noise, or one for all; one variance for all

    float sigma_at(i64 p) const { return is_variance ? float(sqrt(double(noise[p]))) : noise[p]; }
    float variance_at(i64 p) const {
        if (!noise) return variance;
        return is_variance ? noise[p] : noise[p] * noise[p];
    }
    float threshold_at(i64 p) const { return noise ? relative * sigma_at(p) : constant; }
};

struct Object {
    i64 begin, n;  // its pixels' indices in the image, in a list
    int flag;
    float threshold, brightest, peak, smooth_peak, flux, smooth_flux;
    i64 above;  // pixels above the threshold in the image itself
    i64 x0, x1, y0, y1, peak_x, peak_y, smooth_x, smooth_y;
    double x, y, xx, yy, xy, error_xx, error_yy, error_xy;
    float a, b, theta, cxx, cyy, cxy, correction;
};

// Sums, extremes and bounds.
inline void survey(Object &o, const Pixels &f, const i64 *pixels) {
    double flux = 0.0;
    o.peak = o.smooth_peak = LEAST;
    o.x0 = o.y0 = i64(1) << 62, o.x1 = o.y1 = 0;
    o.peak_x = o.peak_y = o.smooth_x = o.smooth_y = 0;
    for (i64 k = 0; k < o.n; ++k) {
        const i64 p = pixels[k], x = p % f.nx, y = p / f.nx;
        const float value = f.data[p], smooth = f.smooth[p];
        if (o.peak < value) o.peak = value, o.peak_x = x, o.peak_y = y;
        if (o.smooth_peak < smooth) o.smooth_peak = smooth, o.smooth_x = x, o.smooth_y = y;
        flux += double(smooth);
        o.x0 = min(o.x0, x), o.x1 = max(o.x1, x), o.y0 = min(o.y0, y), o.y1 = max(o.y1, y);
    }
    o.smooth_flux = float(flux);
}

// Moments and the ellipse. A `final` one of a blend keeps the barycentre that it had before the faint pixels
// around were given to it. Variances of the pixels are those of the noise, and of photons if gain > 0.
inline void measure(Object &o, const Pixels &f, const i64 *pixels, bool final, double gain) {
    survey(o, f, pixels);
    const double threshold = double(o.threshold), flux = double(o.smooth_flux);
    const double halfway = (threshold + double(o.peak)) / 2.0;
    double total = 0.0, mx = 0.0, my = 0.0, mxx = 0.0, myy = 0.0, mxy = 0.0;
    i64 above = 0, above_half = 0;
    for (i64 k = 0; k < o.n; ++k) {
        const i64 p = pixels[k];
        const float x = float(p % f.nx - o.x0), y = float(p / f.nx - o.y0), smooth = f.smooth[p];
        const double value = double(f.data[p]);
        total += value;
        above += value > threshold, above_half += value > halfway;
        mx += double(smooth * x), my += double(smooth * y);
        mxx += double(smooth * x * x), myy += double(smooth * y * y), mxy += double(smooth * x * y);
    }
    double x = mx / flux, y = my / flux, xx, yy, xy;
    if (final && (o.flag & MERGED)) {
        const double kept_x = o.x - double(o.x0), kept_y = o.y - double(o.y0);
        xx = mxx / flux + kept_x * kept_x - 2 * x * kept_x;
        yy = myy / flux + kept_y * kept_y - 2 * y * kept_y;
        xy = mxy / flux + kept_x * kept_y - x * kept_y - kept_x * y;
        x = kept_x, y = kept_y;
    } else {
        xx = mxx / flux - x * x, yy = myy / flux - y * y, xy = mxy / flux - x * y;
    }
    double all = 0.0, error_xx = 0.0, error_yy = 0.0, error_xy = 0.0;
    for (i64 k = 0; k < o.n; ++k) {
        const i64 p = pixels[k];
        const double dx = double(p % f.nx - o.x0) - x, dy = double(p / f.nx - o.y0) - y;
        double variance = f.with_noise ? double(f.variance_at(p)) : 0.0;
        if (gain > 0.0 && f.smooth[p] > 0.0f) variance += double(f.smooth[p]) / gain;
        all += variance;
        error_xx += variance * dx * dx, error_yy += variance * dy * dy, error_xy += variance * dx * dy;
    }
    const double squared = flux * flux;
    error_xx /= squared, error_yy /= squared, error_xy /= squared;
    double determinant = xx * yy - xy * xy;
    // Below (1/12)^2 a source is as thin as a pixel: SourceExtractor adds a pixel's variance.
    if (determinant < 0.00694) {
        xx += 0.0833333, yy += 0.0833333;
        determinant = xx * yy - xy * xy;
        o.flag |= SINGULAR;
        all *= 0.08333 / squared;
        if (error_xx * error_yy - error_xy * error_xy < all * all) error_xx += all, error_yy += all;
    }
    const double difference = xx - yy;
    const double theta = fabs(difference) > 0.0 ? atan2(2.0 * xy, difference) / 2.0 : PI / 4.0;
    const double root = sqrt(0.25 * difference * difference + xy * xy), mean = 0.5 * (xx + yy);
    o.above = above, o.flux = float(total);
    o.x = x + double(o.x0), o.y = y + double(o.y0);
    o.xx = xx, o.yy = yy, o.xy = xy;
    o.error_xx = error_xx, o.error_yy = error_yy, o.error_xy = error_xy;
    o.a = float(sqrt(mean + root)), o.b = float(sqrt(mean - root)), o.theta = float(theta);
    o.cxx = float(yy / determinant), o.cyy = float(xx / determinant), o.cxy = float(-2 * xy / determinant);
    // How much larger a Gaussian is than what is above the threshold.
    const double area = double(above_half) - double(above), ratio = threshold / halfway;
    if (ratio > 0.0) {
        const double steep = 2 * PI * log(ratio < 1.0 ? ratio : 0.99) * double(o.a) * double(o.b);
        o.correction = float((area < 0.0 ? area : -1.0) / steep);
        if (o.correction > 1.0f) o.correction = 1.0f;
    } else {
        o.correction = 1.0f;
    }
}

}  // namespace sep
