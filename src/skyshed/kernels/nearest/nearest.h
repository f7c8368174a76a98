// The nearest labelled pixel: of each column first, then, of what the columns found, in each row.
#pragma once
#include "skyshed/kernels/both.h"

namespace nearest {

// A label and the square of how far it is, in one number: the least is the nearest, of equally near ones
// that with the least label. What is looked at from aside, 2 reach^2 + 1, has room in 32 bits as well.
SKYSHED_BOTH u64 found(int label, i64 squared) { return u64(squared) << 32 | u64(unsigned(label)); }

// No label, a little beyond the reach.
SKYSHED_BOTH u64 nothing(i64 reach) { return found(0, reach * reach + 1); }

// What is found, looked at from d pixels further along the other axis.
SKYSHED_BOTH u64 from_aside(u64 found, i64 d) { return found + (u64(d * d) << 32); }

SKYSHED_BOTH int label_of(u64 found) { return int(found & 0xffffffffu); }

SKYSHED_BOTH i64 squared_of(u64 found) { return i64(found >> 32); }

}  // namespace nearest
