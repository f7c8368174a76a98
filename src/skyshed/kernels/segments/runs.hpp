// Runs on the CPU: words of 64 pixels of a row, a bit each, and what is read from them.
#pragma once
#include "skyshed/kernels/cpu.h"
#include "skyshed/kernels/segments/runs.h"

namespace runs {

constexpr i64 WORD = 64;

inline i64 words_of(i64 nx) { return (nx + WORD - 1) / WORD; }

// The word of n <= 64 pixels of which is(k) is true for k < n. Most words of an image are empty: that
// is found out for all pixels together, without conditions, so that the loop is vectorised.
template <class Is> inline u64 word_of(i64 n, Is is) {
    alignas(64) unsigned char byte[WORD];
    if (n == WORD) {
        for (int k = 0; k < WORD; ++k) byte[k] = is(k);
    } else {
        for (int k = 0; k < WORD; ++k) byte[k] = k < n && is(k);
    }
    u64 eight[WORD / 8], any = 0, word = 0;
    std::memcpy(eight, byte, sizeof eight);
    for (u64 each : eight) any |= each;
    if (!any) return 0;
    // The product gathers the lowest bits of eight bytes in the highest byte.
    for (int k = 0; k < WORD / 8; ++k) word |= (eight[k] * 0x0102040810204080ULL >> 56) << (8 * k);
    return word;
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
