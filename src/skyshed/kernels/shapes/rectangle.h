// The exact area that a rectangle, at any angle, and a pixel share.
#pragma once
#include "skyshed/kernels/apertures/pixels.h"

namespace shapes {

using apertures::larger;
using apertures::smaller;

// A rectangle's two upper sides, the rising one from its leftmost corner and the falling one to the rightmost;
// the lower sides are the same, turned about the centre by half a turn. The rising side runs along
// (p, q), at `rising` from the centre, the other one along (q, -p), at `falling`; p and q are not negative.
struct Roof {
    double p, q, per_p, per_q, rising, falling;
    double top, rightmost;  // x of the corners
    double middle, reach;   // of `share_of_square`: half of the difference and of the sum of p and q
    double per_larger, per_triangle;
};

SKYSHED_BOTH Roof roof_of(double a, double b, double cosine, double sine) {
    const double least = 1e-200;  // in place of 0, of sides along the axes
    const bool along = (cosine < 0.0) == (sine < 0.0) || sine == 0.0;  // it is the sides of length 2a that rise
    const double c = fabs(cosine), s = fabs(sine), p = along ? c : s, q = along ? s : c;
    const double half = along ? a : b, other = along ? b : a;
    const double most = larger(c, s), rest = smaller(c, s);
    return {p, q, 1.0 / larger(p, least), 1.0 / larger(q, least), other, half, half * p - other * q,
            half * p + other * q, 0.5 * (most - rest), 0.5 * (most + rest), 1.0 / most,
            0.5 / larger(most * rest, least)};
}

// The part of a unit square on one side of a line at distance d from its centre, positive if the centre is on
// that side; the line crosses the square.
SKYSHED_BOTH double share_of_square(const Roof &r, double d) {
    const double corner = r.reach - fabs(d), triangle = corner * corner * r.per_triangle;
    const double cut_off = d > 0.0 ? 1.0 - triangle : triangle;
    return fabs(d) <= r.middle ? 0.5 + d * r.per_larger : cut_off;
}

// A height above a pixel's lower edge, or that of its edges that is nearest.
SKYSHED_BOTH double within_pixel(double height) { return smaller(larger(height, 0.0), 1.0); }

// The area of a pixel below a line, from `left` to `right`: the line is at `height` + `slope` x above the pixel's
// lower edge, and within its row between `enter` and `leave`.
SKYSHED_BOTH double under_side(
    double left, double right, double slope, double height, double enter, double leave, bool rising) {
    const double from = smaller(larger(enter, left), right), to = smaller(larger(leave, left), right);
    const double h = within_pixel(height + slope * from), next_h = within_pixel(height + slope * to);
    const double full = rising ? right - to : from - left;
    return 0.5 * (h + next_h) * (to - from) + larger(full, 0.0);
}

// The area of a pixel below the two upper sides.
SKYSHED_BOTH double under_roof(const Roof &r, double left, double low) {
    const double up = low + 1.0, begin = larger(left, -r.rightmost), end = smaller(left + 1.0, r.rightmost);
    // Of the rising side: -q x + p y = rising. Of the falling one: p x + q y = falling.
    const double at = smaller(larger(r.top, begin), end);
    const double rise = under_side(
        begin, at, r.q * r.per_p, r.rising * r.per_p - low, (r.p * low - r.rising) * r.per_q,
        (r.p * up - r.rising) * r.per_q, true);
    const double fall = under_side(
        at, end, -(r.p * r.per_q), r.falling * r.per_q - low, (r.falling - r.q * up) * r.per_p,
        (r.falling - r.q * low) * r.per_p, false);
    return rise + fall;
}

// The area that a rectangle shares with a pixel that several of its sides cut.
SKYSHED_BOTH double under_and_above(const Roof &r, double left, double low) {
    const double under = under_roof(r, left, low), above = under_roof(r, -(left + 1.0), -(low + 1.0));
    const double width = smaller(left + 1.0, r.rightmost) - larger(left, -r.rightmost);
    // Every point beneath the rectangle's width is under its roof, or above its floor, or both.
    const double both = within_pixel(under + above - width);
    return smaller(under, above) > 0.0 ? both : 0.0;
}

// How far a pixel's centre is within the nearest side of a rectangle, and within the next one.
struct Inside {
    double nearest, second;
};

SKYSHED_BOTH Inside inside_of(double a, double b, double u, double v) {
    u = fabs(u), v = fabs(v);
    return {smaller(a - u, b - v), smaller(larger(a - u, b - v), smaller(a + u, b + v))};
}

// Whether more than one side cut a pixel.
SKYSHED_BOTH bool cut_again(const Roof &r, const Inside &in) {
    return in.nearest > -r.reach && in.second < r.reach;
}

// What a rectangle holds of a pixel that one side cuts, if any.
SKYSHED_BOTH double beside_one(const Roof &r, double nearest) {
    const double cut = share_of_square(r, nearest), inner = nearest >= r.reach ? 1.0 : cut;
    return nearest <= -r.reach ? 0.0 : inner;
}

}  // namespace shapes
