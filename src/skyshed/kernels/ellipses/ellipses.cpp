// The ellipse of each source's second moments and its Kron aperture.

#include "skyshed/kernels/ellipses/ellipses.h"

#include "skyshed/kernels/cpu.h"

namespace ellipses {
namespace {

// Of sources i0 to i1; column holds n numbers of each kind.
i64 describe_all(
    const double *moments, i64 n, double *covariance, double *eigenvalues, double *column, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const Described found = describe(moments + 16 * i);
        for (int k = 0; k < COLUMNS; ++k) column[k * n + i] = found.column[k];
        const Symmetric &m = found.matrix;
        covariance[4 * i] = m.xx, covariance[4 * i + 1] = m.xy;
        covariance[4 * i + 2] = m.xy, covariance[4 * i + 3] = m.yy;
        eigenvalues[2 * i] = found.of.large, eigenvalues[2 * i + 1] = found.of.small;
    }
    return 0;
}

SKYSHED_KERNEL("ellipses.describe", describe_all);

i64 size(
    const double *measured, const double *moment, const double *total, const double *semimajor,
    const double *semiminor, i64 n, double scale, double least, double circle, double largest, double *sizes,
    bool *at_least, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const Sized found = size_of(
            measured[i], moment[i], total[i], semimajor[i], semiminor[i], scale, least, circle, largest);
        sizes[i] = found.radius, sizes[n + i] = found.major, sizes[2 * n + i] = found.minor;
        at_least[i] = found.at_least;
    }
    return 0;
}

SKYSHED_KERNEL("ellipses.size", size);

}  // namespace
}  // namespace ellipses
