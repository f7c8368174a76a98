// The nearest labelled pixel: of each column first, then, of what the columns found, in each row.
#pragma once
#include "skyshed/kernels/both.h"

namespace nearest {

// A label and the square of how far it is; label 0 is none.
struct Found {
    int label;
    i64 squared;
};

SKYSHED_BOTH Found nothing(i64 reach) { return {0, reach * reach + 1}; }

// Takes a label that is nearer, or as near and less.
SKYSHED_BOTH void take(Found &best, int label, i64 squared) {
    if (!label || squared > best.squared) return;
    if (squared < best.squared || label < best.label) best = {label, squared};
}

// The nearest label in column x, looked for from row y within rows begin to end.
SKYSHED_BOTH Found in_column(const int *labels, i64 nx, i64 begin, i64 end, i64 y, i64 x, i64 reach) {
    Found best = nothing(reach);
    for (i64 d = 0; d <= reach && !best.label; ++d) {
        if (y - d >= begin) take(best, labels[(y - d) * nx + x], d * d);
        if (y + d < end) take(best, labels[(y + d) * nx + x], d * d);
    }
    return best;
}

// The nearest of those that the columns of a row found, looked for from column x.
SKYSHED_BOTH Found in_row(const int *label, const int *squared, i64 nx, i64 x, i64 reach) {
    Found best = nothing(reach);
    for (i64 d = 0; d <= reach && d * d <= best.squared; ++d) {
        if (x - d >= 0) take(best, label[x - d], d * d + squared[x - d]);
        if (x + d < nx) take(best, label[x + d], d * d + squared[x + d]);
    }
    return best;
}

}  // namespace nearest
