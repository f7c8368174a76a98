// The nearest labels, row by row.

#include "skyshed/kernels/nearest/nearest.h"

#include "skyshed/kernels/cpu.h"

namespace nearest {
namespace {

// Looks along the columns from rows y0 to y1.
i64 columns(
    const int *labels, i64 nx, i64 ny, i64 n_rows, i64 reach, int *label, int *squared, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        const i64 begin = y / n_rows * n_rows, end = min(begin + n_rows, ny);
        for (i64 x = 0; x < nx; ++x) {
            const Found found = in_column(labels, nx, begin, end, y, x, reach);
            label[y * nx + x] = found.label;
            squared[y * nx + x] = int(found.squared);
        }
    }
    return 0;
}

SKYSHED_KERNEL("nearest.columns", columns);

// Looks along rows y0 to y1.
i64 rows(
    const int *label, const int *squared, i64 nx, i64 reach, int *out, int *out_squared, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        for (i64 x = 0; x < nx; ++x) {
            const Found found = in_row(label + y * nx, squared + y * nx, nx, x, reach);
            out[y * nx + x] = found.label;
            out_squared[y * nx + x] = int(found.squared);
        }
    }
    return 0;
}

SKYSHED_KERNEL("nearest.rows", rows);

}  // namespace
}  // namespace nearest
