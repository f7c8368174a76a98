// Errors of the centres of mass: moments of the pixels' variances, over the chunks of each source.

#include "skyshed/kernels/centroids/covariance.h"

// A warp adds up a chunk: the variances, and their moments xx, yy and xy about the centre that the
// 16 moments of the source have.
extern "C" __global__ void variances_of_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const i64 *bbox, i64 nx,
    const REAL *error, const REAL *image, const bool *mask, const double *moments,
    double *partial) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 y0 = bbox[4 * chunk.source], x0 = bbox[4 * chunk.source + 2];
        const double *m = moments + 16 * chunk.source;
        const double ycen = m[4] / m[0], xcen = m[1] / m[0];
        double sums[4] = {};
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            if ((mask && mask[p]) || !centroids::counts(image[p])) continue;
            const i64 row = p / nx;
            const double dy = double(row - y0) - ycen, dx = double(p - row * nx - x0) - xcen;
            double variance = error[p];
            variance *= variance;
            sums[0] += variance;
            sums[1] += variance * dx * dx;
            sums[2] += variance * dy * dy;
            sums[3] += variance * dx * dy;
        }
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const double sum = warp_sum(sums[k]);
            if (lane_of_thread() == 0) partial[4 * c + k] = sum;
        }
    }
}

// A thread per source adds its chunks up, in their order.
extern "C" __global__ void covariances_of_sources(
    const i64 *first_chunk, i64 n, const double *partial, const double *moments,
    double *covariance) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        double sums[4] = {};
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
#pragma unroll
            for (int k = 0; k < 4; ++k) sums[k] += partial[4 * c + k];
        const ellipses::Symmetric of = centroids::covariance_of(
            {sums[0], sums[1], sums[2], sums[3]}, moments[16 * i]);
        covariance[3 * i] = of.xx, covariance[3 * i + 1] = of.yy, covariance[3 * i + 2] = of.xy;
    }
}
