// What labelling means, for both devices.
#pragma once
#include "skyshed/kernels/segments/runs.h"

namespace labelling {

// Whether a pixel belongs to a component. C++ compares in the wider type; NaN is above nothing.
template <class Value, class Limit> SKYSHED_BOTH bool above(Value value, Limit limit) {
    return value > limit;
}

// Whether a component of this area is kept.
SKYSHED_BOTH bool large_enough(i64 area, i64 npixels) { return area >= npixels; }

}  // namespace labelling
