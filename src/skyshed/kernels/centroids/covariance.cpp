// Errors of centres of mass: row sums, then their sum, about the source's own centre.

#include "skyshed/kernels/centroids/covariance.h"

#include "skyshed/kernels/cpu.h"

namespace centroids {
namespace {

// Of sources order[k0:k1]; out is xx, yy, xy of each.
template <class Error, class Value>
i64 covariance(
    const i64 *pixel, const i64 *start, const i64 *order, const i64 *bbox, i64 nx, const Error *error,
    const Value *image, const bool *mask, const double *moments, double *out, const int *stop, i64 k0,
    i64 k1) {
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const double flux = moments[16 * i], xcen = moments[16 * i + 1] / flux;
        const double ycen = moments[16 * i + 4] / flux;
        Variances sums = {};
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, dy = 0.0;
        const auto end_row = [&] {
            sums.total += s0, sums.xx += s2, sums.yy += dy * dy * s0, sums.xy += dy * s1;
            s0 = s1 = s2 = 0.0;
        };
        i64 row_end = 0;
        for (i64 j = start[i]; j < start[i + 1]; ++j) {
            const i64 p = pixel[j];
            if (p >= row_end) {
                if (stopped(stop)) return STOPPED;
                end_row();
                const i64 y = p / nx;
                row_end = (y + 1) * nx;
                dy = double(y - bbox[4 * i]) - ycen;
            }
            if ((mask && mask[p]) || !counts(double(image[p]))) continue;
            const double sigma = double(error[p]), variance = sigma * sigma;
            const double dx = double(p - (row_end - nx) - bbox[4 * i + 2]) - xcen;
            s0 += variance;
            s1 += variance * dx;
            s2 += variance * dx * dx;
        }
        end_row();
        const ellipses::Symmetric found = covariance_of(sums, flux);
        out[3 * i] = found.xx, out[3 * i + 1] = found.yy, out[3 * i + 2] = found.xy;
    }
    return 0;
}

SKYSHED_KERNEL("centroids.covariance", covariance<float, float>);
SKYSHED_KERNEL("centroids.covariance", covariance<float, double>);
SKYSHED_KERNEL("centroids.covariance", covariance<double, float>);
SKYSHED_KERNEL("centroids.covariance", covariance<double, double>);

}  // namespace
}  // namespace centroids
