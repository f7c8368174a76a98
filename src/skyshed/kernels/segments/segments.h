// What collecting means, for both devices: a run is a stretch of one label within a row. It starts and
// ends where the label changes, not only at the background, which is no run.
#pragma once
#include "skyshed/kernels/both.h"

namespace segments {

// Whether a run starts at a pixel; before is the label of the pixel left of it, 0 outside the image.
SKYSHED_BOTH bool starts(int label, int before) { return (label != 0) & (label != before); }

// Whether one ends at a pixel; after is the label of the pixel right of it, 0 outside the image.
SKYSHED_BOTH bool ends(int label, int after) { return (label != 0) & (label != after); }

}  // namespace segments
