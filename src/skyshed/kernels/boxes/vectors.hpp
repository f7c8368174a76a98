// Vectors, for what compilers do not do by themselves.
#pragma once
#include "skyshed/kernels/cpu.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace boxes {

// Comparisons give a bit per value. compress() writes the values whose bits are set next to each other, and
// something behind them; copy() writes all, NaN where a value is not good, whose bits it returns.
// Zeros lose their sign: which of two equal values comes first must not matter.
template <class Value> struct Vector {
    static constexpr int SIZE = 1;
    using Type = Value;
    static Type load(const Value *at) { return *at; }
    static Type all(Value value) { return value; }
    static unsigned less(Type a, Type b) { return a < b; }
    static unsigned at_most(Type a, Type b) { return a <= b; }
    static void compress(Value *to, unsigned, Type value) { *to = value; }
    static unsigned copy(Value *to, Type value) {
        const bool is_good = value - value == 0;
        *to = is_good ? value + Value(0) : Value(NAN_VALUE);
        return is_good;
    }
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
    static unsigned copy(float *to, Type value) {
        const Type zero = _mm512_setzero_ps();
        const __mmask16 is = _mm512_cmp_ps_mask(_mm512_sub_ps(value, value), zero, _CMP_EQ_OQ);
        _mm512_storeu_ps(to, _mm512_mask_add_ps(all(float(NAN_VALUE)), is, value, zero));
        return is;
    }
    static void compress(float *to, unsigned mask, Type value) {
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
    static unsigned copy(double *to, Type value) {
        const Type zero = _mm512_setzero_pd();
        const __mmask8 is = _mm512_cmp_pd_mask(_mm512_sub_pd(value, value), zero, _CMP_EQ_OQ);
        _mm512_storeu_pd(to, _mm512_mask_add_pd(all(double(NAN_VALUE)), is, value, zero));
        return is;
    }
    static void compress(double *to, unsigned mask, Type value) {
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
    static unsigned copy(float *to, Type value) {
        const Type zero = _mm256_setzero_ps();
        const Type is = _mm256_cmp_ps(_mm256_sub_ps(value, value), zero, _CMP_EQ_OQ);
        _mm256_storeu_ps(to, _mm256_blendv_ps(all(float(NAN_VALUE)), _mm256_add_ps(value, zero), is));
        return unsigned(_mm256_movemask_ps(is));
    }
    static void compress(float *to, unsigned mask, Type value) {
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
    static unsigned copy(double *to, Type value) {
        const Type zero = _mm256_setzero_pd();
        const Type is = _mm256_cmp_pd(_mm256_sub_pd(value, value), zero, _CMP_EQ_OQ);
        _mm256_storeu_pd(to, _mm256_blendv_pd(all(double(NAN_VALUE)), _mm256_add_pd(value, zero), is));
        return bits(is);
    }
    static void compress(double *to, unsigned mask, Type value) {
        _mm256_storeu_pd(to, _mm256_castps_pd(compressed(mask, _mm256_castpd_ps(value))));
    }
    static int population(unsigned mask) { return __builtin_popcount(mask) / 2; }
};

#endif

}  // namespace boxes
