// Runs on the CPU: words of 64 pixels of a row, a bit each, and what is read from them.
#pragma once
#include "skyshed/kernels/cpu.h"
#include "skyshed/kernels/segments/runs.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace runs {

constexpr i64 WORD = 64;

inline i64 words_of(i64 nx) { return (nx + WORD - 1) / WORD; }

// The lowest bits of WORD bytes that are 0 or 1.
inline u64 gathered(const unsigned char *byte) {
#if defined(__AVX512BW__)
    const __m512i all = _mm512_load_si512(byte);
    return _mm512_test_epi8_mask(all, all);
#elif defined(__AVX2__)
    const __m256i none = _mm256_setzero_si256(), *half = reinterpret_cast<const __m256i *>(byte);
    const auto bits = [&](int k) {
        return u64(unsigned(_mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_load_si256(half + k), none))));
    };
    return bits(0) | bits(1) << 32;
#else
    u64 eight[WORD / 8], any = 0, word = 0;
    std::memcpy(eight, byte, sizeof eight);
    for (u64 each : eight) any |= each;
    if (!any) return 0;
    // The product gathers the lowest bits of eight bytes in the highest byte.
    for (int k = 0; k < WORD / 8; ++k) word |= (eight[k] * 0x0102040810204080ULL >> 56) << (8 * k);
    return word;
#endif
}

// The word of n <= 64 pixels of which is(k) is true for k < n. Most words of an image are empty: that
// is found out for all pixels together, without conditions, so that the loop is vectorised.
template <class Is> inline u64 word_of(i64 n, Is is) {
    alignas(64) unsigned char byte[WORD];
    if (n == WORD) {
        for (int k = 0; k < WORD; ++k) byte[k] = is(k);
    } else {
        for (int k = 0; k < WORD; ++k) byte[k] = k < n && is(k);
    }
    return gathered(byte);
}

inline int population(u64 word) {
#if defined(__GNUC__)
    return __builtin_popcountll(word);
#else
    int bits = 0;
    for (; word; word &= word - 1) ++bits;
    return bits;
#endif
}

}  // namespace runs
