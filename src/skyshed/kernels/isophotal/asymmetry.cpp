// The asymmetry of sources, one after another.

#include "skyshed/kernels/isophotal/asymmetry.h"

#include "skyshed/kernels/cpu.h"

namespace isophotal {
namespace {

// Pixels, a fraction of a millisecond, after which to look whether to stop.
constexpr i64 BETWEEN_LOOKS = 4096;

// Asymmetries of sources order[k0:k1], about centres that are looked for from those given.
template <class Value>
i64 asymmetry(
    const i64 *pixel, const i64 *start, const i64 *order, i64 nx, i64 n_rows, const Value *image,
    const Value *error, const bool *mask, const int *owner, const int *squared, const i64 *farthest,
    const double *level, const i64 *centres, double *out, const int *stop, i64 k0, i64 k1) {
    const Zones<Value> in = {image, error, mask, owner, squared, nx, n_rows};
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Zone of = {int(i + 1), farthest[i], level[i]};
        const Point begin = {centres[2 * i], centres[2 * i + 1]};
        out[i] = asymmetry_about(begin, [&](const Turned &rows, const Turned &columns) {
            Pairs sums = {0.0, 0.0, 0.0};
            for (i64 j = start[i]; j < start[i + 1]; ++j) {
                if ((j - start[i]) % BETWEEN_LOOKS == 0 && stopped(stop)) return sums;
                take_pair(in, of, rows, columns, pixel[j], sums);
            }
            return sums;
        });
        if (stopped(stop)) return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("isophotal.asymmetry", asymmetry<float>);
SKYSHED_KERNEL("isophotal.asymmetry", asymmetry<double>);

}  // namespace
}  // namespace isophotal
