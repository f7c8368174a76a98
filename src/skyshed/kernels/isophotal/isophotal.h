// Sums and extremes over the pixels of a source.
#pragma once
#include "skyshed/kernels/both.h"

namespace isophotal {

struct Summary {
    i64 count;
    double sum, low, high;
    i64 low_at, high_at;
};

SKYSHED_BOTH Summary nothing() { return {0, 0.0, INF_VALUE, -INF_VALUE, -1, -1}; }

// Of equal values the first pixel's stays. An infinite start is no pixel's: its place is -1.
SKYSHED_BOTH void take_low(Summary &s, double value, i64 at) {
    if (value < s.low || (value == s.low && at < s.low_at)) s.low = value, s.low_at = at;
}

SKYSHED_BOTH void take_high(Summary &s, double value, i64 at) {
    if (value > s.high || (value == s.high && at < s.high_at)) s.high = value, s.high_at = at;
}

// A result that there is none of without pixels.
SKYSHED_BOTH double of_any(i64 count, double value) { return count ? value : NAN_VALUE; }

// What the Gini coefficient multiplies the value of a rank among n with, and the coefficient from the sums
// of the values, ascending, and of these products (Lotz et al. 2004, equation 6).
SKYSHED_BOTH double rank_weight(i64 rank, i64 n) { return double(2 * rank + 1 - n); }

SKYSHED_BOTH double gini_of(double weighted, double sum, i64 n) {
    if (n == 0) return NAN_VALUE;
    return n > 1 && sum > 0 ? weighted / (sum * double(n - 1)) : 0.0;
}

}  // namespace isophotal
