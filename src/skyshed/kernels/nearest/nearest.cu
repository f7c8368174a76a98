// The nearest labels, a thread for each pixel.

#include "skyshed/kernels/nearest/nearest.h"

// Looks along columns.
extern "C" __global__ void columns(const int *labels, i64 nx, i64 ny, i64 n_rows, i64 reach, u64 *out) {
    for (i64 p = global_thread(); p < ny * nx; p += global_threads()) {
        const i64 y = p / nx, begin = y / n_rows * n_rows, end = min(begin + n_rows, ny);
        const u64 none = nearest::nothing(reach);
        u64 best = none;
        for (i64 d = 0; d <= reach && best == none; ++d) {
            const int above = y - d >= begin ? labels[p - d * nx] : 0;
            const int below = y + d < end ? labels[p + d * nx] : 0;
            if (above) best = nearest::found(above, d * d);
            if (below) best = min(best, nearest::found(below, d * d));
        }
        out[p] = best;
    }
}

// Looks along rows.
extern "C" __global__ void rows(
    const u64 *of_columns, i64 nx, i64 ny, i64 reach, int *label, int *squared) {
    for (i64 p = global_thread(); p < ny * nx; p += global_threads()) {
        const i64 x = p % nx;
        u64 best = of_columns[p];
        for (i64 d = 1; d <= reach && d * d <= nearest::squared_of(best); ++d) {
            if (x - d >= 0) best = min(best, nearest::from_aside(of_columns[p - d], d));
            if (x + d < nx) best = min(best, nearest::from_aside(of_columns[p + d], d));
        }
        label[p] = nearest::label_of(best);
        squared[p] = int(nearest::squared_of(best));
    }
}
