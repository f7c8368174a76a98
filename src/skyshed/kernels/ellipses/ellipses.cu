// The ellipse of each source's second moments and its Kron aperture.

#include "skyshed/kernels/ellipses/ellipses.h"

// One thread per source. column holds n numbers of each kind, in the order of the contract.
extern "C" __global__ void describe_ellipses(
    const double *moments, i64 n, double *covariance, double *eigenvalues, double *column) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const ellipses::Described found = ellipses::describe(moments + 16 * i);
        for (int k = 0; k < ellipses::COLUMNS; ++k) column[k * n + i] = found.column[k];
        covariance[4 * i] = found.matrix.xx;
        covariance[4 * i + 1] = covariance[4 * i + 2] = found.matrix.xy;
        covariance[4 * i + 3] = found.matrix.yy;
        eigenvalues[2 * i] = found.of.large;
        eigenvalues[2 * i + 1] = found.of.small;
    }
}

// One thread per source.
extern "C" __global__ void size_kron_apertures(
    const double *measured, const double *moment, const double *total, const double *semimajor,
    const double *semiminor, i64 n, double scale, double least, double circle, double largest,
    double *sizes, bool *at_least) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const ellipses::Sized found = ellipses::size_of(
            measured[i], moment[i], total[i], semimajor[i], semiminor[i], scale, least, circle,
            largest);
        at_least[i] = found.at_least;
        sizes[i] = found.radius;
        sizes[n + i] = found.major;
        sizes[2 * n + i] = found.minor;
    }
}
