// The exact area that an ellipse and a pixel share.
//
// By Green's theorem the area is an integral along the boundary of the intersection: stretches of the
// pixel's edges, and arcs of the ellipse between them. Where the grid's lines meet the ellipse follows
// per line (`chord_at`), so that a pixel costs a polygon's area plus, for each arc, the area between it
// and its chord. That area depends on the chord's length alone once the ellipse is mapped to the unit
// circle. Coordinates are relative to the ellipse's centre.
#pragma once
#include "skyshed/kernels/apertures/pixels.h"

namespace apertures {

constexpr double PI = 3.14159265358979323846;
// Up to this squared half-chord the fraction in `small_cap` is exact to 2e-14 of itself; it is faster
// than the closed form and does not cancel. Beyond, an ellipse is hardly larger than a pixel.
constexpr double PADE_LIMIT = 0.2;

struct Ellipse {
    double width, height;              // half the extents along x and y
    double row_slope, row_half;        // of the line of the row chords' middles; half the longest
    double column_slope, column_half;  // the same of the column chords
    double ca, sa, cb, sb;             // the map to the unit circle
    double ab;
};

SKYSHED_BOTH Ellipse ellipse_of(double a, double b, double theta) {
    const double c = cos(theta), s = sin(theta);
    const double xx = (c / a) * (c / a) + (s / b) * (s / b);
    const double yy = (s / a) * (s / a) + (c / b) * (c / b);
    const double xy = c * s * (1.0 / (a * a) - 1.0 / (b * b));
    return {sqrt((a * c) * (a * c) + (b * s) * (b * s)), sqrt((a * s) * (a * s) + (b * c) * (b * c)),
            -xy / xx, 1.0 / sqrt(xx), -xy / yy, 1.0 / sqrt(yy), c / a, s / a, c / b, s / b, a * b};
}

struct Chord {
    double low, high;
};

// Where a line at distance v from the centre enters and leaves an ellipse: `extent` is half the
// ellipse's size across the line. (inf, -inf) where it does not meet it.
SKYSHED_BOTH Chord chord_at(double v, double extent, double slope, double longest) {
    const double t = v / extent;
    const double half = longest * sqrt((1.0 - t) * (1.0 + t));
    const bool meets = -1.0 < t && t < 1.0;
    return {meets ? slope * v - half : INF_VALUE, meets ? slope * v + half : -INF_VALUE};
}

SKYSHED_BOTH Chord row_chord(const Ellipse &e, double y) {
    return chord_at(y, e.height, e.row_slope, e.row_half);
}

SKYSHED_BOTH Chord column_chord(const Ellipse &e, double x) {
    return chord_at(x, e.width, e.column_slope, e.column_half);
}

// The range of x that the ellipse covers between y and y + 1, whose chords are given.
SKYSHED_BOTH Chord row_extent(const Ellipse &e, double y, Chord below, Chord above) {
    Chord extent = {smaller(below.low, above.low), larger(below.high, above.high)};
    const double leftmost = -e.column_slope * e.width;
    if (y <= leftmost && leftmost <= y + 1.0) extent.low = -e.width;
    if (y <= -leftmost && -leftmost <= y + 1.0) extent.high = e.width;
    return extent;
}

// `cap` up to PADE_LIMIT: the [5/5] Pade approximant of its series.
SKYSHED_BOTH double small_cap(double square) {
    double above = 0.03766816712210463 - 0.0006049655664562338 * square;
    above = 1.1538150104586409 + square * (-0.35716945794003035 + square * above);
    above = 0.6666666666666666 + square * (-1.493021799313021 + square * above);
    double below = 0.1511011613287291 - 0.006868840320088422 * square;
    below = 2.331868039664535 + square * (-0.9313420817131123 + square * below);
    below = 1.0 + square * (-2.5395326989695315 + square * below);
    return square * sqrt(square) * above / below;
}

// The area between a small arc of the unit circle and its chord, of squared half-length `square`. With
// h the half-length it is asin(h) - h sqrt(1 - h^2) = h^3 (2/3 + h^2/5 + 3 h^4/28 + ...).
SKYSHED_BOTH double cap(double square) {
    if (!(square > PADE_LIMIT)) return small_cap(square);
    const double half = sqrt(smaller(square, 1.0));
    return asin(half) - half * sqrt(1.0 - half * half);
}

struct Point {
    double x, y;
};

// A pixel whose lower left corner is at `corner`, and the chords of the lines along its edges.
struct Cell {
    Point corner;
    Chord below, above, left, right;

