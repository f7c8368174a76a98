// Sums over the values of a box that are within limits: in lanes, by the place of a value, and in chunks, so
// that the order of a sum does not depend on which values count.
#pragma once
#include "skyshed/kernels/boxes/boxes.h"
#include "skyshed/kernels/boxes/picking.hpp"

namespace boxes {

// What chunks add to, lane by lane.
struct Lanes {
    double a[LANES] = {}, q[LANES] = {};

    void add(const double *more_a, const double *more_q) {
        for (int k = 0; k < LANES; ++k) a[k] += more_a[k], q[k] += more_q[k];
    }

    Sums sums() {
        for (int step = LANES / 2; step; step /= 2)
            for (int k = 0; k < step; ++k) a[k] += a[k + step], q[k] += q[k + step];
        return {a[0], q[0]};
    }
};

// Adds up term(v[i]), which is zero for values that do not count; size is a multiple of LANES.
template <class Value, class Term> Sums add_up(const Value *v, i64 size, Term term) {
    Lanes all;
    for (i64 begin = 0; begin < size; begin += CHUNK) {
        double a[LANES] = {}, q[LANES] = {};
        const i64 end = min(begin + CHUNK, size);
        for (i64 i = begin; i < end; i += LANES) {
            for (int k = 0; k < LANES; ++k) {
                const Sums sums = term(v[i + k]);
                a[k] += sums.a;
                q[k] += sums.q;
            }
        }
        all.add(a, q);
    }
    return all.sums();
}

// Limits in the type of the values, which they then are compared with.
template <class Value> Between<Value> limits_of(const Range &range) {
    Between<Value> limits = {Value(range.low), Value(range.high)};
    if (double(limits.low) < range.low) limits.low = std::nextafter(limits.low, Value(INF_VALUE));
    if (double(limits.high) > range.high) limits.high = std::nextafter(limits.high, -Value(INF_VALUE));
    return limits;
}

// Of the values within limits, the sums of their differences from a value, and of the squares; and if they
// are counted, how many they are, and how many are not below the lower limit.
struct Within {
    Sums sums;
    i64 n, not_below;
};

// The sums as above, and how many values are beyond the limits: these are copied, as by `pick_beyond`.
struct Parted {
    Sums sums;
    i64 n_beyond;
};

#if defined(__AVX512F__)

// Sums in vectors, masked: compilers add zeros for what does not count, and that takes twice as long.
// (Masks of all: of functions without one, GCC says that something is not initialised.)
struct Halves {
    static constexpr int SIZE = LANES / 2;
    __m512d a[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    __m512d q[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};

    void add(int k, __mmask8 is, __m512d more_a, __m512d more_q) {
        a[k] = _mm512_mask_add_pd(a[k], is, a[k], more_a);
        q[k] = _mm512_mask_add_pd(q[k], is, q[k], more_q);
    }

    void add(const Halves &more) {
        for (int k = 0; k < 2; ++k) add(k, __mmask8(-1), more.a[k], more.q[k]);
    }

    // As those of `Lanes`.
    Sums sums() const { return {sum(_mm512_add_pd(a[0], a[1])), sum(_mm512_add_pd(q[0], q[1]))}; }

  private:
    static double sum(__m512d of) {
        constexpr __mmask8 all = __mmask8(-1);
        const __m256d four = _mm256_add_pd(
            _mm512_maskz_extractf64x4_pd(all, of, 0), _mm512_maskz_extractf64x4_pd(all, of, 1));
        const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
        return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
};

inline __m512d widened(const float *at) { return _mm512_maskz_cvtps_pd(__mmask8(-1), _mm256_loadu_ps(at)); }
inline __m512d widened(const double *at) { return _mm512_loadu_pd(at); }

// Adds the differences of the values whose bits are set, and their squares.
template <class Value> void add_to(Halves &sums, const Value *at, unsigned is, __m512d about) {
    for (int k = 0; k < 2; ++k) {
        const __m512d d = _mm512_sub_pd(widened(at + k * Halves::SIZE), about);
        sums.add(k, __mmask8(is >> k * Halves::SIZE), d, _mm512_mul_pd(d, d));
    }
}

// A bit for each of LANES values: of those not below a limit, and of those that are within both.
struct Bits {
    unsigned from, is;
};

inline Bits compare(const float *at, Between<float> limits) {
    const __m512 some = _mm512_loadu_ps(at);
    const __mmask16 from = _mm512_cmp_ps_mask(some, _mm512_set1_ps(limits.low), _CMP_GE_OQ);
    return {from, _mm512_mask_cmp_ps_mask(from, some, _mm512_set1_ps(limits.high), _CMP_LE_OQ)};
}

inline Bits compare(const double *at, Between<double> limits) {
    Bits bits = {0, 0};
    for (int k = 0; k < 2; ++k) {
        const __m512d some = _mm512_loadu_pd(at + k * Halves::SIZE);
        const __mmask8 from = _mm512_cmp_pd_mask(some, _mm512_set1_pd(limits.low), _CMP_GE_OQ);
        const __mmask8 is =
            _mm512_mask_cmp_pd_mask(from, some, _mm512_set1_pd(limits.high), _CMP_LE_OQ);
        bits.from |= unsigned(from) << k * Halves::SIZE;
        bits.is |= unsigned(is) << k * Halves::SIZE;
    }
    return bits;
}

template <bool COUNTS, class Value>
Within add_within(const Value *v, i64 size, Between<Value> limits, double about) {
    const __m512d middle = _mm512_set1_pd(about);
    Halves all;
    i64 n = 0, not_below = 0;
    for (i64 begin = 0; begin < size; begin += CHUNK) {
        Halves sums;
        const i64 end = min(begin + CHUNK, size);
        for (i64 i = begin; i < end; i += LANES) {
            const Bits bits = compare(v + i, limits);
            add_to(sums, v + i, bits.is, middle);
            if (COUNTS) n += __builtin_popcount(bits.is);
            if (COUNTS) not_below += __builtin_popcount(bits.from);
        }
        all.add(sums);
    }
    return {all.sums(), n, not_below};
}

// Copies those of LANES values that are beyond limits: neither within them, as bits say, nor NaN.
template <class Value> void compress_beyond(const Value *at, unsigned is, Value *to, i64 &n) {
    using Each = Vector<Value>;
    for (int k = 0; k < LANES; k += Each::SIZE) {
        const auto some = Each::load(at + k);
        const unsigned mask = Each::at_most(some, some) & ~(is >> k);
        Each::compress(to + n, mask, some);
        n += Each::population(mask);
    }
}

template <class Value>
Parted part(const Value *v, i64 size, Between<Value> limits, double about, Value *beyond) {
    const __m512d middle = _mm512_set1_pd(about);
    Halves all;
    i64 n = 0;
    for (i64 begin = 0; begin < size; begin += CHUNK) {
        Halves sums;
        const i64 end = min(begin + CHUNK, size);
        for (i64 i = begin; i < end; i += LANES) {
            const unsigned is = compare(v + i, limits).is;
            add_to(sums, v + i, is, middle);
            compress_beyond(v + i, is, beyond, n);
        }
        all.add(sums);
    }
    return {all.sums(), n};
}

#else

template <bool COUNTS, class Value>
Within add_within(const Value *v, i64 size, Between<Value> limits, double about) {
    const Sums sums = add_up(v, size, [=](Value value) {
        const double d = limits(value) ? double(value) - about : 0.0;
        return Sums{d, d * d};
    });
    if (!COUNTS) return {sums, 0, 0};
    return {sums, count(v, size, limits), count(v, size, [=](Value value) { return value >= limits.low; })};
}

template <class Value>
Parted part(const Value *v, i64 size, Between<Value> limits, double about, Value *beyond) {
    return {
        add_within<false>(v, size, limits, about).sums, pick_beyond(v, size, limits, beyond)};
}

#endif

}  // namespace boxes
