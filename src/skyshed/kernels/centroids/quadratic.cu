// Quadratic fits around the peaks: a thread per source.

#include "skyshed/kernels/centroids/quadratic.h"

// weights: 5 x 9 for each of the 512 subsets of the pixels. peak[i] is -1 where there is none.
extern "C" __global__ void fit_peaks(
    const i64 *pixel, const i64 *start, const i64 *bbox, i64 n, i64 nx, const REAL *data,
    const REAL *error, const bool *mask, const i64 *peak, const double *weights,
    const double *plain, const double *plain_covariance, double *centre, double *covariance,
    bool *fallback) {
    const centroids::Images<REAL, REAL> images = {data, error, mask, nx};
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        centroids::Located at = {};
        const centroids::Found found = centroids::locate(
            images, pixel, start[i], start[i + 1], bbox + 4 * i, peak[i], weights, at);
        centroids::write(found, at, plain, plain_covariance, i, centre, covariance, fallback);
    }
}
