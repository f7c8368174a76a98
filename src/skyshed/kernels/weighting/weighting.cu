// Inverse-distance weighting: a thread does a pixel. It goes over all points, which are few, and
// keeps the nearest; for more neighbours than it can keep it goes over them again.

#include "skyshed/kernels/weighting/weighting.h"

#define KEPT 16

extern "C" __global__ void weigh_points(
    const REAL *values, const double *points, i64 n, i64 ny, i64 nx, i64 n_neighbors, double power,
    double regularization, double at_point, double *out) {
    for (i64 p = global_thread(); p < ny * nx; p += global_threads()) {
        const double y = (double)(p / nx), x = (double)(p % nx);
        const i64 n_near = min(n_neighbors, n);
        weighting::Mean mean(n_near);
        double last = -1.0;
        i64 last_at = -1, at_pixel = -1;    // neighbours up to last_at have been weighed
        for (i64 left = n_near; left > 0; left -= KEPT) {
            double near[KEPT];
            i64 at[KEPT];
            const int wanted = (int)min(left, (i64)KEPT);
            for (int k = 0; k < wanted; ++k) near[k] = INF_VALUE, at[k] = 0;
            for (i64 i = 0; i < n; ++i) {
                const double dy = points[2 * i] - y, dx = points[2 * i + 1] - x;
                const double distance2 = dy * dy + dx * dx;
                if (distance2 >= near[wanted - 1] || distance2 < last) continue;
                if (distance2 == last && i <= last_at) continue;
                int k = wanted - 1;
                for (; k > 0 && near[k - 1] > distance2; --k) {
                    near[k] = near[k - 1];
                    at[k] = at[k - 1];
                }
                near[k] = distance2, at[k] = i;
            }
            if (n_neighbors == 1 || (last_at < 0 && sqrt(near[0]) <= at_point)) {
                at_pixel = at[0];
                break;
            }
            for (int k = 0; k < wanted; ++k)
                mean.add(values[at[k]], weighting::weight(sqrt(near[k]), power, regularization));
            last = near[wanted - 1], last_at = at[wanted - 1];
        }
        out[p] = at_pixel >= 0 ? values[at_pixel] : mean.value();
    }
}
