// The ellipse of each source's second moments and its Kron aperture, number by number as the CPU
// twin computes them.

// The variance of a uniform distribution over one pixel, and how far below 0, relative to the
// squared trace, rounding can take the determinant of the covariance of a source on a line.
#define PIXEL_VARIANCE (1.0 / 12.0)
#define DETERMINANT_ROUNDING (1000 * 2.220446049250313e-16)
#define LOG_2 0.6931471805599453
#define PI 3.141592653589793

struct Symmetric {
    double xx, xy, yy;
};

struct Eigenvalues {
    double large, small;
};

// The smaller from the determinant where it can be: a difference would cancel for elongated ones.
__device__ inline Eigenvalues eigenvalues_of(Symmetric m) {
    const double half = 0.5 * (m.xx + m.yy);
    const double root = hypot(0.5 * (m.xx - m.yy), m.xy);
    const double large = half + root;
    const double small = half > 0 ? (m.xx * m.yy - m.xy * m.xy) / large : half - root;
    return {large, small > large ? large : small};
}

// The variance along each principal axis raised to that of a pixel; NaN for what is no covariance.
__device__ inline Symmetric resolved(Symmetric m) {
    const double trace = m.xx + m.yy, determinant = m.xx * m.yy - m.xy * m.xy;
    if (determinant < -DETERMINANT_ROUNDING * (trace * trace) || trace < 0)
        return {NAN_VALUE, NAN_VALUE, NAN_VALUE};
    const Eigenvalues of = eigenvalues_of(m);
    if (of.large < PIXEL_VARIANCE) return {PIXEL_VARIANCE, 0.0, PIXEL_VARIANCE};
    const bool thin = of.small < PIXEL_VARIANCE;
    const double lift = thin ? (PIXEL_VARIANCE - of.small) / (of.large - of.small) : 0.0;
    return {
        m.xx + lift * (of.large - m.xx), m.xy - lift * m.xy, m.yy + lift * (of.large - m.yy)};
}

// One thread per source. column holds n numbers of each kind, in the order of the contract.
extern "C" __global__ void describe_ellipses(
    const double *moments, i64 n, double *covariance, double *eigenvalues, double *column) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const double *central = moments + 16 * i;  // element 4 k + l is of y^k x^l
        const double total = central[0];
        const Symmetric m = resolved({central[2] / total, central[5] / total, central[8] / total});
        const Eigenvalues of = eigenvalues_of(m);
        const double a = sqrt(of.large), b = sqrt(of.small);
        // A covariance of -0.0 would give -90 instead of 90.
        const double degrees = 0.5 * atan2(2 * m.xy + 0.0, m.xx - m.yy) * (180.0 / PI);
        const double angle = degrees * (PI / 180.0), c = cos(angle), s = sin(angle);
        const double major = 1.0 / (a * a), minor = 1.0 / (b * b);
        const double numbers[] = {
            m.xx, m.xy, m.yy, a, b, 2 * sqrt(LOG_2 * (of.large + of.small)), degrees,
            sqrt(1 - of.small / of.large), a / b, 1 - b / a, c * c * major + s * s * minor,
            2 * c * s * (major - minor), s * s * major + c * c * minor};
        for (int k = 0; k < 13; ++k) column[k * n + i] = numbers[k];
        covariance[4 * i] = m.xx;
        covariance[4 * i + 1] = covariance[4 * i + 2] = m.xy;
        covariance[4 * i + 3] = m.yy;
        eigenvalues[2 * i] = of.large;
        eigenvalues[2 * i + 1] = of.small;
    }
}

// One thread per source. A circle of NaN sets no limit: no comparison with it is true.
extern "C" __global__ void size_kron_apertures(
    const double *measured, const double *moment, const double *total, const double *semimajor,
    const double *semiminor, i64 n, double scale, double least, double circle, double largest,
    double *sizes, bool *at_least) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const double a = semimajor[i], b = semiminor[i];
        const bool dark = moment[i] <= 0 || total[i] <= 0;
        double radius = dark ? least : measured[i];
        if (radius > largest) radius = NAN_VALUE;
        if (radius < least) radius = least;
        if (scale * radius * sqrt(a * b) <= circle) radius = 0.0;
        double major = a * radius * scale, minor = b * radius * scale;
        if (circle == circle && major == 0 && minor == 0) major = minor = circle;
        at_least[i] = dark || measured[i] <= least || radius == 0;
        sizes[i] = radius;
        sizes[n + i] = major;
        sizes[2 * n + i] = minor;
    }
}
