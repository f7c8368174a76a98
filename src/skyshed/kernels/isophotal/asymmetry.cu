// The asymmetry of sources, a warp for each. Its lanes add up pixels 32 apart, and then each other by a fixed
// tree, so that all of them know the sums and go to the same centre.

#include "skyshed/kernels/isophotal/asymmetry.h"

using namespace isophotal;

__device__ inline double sum_of_all(double mine) { return __shfl_sync(ALL_LANES, warp_sum(mine), 0); }

extern "C" __global__ void asymmetry(
    const i64 *pixel, const i64 *start, i64 n, i64 nx, i64 n_rows, const REAL *image, const REAL *error,
    const bool *mask, const int *owner, const int *squared, const i64 *farthest, const double *level,
    const i64 *centres, double *out) {
    const Zones<REAL> in = {image, error, mask, owner, squared, nx, n_rows};
    for (i64 i = global_warp(); i < n; i += global_warps()) {
        const Zone of = {int(i + 1), farthest[i], level[i]};
        const Point begin = {centres[2 * i], centres[2 * i + 1]};
        const double found = asymmetry_about(begin, [&](const Turned &rows, const Turned &columns) {
            Pairs sums = {0.0, 0.0, 0.0};
            for (i64 j = start[i] + lane_of_thread(); j < start[i + 1]; j += 32)
                take_pair(in, of, rows, columns, pixel[j], sums);
            sums.difference = sum_of_all(sums.difference);
            sums.light = sum_of_all(sums.light);
            sums.noise = sum_of_all(sums.noise);
            return sums;
        });
        if (lane_of_thread() == 0) out[i] = found;
    }
}
