// Loops over values that count or copy those between two limits. NaN is nowhere.
#pragma once
#include "skyshed/kernels/boxes/vectors.hpp"

namespace boxes {

// Buffers are a multiple of this many values long, and are filled up with NaN.
constexpr int LANES = 16;
constexpr i64 CHUNK = 1024;

inline i64 padded(i64 n) { return (n + LANES - 1) / LANES * LANES; }

template <class Value> void pad(Value *values, i64 n) {
    std::fill(values + n, values + padded(n), Value(NAN_VALUE));
}

template <class Value> struct Between {
    Value low, high;
    // Without conditions, so that loops are vectorised.
    bool operator()(Value value) const { return (value >= low) & (value <= high); }
};

// How many values are; n is a multiple of LANES.
template <class Value, class Is> i64 count(const Value *values, i64 n, Is is) {
    i64 all = 0;
    for (i64 begin = 0; begin < n; begin += CHUNK) {
        int some = 0;
        const i64 end = min(begin + CHUNK, n);
        for (i64 i = begin; i < end; ++i) some += is(values[i]);
        all += some;
    }
    return all;
}

// The least and the largest of the values that are within limits, if there are any; n as above.
template <class Value> Between<Value> ends_of(const Value *values, i64 n, Between<Value> limits) {
    const Value infinite = Value(INF_VALUE);
    Value least[LANES], most[LANES];
    for (int k = 0; k < LANES; ++k) least[k] = infinite, most[k] = -infinite;
    for (i64 i = 0; i < n; i += LANES) {
        for (int k = 0; k < LANES; ++k) {
            const Value value = values[i + k], up = limits(value) ? value : infinite;
            const Value down = limits(value) ? value : -infinite;
            least[k] = up < least[k] ? up : least[k];
            most[k] = down > most[k] ? down : most[k];
        }
    }
    for (int k = 1; k < LANES; ++k) {
        if (least[k] < least[0]) least[0] = least[k];
        if (most[k] > most[0]) most[0] = most[k];
    }
    return {least[0], most[0]};
}

// Copies the values that are beyond the limits, in their order, and returns how many; there must be room
// for all n, a multiple of LANES, and for LANES more.
template <class Value> i64 pick_beyond(const Value *values, i64 n, Between<Value> limits, Value *to) {
    using Each = Vector<Value>;
    const auto low = Each::all(limits.low), high = Each::all(limits.high);
    i64 m = 0;
    for (i64 i = 0; i < n; i += Each::SIZE) {
        const auto some = Each::load(values + i);
        const unsigned mask = Each::less(some, low) | Each::less(high, some);
        Each::compress(to + m, mask, some);
        m += Each::population(mask);
    }
    return m;
}

struct Picked {
    i64 n, not_below;
};

// The same of those that are between the limits; and how many are not below them.
template <class Value> Picked pick_between(const Value *values, i64 n, Between<Value> limits, Value *to) {
    using Each = Vector<Value>;
    const auto low = Each::all(limits.low), high = Each::all(limits.high);
    Picked found = {0, 0};
    for (i64 i = 0; i < n; i += Each::SIZE) {
        const auto some = Each::load(values + i);
        const unsigned from = Each::at_most(low, some), mask = from & Each::at_most(some, high);
        Each::compress(to + found.n, mask, some);
        found.n += Each::population(mask);
        found.not_below += Each::population(from);
    }
    return found;
}

}  // namespace boxes
