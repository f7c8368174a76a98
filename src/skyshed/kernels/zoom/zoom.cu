// Spline expansion of a small mesh.
//
// The mesh is expanded along x once, into a strip of one line per mesh row; each pixel is then a
// weighted sum of a few values of the strip, which stay in the cache. So a pixel costs k products,
// not k * k, and is written once.

#include "skyshed/kernels/zoom/zoom.h"

// Rows of the image that a thread does: they share most of the strip's lines.
#define ROWS 16

extern "C" __global__ void expand_lines(
    const double *coefficients, i64 my, i64 mx, const i64 *index, const double *weight, int k,
    i64 nx, double *strip) {
    for (i64 p = global_thread(); p < my * nx; p += global_threads()) {
        const i64 y = p / nx, x = p - y * nx;
        strip[p] = zoom::combined(
            k, [=](int j) { return weight[x * k + j]; },
            [=](int j) { return coefficients[y * mx + index[x * k + j]]; });
    }
}

// Tiles of a block's width and ROWS rows, for which the indices and weights are in shared memory.
// Terms are the outer loop, so that a value of the strip is read once for all rows that it goes
// into.
extern "C" __global__ void __launch_bounds__(256) combine_lines(
    const double *strip, const i64 *index, const double *weight, int k, i64 ny, i64 nx, double low,
    double high, REAL *out) {
    DYNAMIC_SHARED(i64, line);
    double *share = (double *)(line + ROWS * k);
    const i64 across = (nx + blockDim.x - 1) / blockDim.x, down = (ny + ROWS - 1) / ROWS;
    for (i64 tile = blockIdx.x; tile < across * down; tile += gridDim.x) {
        const i64 row = tile / across, y0 = row * ROWS;
        const i64 x = (tile - row * across) * blockDim.x + threadIdx.x;
        for (int j = threadIdx.x; j < ROWS * k; j += blockDim.x) {
            const bool inside = y0 * k + j < ny * k;
            line[j] = inside ? index[y0 * k + j] : 0;
            share[j] = inside ? weight[y0 * k + j] : 0.0;
        }
        __syncthreads();
        if (x < nx) {
            double total[ROWS] = {};
            for (int i = 0; i < k; ++i) {
                i64 known = -1;
                double value = 0.0;
#pragma unroll
                for (int y = 0; y < ROWS; ++y) {
                    const i64 wanted = line[y * k + i];
                    if (wanted != known) value = strip[wanted * nx + x], known = wanted;
                    total[y] += share[y * k + i] * value;
                }
            }
#pragma unroll
            for (int y = 0; y < ROWS; ++y) {
                if (y0 + y >= ny) break;
                out[(y0 + y) * nx + x] = (REAL)zoom::within(total[y], low, high);
            }
        }
        __syncthreads();
    }
}
