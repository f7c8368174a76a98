// The nearest labels, a thread for each pixel.

#include "skyshed/kernels/nearest/nearest.h"

extern "C" __global__ void columns(
    const int *labels, i64 nx, i64 ny, i64 n_rows, i64 reach, int *label, int *squared) {
    for (i64 p = global_thread(); p < ny * nx; p += global_threads()) {
        const i64 y = p / nx, x = p - y * nx;
        const i64 begin = y / n_rows * n_rows, end = min(begin + n_rows, ny);
        const nearest::Found found = nearest::in_column(labels, nx, begin, end, y, x, reach);
        label[p] = found.label;
        squared[p] = int(found.squared);
    }
}

extern "C" __global__ void rows(
    const int *label, const int *squared, i64 nx, i64 ny, i64 reach, int *out, int *out_squared) {
    for (i64 p = global_thread(); p < ny * nx; p += global_threads()) {
        const i64 row = p / nx * nx;
        const nearest::Found found = nearest::in_row(label + row, squared + row, nx, p - row, reach);
        out[p] = found.label;
        out_squared[p] = int(found.squared);
    }
}
