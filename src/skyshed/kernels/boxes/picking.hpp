// Loops over values that count or copy those between two limits. NaN is nowhere.
#pragma once
#include "skyshed/kernels/cpu.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

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

template <class Value> struct Beyond {
    Value low, high;
    bool operator()(Value value) const { return (value < low) | (value > high); }
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

// Vectors that can be compressed, which compilers do not do by themselves: comparisons give a bit per
// value, and store() writes those whose bits are set next to each other, and something behind them.
template <class Value> struct Vector {
    static constexpr int SIZE = 1;
    using Type = Value;
    static Type load(const Value *at) { return *at; }
    static Type all(Value value) { return value; }
    static unsigned less(Type a, Type b) { return a < b; }
    static unsigned at_most(Type a, Type b) { return a <= b; }
    static void store(Value *to, unsigned, Type value) { *to = value; }
    static int population(unsigned mask) { return int(mask); }
};

#if defined(__AVX512F__)

template <> struct Vector<float> {
    static constexpr int SIZE = 16;
    using Type = __m512;
    static Type load(const float *at) { return _mm512_loadu_ps(at); }
    static Type all(float value) { return _mm512_set1_ps(value); }
    static unsigned less(Type a, Type b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
    static unsigned at_most(Type a, Type b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
    static void store(float *to, unsigned mask, Type value) {
        _mm512_storeu_ps(to, _mm512_maskz_compress_ps(__mmask16(mask), value));
    }
    static int population(unsigned mask) { return __builtin_popcount(mask); }
};

template <> struct Vector<double> {
    static constexpr int SIZE = 8;
    using Type = __m512d;
    static Type load(const double *at) { return _mm512_loadu_pd(at); }
    static Type all(double value) { return _mm512_set1_pd(value); }
    static unsigned less(Type a, Type b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
    static unsigned at_most(Type a, Type b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
    static void store(double *to, unsigned mask, Type value) {
        _mm512_storeu_pd(to, _mm512_maskz_compress_pd(__mmask8(mask), value));
    }
    static int population(unsigned mask) { return __builtin_popcount(mask); }
};

#elif defined(__AVX2__)

// For each mask of eight bits, which are set: a byte for each.
struct SetBits {
    u64 of[256] = {};
    constexpr SetBits() {
        for (int mask = 0; mask < 256; ++mask)
            for (int bit = 0, n = 0; bit < 8; ++bit)
                if (mask >> bit & 1) of[mask] |= u64(bit) << (8 * n++);
    }
};
constexpr SetBits SET_BITS;

inline __m256 compressed(unsigned mask, __m256 value) {
    const __m128i bytes = _mm_cvtsi64_si128(i64(SET_BITS.of[mask]));
    return _mm256_permutevar8x32_ps(value, _mm256_cvtepu8_epi32(bytes));
}

template <> struct Vector<float> {
    static constexpr int SIZE = 8;
    using Type = __m256;
    static Type load(const float *at) { return _mm256_loadu_ps(at); }
    static Type all(float value) { return _mm256_set1_ps(value); }
    static unsigned less(Type a, Type b) {
        return unsigned(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)));
    }
    static unsigned at_most(Type a, Type b) {
        return unsigned(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)));
    }
    static void store(float *to, unsigned mask, Type value) {
        _mm256_storeu_ps(to, compressed(mask, value));
    }
    static int population(unsigned mask) { return __builtin_popcount(mask); }
};

template <> struct Vector<double> {
    static constexpr int SIZE = 4;
    using Type = __m256d;
    static Type load(const double *at) { return _mm256_loadu_pd(at); }
    static Type all(double value) { return _mm256_set1_pd(value); }
    static unsigned less(Type a, Type b) { return bits(_mm256_cmp_pd(a, b, _CMP_LT_OQ)); }
    static unsigned at_most(Type a, Type b) { return bits(_mm256_cmp_pd(a, b, _CMP_LE_OQ)); }
    // Two bits for each value.
    static unsigned bits(Type compared) {
        return unsigned(_mm256_movemask_ps(_mm256_castpd_ps(compared)));
    }
    static void store(double *to, unsigned mask, Type value) {
        _mm256_storeu_pd(to, _mm256_castps_pd(compressed(mask, _mm256_castpd_ps(value))));
    }
    static int population(unsigned mask) { return __builtin_popcount(mask) / 2; }
};

#endif

template <class Value> unsigned mask_of(typename Vector<Value>::Type values, Between<Value> is) {
    using Each = Vector<Value>;
    return Each::at_most(Each::all(is.low), values) & Each::at_most(values, Each::all(is.high));
}

template <class Value> unsigned mask_of(typename Vector<Value>::Type values, Beyond<Value> is) {
    using Each = Vector<Value>;
    return Each::less(values, Each::all(is.low)) | Each::less(Each::all(is.high), values);
}

// Copies the values that are, in their order, and returns how many; there must be room for all n, a
// multiple of LANES, and for LANES more.
template <class Value, class Is> i64 pick(const Value *values, i64 n, Is is, Value *to) {
    using Each = Vector<Value>;
    i64 m = 0;
    for (i64 i = 0; i < n; i += Each::SIZE) {
        const auto some = Each::load(values + i);
        const unsigned mask = mask_of<Value>(some, is);
        Each::store(to + m, mask, some);
        m += Each::population(mask);
    }
    return m;
}

}  // namespace boxes
