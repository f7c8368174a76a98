// What a pixel of an expanded mesh is, for both devices: the sum of weight * coefficient, first along x,
// then along y, each in ascending order, and no further than the limits.
#pragma once
#include "skyshed/kernels/both.h"

namespace zoom {

// The sum of weight(i) * value(i) for i < n.
template <class Weight, class Value> SKYSHED_BOTH double combined(int n, Weight weight, Value value) {
    double total = 0.0;
    for (int i = 0; i < n; ++i) total += weight(i) * value(i);
    return total;
}

// NaN stays NaN.
SKYSHED_BOTH double within(double value, double low, double high) {
    const double above = low > value ? low : value;
    return high < above ? high : above;
}

}  // namespace zoom
