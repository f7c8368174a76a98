// Runs of pixels along rows, drawn into a window.

#include <algorithm>

#include "skyshed/kernels/cpu.h"

namespace painting {
namespace {

// Calls draw(k, skipped, first, n) for each run that has pixels in a window of ny by nx pixels: the run, how
// many of its pixels lie before the window, the place of the next one there, and how many follow from it on.
template <class Draw>
void each_run(
    const int *y, const int *x, const int *length, i64 n_runs, i64 y0, i64 x0, i64 ny, i64 nx, Draw draw) {
    for (i64 k = 0; k < n_runs; ++k) {
        const i64 row = y[k] - y0, begin = x[k] - x0;
        const i64 first = max(begin, i64(0)), last = min(begin + length[k], nx);
        if (row < 0 || row >= ny || first >= last) continue;
        draw(k, first - begin, row * nx + first, last - first);
    }
}

i64 fill(
    const int *y, const int *x, const int *length, i64 n_runs, const int *value, i64 y0, i64 x0, i64 ny, i64 nx,
    int *image) {
    each_run(y, x, length, n_runs, y0, x0, ny, nx, [&](i64 k, i64, i64 first, i64 n) {
        if (value[k]) std::fill(image + first, image + first + n, value[k]);
    });
    return 0;
}

SKYSHED_KERNEL("painting.fill", fill);

template <class Value>
i64 copy(
    const int *y, const int *x, const int *length, i64 n_runs, const Value *values, i64 y0, i64 x0, i64 ny,
    i64 nx, Value *image) {
    i64 counted = 0, before = 0;  // the runs whose pixels are counted, and how many these are
    each_run(y, x, length, n_runs, y0, x0, ny, nx, [&](i64 k, i64 skipped, i64 first, i64 n) {
        for (; counted < k; ++counted) before += length[counted];
        const Value *from = values + before + skipped;
        std::copy(from, from + n, image + first);
    });
    return 0;
}

SKYSHED_KERNEL("painting.copy", copy<float>);
SKYSHED_KERNEL("painting.copy", copy<double>);

}  // namespace
}  // namespace painting
