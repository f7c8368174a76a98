// The exact area that a circle and a pixel share. The lines through the centre cut pixels into cells that lie
// in one quadrant each, where the rim runs outwards and down: it comes into a cell, and leaves it, at points
// that follow from where the circle meets the lines along the cell's edges. No condition is needed.
#pragma once
#include "skyshed/kernels/apertures/radius.h"

namespace shapes {

using apertures::larger;
using apertures::smaller;

// What cells ask of a circle.
struct Disc {
    double radius, square, quarter;  // the radius' square, and a quarter of that one's inverse
};

SKYSHED_BOTH Disc disc_of(double radius) { return {radius, radius * radius, 0.25 / (radius * radius)}; }

// Whether cells may be used: smaller circles have pieces too long for `small_cap`.
SKYSHED_BOTH bool has_cells(double radius) { return apertures::has_short_pieces(0.25 / (radius * radius)); }

// Where a line at distance v from the centre, 0 or more, leaves the circle; 0 where it does not meet it.
SKYSHED_BOTH double reach_at(double radius, double v) {
    return sqrt(larger((radius - v) * (radius + v), 0.0));
}

// A cell's edges along one axis, as distances from the centre, and where the circle leaves the lines there.
struct Edges {
    double near, far, near_reach, far_reach;
};

SKYSHED_BOTH double within(double value, const Edges &e) { return smaller(larger(value, e.near), e.far); }

// The area that a circle shares with the cell between `across` and `up`: the rim runs from (u, v) to
// (next_u, next_v). Cells wholly inside or outside have no such piece, and their own area or 0.
SKYSHED_BOTH double cell_share(const Disc &disc, const Edges &across, const Edges &up) {
    const double u = within(up.far_reach, across), next_u = within(up.near_reach, across);
    const double v = within(across.near_reach, up), next_v = within(across.far_reach, up);
    const apertures::Piece piece = apertures::piece_of(u, v, next_u, next_v, up.near);
    return (u - across.near) * (up.far - up.near) + piece.under +
           disc.square * apertures::small_cap(disc.quarter * piece.square);
}

// The cell's edges on one side of the centre of a pixel that begins at `low`, on either side of 0.
SKYSHED_BOTH Edges edges_of(double radius, double low, int side) {
    const double near = larger(side ? -(low + 1.0) : low, 0.0), far = larger(side ? -low : low + 1.0, 0.0);
    return {near, far, reach_at(radius, near), reach_at(radius, far)};
}

// The area that a circle with cells shares with a pixel whose lower left corner is at `left`, `low`.
SKYSHED_BOTH double disc_overlap(const Disc &disc, double left, double low) {
    double area = 0.0;
    SKYSHED_NOT_UNROLLED
    for (int k = 0; k < 4; ++k) {
        const Edges across = edges_of(disc.radius, left, k & 1), up = edges_of(disc.radius, low, k >> 1);
        if (across.near < across.far && up.near < up.far) area += cell_share(disc, across, up);
    }
    return area;
}

}  // namespace shapes
