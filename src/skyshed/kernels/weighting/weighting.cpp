// Inverse-distance weighting of neighbours that have been found.

#include "skyshed/kernels/weighting/weighting.h"

#include "skyshed/kernels/cpu.h"

namespace weighting {
namespace {

// Interpolates pixels p0 to p1, each between n neighbours, the nearest first.
template <class Value>
i64 average(
    const Value *values, const double *distance, const i64 *index, i64 n, double power,
    double regularization, double at_point, double *out, i64 p0, i64 p1) {
    for (i64 p = p0; p < p1; ++p) {
        const double *away = distance + n * p;
        const i64 *which = index + n * p;
        if (n == 1 || away[0] <= at_point) {
            out[p] = values[which[0]];
            continue;
        }
        Mean mean(n);
        for (i64 k = 0; k < n; ++k)
            mean.add(values[which[k]], weight(away[k], power, regularization));
        out[p] = mean.value();
    }
    return 0;
}

SKYSHED_KERNEL("weighting.average", average<float>);
SKYSHED_KERNEL("weighting.average", average<double>);

}  // namespace
}  // namespace weighting
