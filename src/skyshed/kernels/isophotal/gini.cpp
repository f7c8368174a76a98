// Gini coefficients: the absolute values of each source in ascending order, weighted by their ranks.

#include "skyshed/kernels/cpu.h"
#include "skyshed/kernels/isophotal/isophotal.h"

namespace isophotal {
namespace {

// Up to this many values are sorted in one go; more in parts, that are then merged: a signal is heard in
// between.
constexpr i64 PART = 1 << 20;

// Merges values k to middle - 1 with those up to end - 1; false if it is to stop.
bool merged(const double *values, i64 k, i64 middle, i64 end, double *other, const int *stop) {
    i64 low = k, high = middle;
    while (low < middle && high < end) {
        if (stopped(stop)) return false;
        // So many are left of either that none runs out.
        i64 n = min(min(middle - low, end - high), PART);
        for (; n > 0; --n) {
            const bool take = values[high] < values[low];
            other[k++] = values[take ? high : low];
            low += !take, high += take;
        }
    }
    std::copy(values + low, values + middle, other + k);
    std::copy(values + high, values + end, other + k + (middle - low));
    return true;
}

// Sorts n values, of which there is room for as many again in `other`; returns where they are, null if it is
// to stop.
double *sorted(double *values, double *other, i64 n, const int *stop) {
    for (i64 k = 0; k < n; k += PART) {
        if (stopped(stop)) return nullptr;
        std::sort(values + k, values + min(k + PART, n));
    }
    for (i64 part = PART; part < n; part *= 2) {
        for (i64 k = 0; k < n; k += 2 * part) {
            if (stopped(stop)) return nullptr;
            const i64 middle = min(k + part, n), end = min(k + 2 * part, n);
            if (!merged(values, k, middle, end, other, stop)) return nullptr;
        }
        std::swap(values, other);
    }
    return values;
}

// Of sources order[k0:k1].
template <class Value>
i64 gini(
    const i64 *pixel, const i64 *start, const i64 *order, const Value *image, const bool *mask, double *out,
    const int *stop, i64 k0, i64 k1) {
    i64 most = 0;
    for (i64 k = k0; k < k1; ++k) most = max(most, start[order[k] + 1] - start[order[k]]);
    Scratch<double> values(most), other(most > PART ? most : 0);
    if (!values || !other) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        i64 n = 0;
        for (i64 j = start[i]; j < start[i + 1]; ++j) {
            const i64 p = pixel[j];
            if (!(mask && mask[p])) values[n++] = fabs(double(image[p]));
        }
        const double *ascending = sorted(values.begin(), other.begin(), n, stop);
        if (!ascending) return STOPPED;
        double weighted = 0.0, sum = 0.0;
        for (i64 rank = 0; rank < n; ++rank) {
            weighted += rank_weight(rank, n) * ascending[rank];
            sum += ascending[rank];
        }
        out[i] = gini_of(weighted, sum, n);
    }
    return 0;
}

SKYSHED_KERNEL("isophotal.gini", gini<float>);
SKYSHED_KERNEL("isophotal.gini", gini<double>);

}  // namespace
}  // namespace isophotal
