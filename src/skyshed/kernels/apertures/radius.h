// The radius of the circle that holds a given flux: the exact share of a pixel on its rim, and the
// search.
#pragma once
#include "skyshed/kernels/apertures/geometry.h"

namespace apertures {

// The smallest radius searched, in pixels, and the fraction by which the largest shrinks.
constexpr double SMALLEST = 0.1, SHRINK = 0.1;
// The distance from 1 to the next double.
constexpr double EPSILON = 2.220446049250313e-16;
// Brent's method: absolute and relative tolerance of the root (those of SciPy's `brentq`, so that the
// same root is found where there are several), and a limit that it never comes near.
constexpr double TOLERANCE = 2e-12, RELATIVE = 4.0 * EPSILON;
constexpr int STEPS = 100;
// A step of interpolation this short, in pixels, is the last: it ends within 1e-12 of the root.
constexpr double CLOSE = 1e-9;
// Closer to the flux than this the largest circle holds it: where it is the very circle that the flux
// was measured in, rounding must not decide which root is found.
constexpr double ROUNDING = 1e-12;

// Whether there is something to search. Its box may be empty all the same.
SKYSHED_BOTH bool searchable(double x, double y, double largest, double sky, double flux) {
    return flux != 0.0 && isfinite(x + y + largest + sky + flux);
}

// Whether a flux is no more than rounding may leave where the pixels of a box cancel, of which the largest in
// size is `most`. Then there is none to search: the last bits of sums must not decide.
SKYSHED_BOTH bool vanishes(double flux, double most, const Box &box) {
    return fabs(flux) <= EPSILON * most * double(box.width() * box.height());
}

// Where a line at distance v from the centre, at most the radius, leaves the circle.
SKYSHED_BOTH double leaves(double radius, double v) { return sqrt((radius - v) * (radius + v)); }

// A piece of the rim in one quadrant, where it runs outwards and down, from (u, v) to (next_u, next_v)
// above the line at `low`.
struct Piece {
    double under;   // the area between its chord and that line
    double square;  // of the chord's length
};

SKYSHED_BOTH Piece piece_of(double u, double v, double next_u, double next_v, double low) {
    const double du = next_u - u, dv = v - next_v;
    return {0.5 * ((v - low) + (next_v - low)) * du, du * du + dv * dv};
}

// The area between the chord and the rim, given the radius' square and a quarter of its inverse.
SKYSHED_BOTH double beyond_chord(double whole, double quarter, double square) {
    return whole * cap(quarter * square);
}

// How many lines of the grid, the first at distance `first` from the centre and then one per pixel, are
// no further than `reach`.
SKYSHED_BOTH i64 lines_within(double first, double reach) {
    return reach >= first ? i64(reach - first) + 1 : 0;
}

// The part of a quadrant of a circle between two lines of the grid, `low` and `high` away from its centre:
// the rim crosses them at distances `near` and `far` from the other axis, the further line at 0 where it
// is beyond the circle.
struct Strip {
    double low, high, near, far;
};

SKYSHED_BOTH Strip strip_between(double radius, double low, double high) {
    return {low, high, leaves(radius, low), high < radius ? leaves(radius, high) : 0.0};
}

// The area that a circle shares with the cell of a strip from `start` to `end`, which its rim crosses.
SKYSHED_BOTH double share_of_cell(double radius, const Strip &strip, double start, double end) {
    const double u = larger(start, strip.far), next_u = smaller(end, strip.near);
    const double top = smaller(strip.high, radius);
    const double v = start > strip.far ? leaves(radius, start) : top;
    const double next_v = end < strip.near ? leaves(radius, end) : strip.low;
    const Piece piece = piece_of(u, v, next_u, next_v, strip.low);
    const double square = radius * radius;
    return (u - start) * (strip.high - strip.low) + piece.under +
           beyond_chord(square, 0.25 / square, piece.square);
}

// Whether no piece of a circle within a pixel is so long that `small_cap` does not do.
SKYSHED_BOTH bool has_short_pieces(double quarter) { return !(2.0 * quarter > PADE_LIMIT); }

struct End {
    double radius, value;
};

// The step from `best` to the root, by secant or inverse quadratic interpolation.
SKYSHED_BOTH double interpolate(End best, End old, End other) {
    if (old.radius == other.radius)
        return -best.value * (best.radius - old.radius) / (best.value - old.value);
    const double d_old = (old.value - best.value) / (old.radius - best.radius);
    const double d_other = (other.value - best.value) / (other.radius - best.radius);
    return -best.value * (other.value * d_other - old.value * d_old) /
           (d_other * d_old * (other.value - old.value));
}

SKYSHED_BOTH bool of_two_signs(double a, double b) { return (a < 0.0) != (b < 0.0); }

// The root between two radii by the method of Brent (1973). `excess(radius)` is a growth curve's value.
template <class Excess> SKYSHED_BOTH double root_between(const Excess &excess, End old, End best) {
    if (old.value == 0.0) return old.radius;
    End other = old;
    double step = best.radius - old.radius, previous = step;
    for (int k = 0;; ++k) {
        if (k == STEPS) return NAN_VALUE;
        if (old.value != 0.0 && best.value != 0.0 && of_two_signs(old.value, best.value)) {
            other = old;
            step = previous = best.radius - old.radius;
        }
        if (fabs(other.value) < fabs(best.value)) {
            old = best;
            best = other;
            other = old;
        }
        const double tolerance = 0.5 * (TOLERANCE + RELATIVE * fabs(best.radius));
        const double half = 0.5 * (other.radius - best.radius);
        if (best.value == 0.0 || fabs(half) < tolerance) return best.radius;
        double attempt = INF_VALUE;
        if (fabs(previous) > tolerance && fabs(best.value) < fabs(old.value))
            attempt = interpolate(best, old, other);
        if (2.0 * fabs(attempt) < smaller(fabs(previous), 3.0 * fabs(half) - tolerance)) {
            previous = step;
            step = attempt;
            if (fabs(step) < CLOSE) return best.radius + step;
        } else {
            previous = step = half;
        }
        old = best;
        best.radius += fabs(step) > tolerance ? step : half < 0.0 ? -tolerance : tolerance;
        best.value = excess(best.radius);
    }
}

// The root of the growth curve; the largest radius shrinks until the ends' signs differ.
template <class Excess> SKYSHED_BOTH double search(const Excess &excess, double largest) {
    const End near = {SMALLEST, excess(SMALLEST)};
    const double shrink = SHRINK * largest;
    for (; largest > SMALLEST; largest -= shrink) {
        const End far = {largest, excess(largest)};
        if (near.value == 0.0) return SMALLEST;
        if (fabs(far.value) < ROUNDING) return largest;
        if (of_two_signs(near.value, far.value)) return root_between(excess, near, far);
    }
    return NAN_VALUE;
}

}  // namespace apertures
