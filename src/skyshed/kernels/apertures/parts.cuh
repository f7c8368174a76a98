// What the kernels of apertures share: finding the source that an item of work belongs to.

#include "skyshed/kernels/apertures/pixels.h"

using namespace apertures;

// The source that item c belongs to: first[i] <= c < first[i + 1].
__device__ inline i64 source_of(i64 c, const i64 *first, i64 n) {
    i64 low = 0, high = n;
    while (high - low > 1) {
        const i64 middle = (low + high) / 2;
        if (first[middle] <= c) low = middle; else high = middle;
    }
    return low;
}
