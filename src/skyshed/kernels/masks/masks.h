// What growing a mask means, for both devices: a run of True pixels of a row and a run of a row of the
// footprint make one interval.
#pragma once
#include "skyshed/kernels/both.h"

namespace masks {

// A run of a row of the footprint about its centre: the row, its first and its last pixel.
struct Part {
    i64 row, first, last;
};

// The first and the last pixel that a part makes True of the pixels first to last, at row + part.row.
SKYSHED_BOTH i64 grown_first(i64 first, const Part &part) { return first + part.first; }
SKYSHED_BOTH i64 grown_last(i64 last, const Part &part) { return last + part.last; }

// The same from the pixel that is made: of which row, and of which pixels one has to be True.
SKYSHED_BOTH i64 source_row(i64 y, const Part &part) { return y - part.row; }
SKYSHED_BOTH i64 source_first(i64 x, const Part &part) { return x - part.last; }
SKYSHED_BOTH i64 source_last(i64 x, const Part &part) { return x - part.first; }

}  // namespace masks
