// Covariance matrices of two dimensions.
#pragma once
#include "skyshed/kernels/both.h"

namespace ellipses {

// The variance of a uniform distribution over one pixel: no source is resolved below it, and where in it the
// light fell is not known.
constexpr double PIXEL_VARIANCE = 1.0 / 12.0;
// How far below 0, relative to the squared trace, rounding can take the determinant of the covariance of a
// source on a line.
constexpr double DETERMINANT_ROUNDING = 1000 * 2.220446049250313e-16;

struct Symmetric {
    double xx, xy, yy;

    SKYSHED_BOTH double determinant() const { return xx * yy - xy * xy; }
};

struct Eigenvalues {
    double large, small;
};

// The smaller comes from the determinant where it can: the difference of half the trace and half the
// discriminant would cancel for elongated matrices.
SKYSHED_BOTH Eigenvalues eigenvalues_of(Symmetric m) {
    const double half = 0.5 * (m.xx + m.yy), root = hypot(0.5 * (m.xx - m.yy), m.xy);
    const double large = half + root, small = half > 0 ? m.determinant() / large : half - root;
    // Rounding must not make the smaller the larger one.
    return {large, small > large ? large : small};
}

// The variance along each principal axis raised to `least`; the axes keep their directions. What is not
// finite stays.
SKYSHED_BOTH Symmetric floored(Symmetric m, double least) {
    const Eigenvalues of = eigenvalues_of(m);
    if (of.large < least) return {least, 0.0, least};
    if (!(of.small < least && isfinite(of.small) && isfinite(of.large))) return m;
    // (large - C) / (large - small) projects on the minor axis.
    const double lift = (least - of.small) / (of.large - of.small);
    return {m.xx + lift * (of.large - m.xx), m.xy - lift * m.xy, m.yy + lift * (of.large - m.yy)};
}

// Whether a matrix is not positive semidefinite: it describes no shape.
SKYSHED_BOTH bool impossible(Symmetric m) {
    const double trace = m.xx + m.yy;
    return m.determinant() < -DETERMINANT_ROUNDING * (trace * trace) || trace < 0;
}

}  // namespace ellipses