    SKYSHED_BOTH bool holds_centre() const {
        return corner.x <= 0.0 && 0.0 <= corner.x + 1.0 && corner.y <= 0.0 && 0.0 <= corner.y + 1.0;
    }
};

// Twice the area that the arc from p to q adds: the chord's part, and the cap. Points are relative to
// the cell's corner.
SKYSHED_BOTH double arc(const Ellipse &e, const Cell &cell, bool central, Point p, Point q) {
    const double twice = p.x * q.y - q.x * p.y;
    const double dx = q.x - p.x, dy = q.y - p.y;
    const double u = dx * e.ca + dy * e.sa, v = dy * e.cb - dx * e.sb;
    const double square = 0.25 * (u * u + v * v);
    const double px = cell.corner.x + p.x, py = cell.corner.y + p.y;
    const double qx = cell.corner.x + q.x, qy = cell.corner.y + q.y;
    const double cross = (px * qy - qx * py) / e.ab;
    double area;
    if (square > PADE_LIMIT) {
        // Near half an ellipse the chord's length says little about the angle.
        double dot = (px * e.ca + py * e.sa) * (qx * e.ca + qy * e.sa);
        dot += (py * e.cb - px * e.sb) * (qy * e.cb - qx * e.sb);
        const double angle = atan2(cross, dot);
        area = 0.5 * ((angle > 0.0 ? angle : angle + 2.0 * PI) - cross);
    } else {
        area = small_cap(square);
        // An arc of more than half the ellipse holds the centre, so it lies in the centre's pixel.
        if (central && cross < 0.0) area = PI - area;
    }
    return twice + 2.0 * e.ab * area;
}

// The area that an ellipse shares with a pixel: its outline runs counter-clockwise along stretches of
// the pixel's edges, and along any number of arcs between them. Points are relative to the corner,
// which keeps the error at 1e-16 whatever the ellipse's size.
SKYSHED_BOTH double overlap_of_arcs(const Ellipse &e, const Cell &cell) {
    const bool central = cell.holds_centre();
    bool any = false;
    double twice = 0.0;
    Point first = {0.0, 0.0}, last = {0.0, 0.0};
    // Not unrolled: five arcs would take more of a GPU's registers than they are worth. The fifth turn
    // closes the outline.
    SKYSHED_NOT_UNROLLED
    for (int k = 0; k < 5; ++k) {
        Point p = first, q = first;
        if (k < 4) {
            const bool upright = k & 1;
            const Chord c = k == 0 ? cell.below : k == 1 ? cell.right : k == 2 ? cell.above : cell.left;
            const double origin = upright ? cell.corner.y : cell.corner.x;
            const double low = larger(c.low - origin, 0.0), high = smaller(c.high - origin, 1.0);
            if (!(low < high)) continue;
            const double begin = k < 2 ? low : high, end = k < 2 ? high : low;
            const double fixed = k == 1 || k == 2 ? 1.0 : 0.0;
            p = {upright ? fixed : begin, upright ? begin : fixed};
            q = {upright ? fixed : end, upright ? end : fixed};
        }
        if (any && (p.x != last.x || p.y != last.y)) twice += arc(e, cell, central, last, p);
        if (!any) first = p;
        any = any || k < 4;
        twice += p.x * q.y - q.x * p.y;  // 0 on the fifth turn
        last = q;
    }
    if (!any) return central ? PI * e.ab : 0.0;
    return 0.5 * twice;
}

// The value where low < high, else 0.
SKYSHED_BOTH double where_less(double low, double high, double value) { return low < high ? value : 0.0; }

SKYSHED_BOTH double apart(double a, double b) { return (a - b) * (a - b); }

// What a pixel shares with an ellipse of which one short arc crosses it, which is most of a rim.
struct OneArc {
    double twice;   // the area up to the arc's chord, twice; NaN where there is not one arc
    double square;  // of the chord's half-length, once the ellipse is a unit circle
};

// It is written without conditions on more than one comparison, for a CPU to do several pixels at a time.
// The chords are relative to the corner.
SKYSHED_BOTH OneArc one_arc(const Ellipse &e, Chord below, Chord above, Chord left, Chord right) {
    const double b0 = larger(below.low, 0.0), b1 = smaller(below.high, 1.0);
    const double t0 = larger(above.low, 0.0), t1 = smaller(above.high, 1.0);
    const double l0 = larger(left.low, 0.0), l1 = smaller(left.high, 1.0);
    const double r0 = larger(right.low, 0.0), r1 = smaller(right.high, 1.0);
    // Counter-clockwise, where the boundary leaves the pixel's edges for an arc, and comes back: 1 or 0.
    const double leave_b = where_less(b0, b1, where_less(b1, 1.0, 1.0));
    const double leave_r = where_less(r0, r1, where_less(r1, 1.0, 1.0));
    const double leave_t = where_less(t0, t1, where_less(0.0, t0, 1.0));
    const double leave_l = where_less(l0, l1, where_less(0.0, l0, 1.0));
    const double back_b = where_less(b0, b1, where_less(0.0, b0, 1.0));
    const double back_r = where_less(r0, r1, where_less(0.0, r0, 1.0));
    const double back_t = where_less(t0, t1, where_less(t1, 1.0, 1.0));
    const double back_l = where_less(l0, l1, where_less(l1, 1.0, 1.0));
    // Where the boundary passes a corner within rounding, its two edges may take it for different points:
    // how often they disagree about a corner being within.
    const double some_b = where_less(b0, b1, 1.0), some_r = where_less(r0, r1, 1.0);
    const double some_t = where_less(t0, t1, 1.0), some_l = where_less(l0, l1, 1.0);
    const double disagree = apart(some_b - back_b, some_l - leave_l) + apart(some_b - leave_b, some_r - back_r)
        + apart(some_t - back_t, some_r - leave_r) + apart(some_t - leave_t, some_l - back_l);
    const double px = where_less(0.0, leave_b, b1) + leave_r + where_less(0.0, leave_t, t0);
    const double py = where_less(0.0, leave_r, r1) + leave_t + where_less(0.0, leave_l, l0);
    const double qx = where_less(0.0, back_b, b0) + back_r + where_less(0.0, back_t, t1);
    const double qy = where_less(0.0, back_r, r0) + back_t + where_less(0.0, back_l, l1);
    const double twice = where_less(r0, r1, r1 - r0) + where_less(t0, t1, t1 - t0) + (px * qy - qx * py);
    const double dx = qx - px, dy = qy - py;
    const double u = dx * e.ca + dy * e.sa, v = dy * e.cb - dx * e.sb;
    const double square = 0.25 * (u * u + v * v);
    const double once = leave_b + leave_r + leave_t + leave_l == 1.0 ? twice : NAN_VALUE;
    const double and_back = back_b + back_r + back_t + back_l == 1.0 ? once : NAN_VALUE;
    return {disagree == 0.0 ? and_back : NAN_VALUE, square};
}

// The area that it shares; NaN where that is not known so.
SKYSHED_BOTH double area_of(const Ellipse &e, OneArc arc) {
    const double area = 0.5 * (arc.twice + 2.0 * e.ab * small_cap(arc.square));
    return arc.square <= PADE_LIMIT ? area : NAN_VALUE;
}

SKYSHED_BOTH Chord shifted(Chord c, double by) { return {c.low - by, c.high - by}; }

// The area that an ellipse shares with a pixel. The arc in the centre's pixel may be more than half of
// the ellipse, which one short arc is not.
SKYSHED_BOTH double overlap(const Ellipse &e, const Cell &cell) {
    const double area = cell.holds_centre()
        ? NAN_VALUE
        : area_of(e, one_arc(
              e, shifted(cell.below, cell.corner.x), shifted(cell.above, cell.corner.x),
              shifted(cell.left, cell.corner.y), shifted(cell.right, cell.corner.y)));
    return isnan(area) ? overlap_of_arcs(e, cell) : area;
}

}  // namespace apertures
