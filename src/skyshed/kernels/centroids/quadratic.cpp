// Quadratic fits around the peaks.

#include "skyshed/kernels/centroids/quadratic.h"

#include "skyshed/kernels/cpu.h"

namespace centroids {
namespace {

// Of sources order[k0:k1].
template <class Value, class Error>
i64 quadratic(
    const i64 *pixel, const i64 *start, const i64 *bbox, i64 nx, const Value *data, const Error *error,
    const bool *mask, const i64 *peak, const i64 *order, const double *weights, const double *plain,
    const double *plain_covariance, double *centre, double *covariance, bool *fallback, i64 k0, i64 k1) {
    const Images<Value, Error> images = {data, error, mask, nx};
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        Located at = {};
        const Found found = locate(
            images, pixel, start[i], start[i + 1], bbox + 4 * i, peak[i], weights, at);
        write(found, at, plain, plain_covariance, i, centre, covariance, fallback);
    }
    return 0;
}

SKYSHED_KERNEL("centroids.quadratic", quadratic<float, float>);
SKYSHED_KERNEL("centroids.quadratic", quadratic<float, double>);
SKYSHED_KERNEL("centroids.quadratic", quadratic<double, float>);
SKYSHED_KERNEL("centroids.quadratic", quadratic<double, double>);

}  // namespace
}  // namespace centroids
