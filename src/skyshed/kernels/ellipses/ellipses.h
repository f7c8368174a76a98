// The ellipse that has a source's second moments, and the size of its Kron aperture.
#pragma once
#include "skyshed/kernels/ellipses/covariance.h"

namespace ellipses {

constexpr double PI = 3.141592653589793, LOG_2 = 0.6931471805599453;
// The numbers per source that stand in columns of their own.
constexpr int COLUMNS = 13;

struct Described {
    Symmetric matrix;
    Eigenvalues of;
    double column[COLUMNS];  // in the order of the contract
};

// From 16 moments about the centroid, of which element 4 k + l is of y^k x^l.
SKYSHED_BOTH Described describe(const double *central) {
    const double total = central[0];
    Symmetric m = {central[2] / total, central[5] / total, central[8] / total};
    if (impossible(m)) m = {NAN_VALUE, NAN_VALUE, NAN_VALUE};
    m = floored(m, PIXEL_VARIANCE);
    const Eigenvalues of = eigenvalues_of(m);
    const double a = sqrt(of.large), b = sqrt(of.small);
    // A covariance of -0.0 would give -90 instead of 90.
    const double degrees = 0.5 * atan2(2 * m.xy + 0.0, m.xx - m.yy) * (180.0 / PI);
    // The ellipse cxx dx^2 + cxy dx dy + cyy dy^2 = R^2, R in units of its axes.
    const double angle = degrees * (PI / 180.0), c = cos(angle), s = sin(angle);
    const double major = 1.0 / (a * a), minor = 1.0 / (b * b);
    return {m, of,
            {m.xx, m.xy, m.yy, a, b, 2 * sqrt(LOG_2 * (of.large + of.small)), degrees,
             sqrt(1 - of.small / of.large), a / b, 1 - b / a, c * c * major + s * s * minor,
             2 * c * s * (major - minor), s * s * major + c * c * minor}};
}

struct Sized {
    double radius;
    bool at_least;
    double major, minor;
};

// A circle of NaN sets no limit: no comparison with it is true.
SKYSHED_BOTH Sized size_of(
    double measured, double moment, double total, double a, double b, double scale, double least,
    double circle, double largest) {
    const bool dark = moment <= 0 || total <= 0;
    double radius = dark ? least : measured;
    if (radius > largest) radius = NAN_VALUE;
    if (radius < least) radius = least;
    if (scale * radius * sqrt(a * b) <= circle) radius = 0.0;
    double major = a * radius * scale, minor = b * radius * scale;
    if (circle == circle && major == 0 && minor == 0) major = minor = circle;
    return {radius, dark || measured <= least || radius == 0, major, minor};
}

}  // namespace ellipses
