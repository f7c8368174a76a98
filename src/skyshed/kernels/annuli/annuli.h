// Which pixels are an annulus's, for both devices.
#pragma once
#include "skyshed/kernels/both.h"

namespace annuli {

struct Between {
    i64 begin, end;
};

// The indices 0, ..., n - 1 within reach of middle.
SKYSHED_BOTH Between between(double middle, double reach, i64 n) {
    const double first = floor(middle - reach), last = ceil(middle + reach) + 1.0;
    const double begin = first > 0.0 ? (first < double(n) ? first : double(n)) : 0.0;
    const double end = last > begin ? (last < double(n) ? last : double(n)) : begin;
    return {i64(begin), i64(end)};
}

// An annulus about (x, y).
struct Annulus {
    double x, y, inner, outer;

    SKYSHED_BOTH Between rows(i64 ny) const { return between(y, outer, ny); }

    // Of row j; nothing is left out.
    SKYSHED_BOTH Between columns(i64 j, i64 nx) const {
        const double left = outer * outer - distance2(j);
        return between(x, sqrt(left > 0.0 ? left : 0.0), nx);
    }

    // The square of the distance of row j.
    SKYSHED_BOTH double distance2(i64 j) const { return (double(j) - y) * (double(j) - y); }

    // Whether it holds the center of pixel i of a row at this distance.
    SKYSHED_BOTH bool holds(i64 i, double row_distance2) const {
        const double all = (double(i) - x) * (double(i) - x) + row_distance2;
        return (inner * inner <= all) & (all < outer * outer);
    }
};

// Infinities and NaN are left out.
template <class Value> SKYSHED_BOTH bool good(Value value) { return value - value == 0; }

}  // namespace annuli
