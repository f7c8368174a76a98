// Pixels of annuli: row by row from one side of the circle to the other.

#include "skyshed/kernels/annuli/annuli.h"

#include "skyshed/kernels/cpu.h"

namespace annuli {
namespace {

// Copies the values of annuli a0 to a1 to rows of a table, which have room for them.
template <class Value>
i64 gather(
    const Value *data, const bool *mask, i64 ny, i64 nx, const double *centers, double inner, double outer,
    i64 width, Value *out, const int *stop, i64 a0, i64 a1) {
    for (i64 a = a0; a < a1; ++a) {
        const Annulus annulus = {centers[2 * a], centers[2 * a + 1], inner, outer};
        Value *const row = out + a * width;
        i64 n = 0;
        const Between rows = annulus.rows(ny);
        for (i64 j = rows.begin; j < rows.end; ++j) {
            if (stopped(stop)) return STOPPED;
            const double distance2 = annulus.distance2(j);
            const Between columns = annulus.columns(j, nx);
            for (i64 i = columns.begin; i < columns.end; ++i) {
                if (!annulus.holds(i, distance2)) continue;
                const i64 p = j * nx + i;
                if (good(data[p]) && !(mask && mask[p])) row[n++] = data[p];
            }
        }
        std::fill(row + n, row + width, Value(NAN_VALUE));
    }
    return 0;
}

SKYSHED_KERNEL("annuli.gather", gather<float>);
SKYSHED_KERNEL("annuli.gather", gather<double>);

}  // namespace
}  // namespace annuli
