// The pieces of a circle's rim, in one quadrant, where it runs outwards and down: one begins at each line of
// the grid, and is found from that line alone, without conditions, for a CPU to do several at a time.
#pragma once
#include "skyshed/kernels/apertures/radius.h"

#include "skyshed/kernels/apertures/rows.hpp"

namespace apertures {

// Floats of this size are whole numbers, so that adding and subtracting it rounds.
constexpr double WHOLE = 4503599627370496.0;  // 2^52

// A whole number from 0 on, below 2^52, as an integer: the last bits of so large a float count ones. (Few
// CPUs have an instruction that converts several at a time.)
inline i64 whole_number(double number) {
    number += WHOLE;
    i64 bits, zero;
    std::memcpy(&bits, &number, sizeof bits);
    std::memcpy(&zero, &WHOLE, sizeof zero);
    return bits - zero;
}

// Whether a corner of the grid, at distances u and v from the centre, lies in a circle, given the radius'
// square. All that is asked of the order in which a rim meets lines is answered so: where it meets a corner,
// rounding can't tell one piece to begin, and another one not to end.
inline bool holds_corner(double whole, double u, double v) { return u * u + v * v <= whole; }

// How many lines of the grid, the first at distance `first` from the centre and then one per pixel, cross a
// line `across` away from it within a circle; `reach` is where the circle leaves that line.
inline double lines_inside(double whole, double first, double reach, double across) {
    const double about = (reach - first + 1.0 + WHOLE) - WHOLE;
    const double previous = about > 0.0 ? first + (about - 1.0) : 0.0;
    const double more = holds_corner(whole, first + about, across) ? 1.0 : 0.0;
    return about + (holds_corner(whole, previous, across) ? more : -1.0);
}

// Where the cell after so many lines begins.
inline double begin_of(double first, double lines) {
    return lines > 0.0 ? first + (lines - 1.0) : 0.0;
}

// The piece of the rim that begins at (u, v), within a cell that ends at `end` and begins at `low`.
inline Piece piece_from(double radius, double u, double v, double end, double low) {
    const bool aside = holds_corner(radius * radius, end, low);
    const double known = aside ? end : low, other = leaves(radius, smaller(known, radius));
    return piece_of(u, v, aside ? known : other, aside ? other : known, low);
}

}  // namespace apertures
