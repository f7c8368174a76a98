// What moments are, for both devices. Element 4 i + j is the sum of y^i x^j value, for i, j < 4.
#pragma once
#include "skyshed/kernels/both.h"

namespace moments {

// What a pixel counts: values that are negative or not finite count as 0.
SKYSHED_BOTH double counted(double value) { return value > 0 && value < INF_VALUE ? value : 0.0; }

struct Point {
    double y, x;
};

// The corner of the source's box, to which moments are relative, and their centroid.
SKYSHED_BOTH Point corner() { return {0.0, 0.0}; }
SKYSHED_BOTH Point centroid(const double *raw) { return {raw[4] / raw[0], raw[1] / raw[0]}; }

// Whether there is a centroid. Where there is none, moments about it are undefined.
SKYSHED_BOTH bool has_centroid(const double *raw) { return raw[0] > 0; }
SKYSHED_BOTH double undefined(int element) { return element ? NAN_VALUE : 0.0; }

}  // namespace moments
