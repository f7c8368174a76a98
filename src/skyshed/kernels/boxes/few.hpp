// A few values in sorted order, and such a sample of many.
#pragma once
#include <type_traits>

#include "skyshed/kernels/boxes/picking.hpp"

namespace boxes {

constexpr int FEW = 64;

// Sorts m values, up to N: the place of each is how many are smaller, counted in loops that are vectorised.
// Equal values have one place, that of the first; NaN is in those of the others.
template <int N, class Value> void sort_up_to(const Value *in, int m, Value *__restrict sorted) {
    // As wide as a value, for the vectors' sake.
    using Count = typename std::conditional<sizeof(Value) == 4, int, i64>::type;
    Count before[N] = {};
    for (int k = 0; k < m; ++k) {
        const Value value = in[k];
        for (int i = 0; i < N; ++i) before[i] += value < in[i];
    }
    std::fill(sorted, sorted + N, Value(NAN_VALUE));
    for (int i = 0; i < m; ++i) sorted[before[i]] = in[i];
}

// The same of up to FEW values, with room for so many in both.
template <class Value> void sort_few(const Value *in, int m, Value *__restrict sorted) {
    if (m <= FEW / 2) sort_up_to<FEW / 2>(in, m, sorted);
    else if (m <= FEW * 3 / 4) sort_up_to<FEW * 3 / 4>(in, m, sorted);
    else sort_up_to<FEW>(in, m, sorted);
}

// Values drawn from a box, sorted; none if there are few.
template <class Value> struct Sample {
    Value sorted[FEW];
    bool drawn = false;

    // From values of which n are good; the others are NaN.
    void draw(const Value *values, i64 size, i64 n) {
        constexpr i64 LEAST = 512;
        Value found[FEW];
        int m = 0;
        // Steps of the golden ratio: evenly spread, whatever the width of a box.
        u64 place = 0;
        for (int k = 0; n > LEAST && k < 4 * FEW && m < FEW; ++k) {
            const Value value = values[(place >> 32) * u64(size) >> 32];
            if (value == value) found[m++] = value;
            place += 0x9E3779B97F4A7C15ULL;
        }
        drawn = m == FEW;
        if (!drawn) return;
        sort_few(found, m, sorted);
        for (int i = 1; i < FEW; ++i)
            if (sorted[i] != sorted[i]) sorted[i] = sorted[i - 1];
    }
};

}  // namespace boxes
