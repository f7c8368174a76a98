// What a tile of an image compressed by RICE_1 means, for both devices (FITS standard 4.0, sections 10.2
// and 10.4.1): its stream of bits, and the pixel that a number of it stands for.
#pragma once
#include "skyshed/kernels/both.h"

namespace rice {

// What a stream is: sound, or why it is no tile.
constexpr int SOUND = 0, ENDS_EARLY = 1, GOES_ON = 2, UNKNOWN_CODE = 3;

// What a tile is, in the table of tiles: where its stream begins and how long it is; how many pixels it
// has; the first of those that are wanted, and how far the next of a column and of a row are; where those
// lie in the window; which seed it was dithered with.
struct Tile {
    i64 begin, length, n_pixels, first, step_y, step_x, y0, y1, x0, x1, seed;
};
constexpr i64 FIELDS = 11;

SKYSHED_BOTH Tile tile_of(const i64 *tiles, i64 k) {
    const i64 *of = tiles + k * FIELDS;
    return {of[0], of[1], of[2], of[3], of[4], of[5], of[6], of[7], of[8], of[9], of[10]};
}

// How numbers of some bytes are coded: bits of a block's code, and the code of numbers as they are.
template <int BYTES> struct Coding;
template <> struct Coding<1> { static constexpr int CODE = 3, DIRECT = 7; };
template <> struct Coding<2> { static constexpr int CODE = 4, DIRECT = 15; };
template <> struct Coding<4> { static constexpr int CODE = 5, DIRECT = 26; };

// How many bits before the highest that is set; there is one.
SKYSHED_BOTH int leading_zeros(u64 word) {
#if defined(__CUDACC__) || defined(CUDA_ON_CPU)
    return __clzll((long long)word);
#elif defined(__GNUC__)
    return __builtin_clzll(word);
#else
    int count = 0;
    while (!(word >> (63 - count))) ++count;
    return count;
#endif
}

// The number that the low BYTES of a word hold: one byte is without sign.
template <int BYTES> SKYSHED_BOTH int number_of(unsigned word) {
    if (BYTES == 1) return int(word & 0xffu);
    if (BYTES == 2) return int((word & 0xffffu) ^ 0x8000u) - 0x8000;
    return int(i64(word ^ 0x80000000u) - 0x80000000LL);
}

// The bits of a stream, the first of a byte being its highest.
class Bits {
  public:
    SKYSHED_BOTH Bits(const unsigned char *begin, i64 length) : at(begin), end(begin + length) {}

    // The next n bits, 1 to 32; false where there are not so many.
    SKYSHED_BOTH bool take(int n, unsigned &bits) {
        if (left < n) {
            fill();
            if (left < n) return false;
        }
        bits = unsigned(word >> (64 - n));
        word <<= n, left -= n;
        return true;
    }

    // How many zeros come before a one, and then n bits, 0 to 31.
    SKYSHED_BOTH bool take_coded(int n, unsigned &zeros, unsigned &bits) {
        if (left < 32) fill();
        const int count = word ? leading_zeros(word) : 64;
        if (count + 1 + n <= left) {
            zeros = unsigned(count);
            word <<= count, word <<= 1;
            bits = unsigned(word >> 1 >> (63 - n));
            word <<= n, left -= count + 1 + n;
            return true;
        }
        return take_long(n, zeros, bits);
    }

    // Whether bytes are left over.
    SKYSHED_BOTH bool goes_on() const { return at < end || left >= 8; }

  private:
    const unsigned char *at, *end;
    // The next bits, highest first; those after the first `left` are 0 or what comes next.
    u64 word = 0;
    int left = 0;

    // Brings all bits that there is room for, at least 56 unless the stream ends.
    SKYSHED_BOTH void fill() {
        if (end - at >= 8) {
            const u64 next = u64(at[0]) << 56 | u64(at[1]) << 48 | u64(at[2]) << 40 | u64(at[3]) << 32 |
                             u64(at[4]) << 24 | u64(at[5]) << 16 | u64(at[6]) << 8 | u64(at[7]);
            word |= next >> left;
            at += (63 - left) >> 3;
            left |= 56;
            return;
        }
        while (left <= 56 && at < end) word |= u64(*at++) << (56 - left), left += 8;
    }

    // The same where the zeros go on beyond the bits at hand.
    SKYSHED_BOTH bool take_long(int n, unsigned &zeros, unsigned &bits) {
        zeros = 0, bits = 0;
        for (;;) {
            const int count = word ? leading_zeros(word) : 64;
            if (count < left) {
                zeros += unsigned(count);
                word <<= count, word <<= 1, left -= count + 1;
                return n == 0 || take(n, bits);
            }
            zeros += unsigned(left);
            if (left == 64) word = 0; else word <<= left;
            left = 0;
            fill();
            if (left == 0) return false;
        }
    }
};

// Calls put(i, number) for the n numbers of a stream; returns SOUND, or what is wrong with it.
//
// Numbers are coded in blocks, as differences from the one before, signs in the lowest bit. A block's code
// is 0 where all differences are; else it says, plus 1, how many low bits of each are stored as they are.
template <int BYTES, class Put>
SKYSHED_BOTH int decode(const unsigned char *stream, i64 length, i64 n, i64 blocksize, Put put) {
    Bits bits(stream, length);
    unsigned last = 0, code = 0, zeros = 0, low = 0;
    if (!bits.take(8 * BYTES, last)) return ENDS_EARLY;
    for (i64 begin = 0; begin < n; begin += blocksize) {
        const i64 end = min(begin + blocksize, n);
        if (!bits.take(Coding<BYTES>::CODE, code)) return ENDS_EARLY;
        if (code == 0) {
            for (i64 i = begin; i < end; ++i) put(i, number_of<BYTES>(last));
        } else if (code == unsigned(Coding<BYTES>::DIRECT)) {
            for (i64 i = begin; i < end; ++i) {
                if (!bits.take(8 * BYTES, low)) return ENDS_EARLY;
                last += (low >> 1) ^ (0u - (low & 1u));
                put(i, number_of<BYTES>(last));
            }
        } else if (code > unsigned(Coding<BYTES>::DIRECT)) {
            return UNKNOWN_CODE;
        } else {
            const int n_low = int(code) - 1;
            for (i64 i = begin; i < end; ++i) {
                if (!bits.take_coded(n_low, zeros, low)) return ENDS_EARLY;
                const unsigned difference = zeros << n_low | low;
                last += (difference >> 1) ^ (0u - (difference & 1u));
                put(i, number_of<BYTES>(last));
            }
        }
    }
    return bits.goes_on() ? GOES_ON : SOUND;
}

// ---- what a number stands for ----

constexpr int NO_DITHER = 0, DITHER_1 = 1, DITHER_2 = 2;
// The number that stands for 0 exactly where images are dithered by the second method.
constexpr int EXACT_ZERO = -2147483646;
// The random numbers of all dithered images.
constexpr i64 RANDOMS = 10000;
// The least of them that a run begins with is before this one.
constexpr i64 LATEST = 500;

// The random number of pixel i of a tile: of which run it is, and where.
//
// A tile takes runs of random numbers, each up to the last; with the seed begins the run that the first
// pixels take. begins lists after how many numbers each of two rounds of seeds begins.
struct Random {
    i64 index;  // of the number
    i64 left;   // how many are left in its run
};

SKYSHED_BOTH Random random_of(const i64 *begins, i64 seed, i64 i) {
    const i64 target = begins[seed] + i % begins[RANDOMS];
    i64 low = seed + (target - begins[seed]) / RANDOMS;
    i64 high = min(seed + (target - begins[seed]) / (RANDOMS - LATEST) + 1, seed + RANDOMS);
    while (high - low > 1) {  // begins[low] <= target < begins[high]
        const i64 middle = (low + high) / 2;
        if (begins[middle] <= target) low = middle; else high = middle;
    }
    const i64 left = begins[low + 1] - target;
    return {RANDOMS - left, left};
}

// The pixel that a number stands for. Products, or products and sums, are rounded to single precision
// where NumPy does so: small numbers scaled by single ones.
SKYSHED_BOTH double scaled(int number, double scale, double zero, int rounding) {
    double product = double(number) * scale;
    if (rounding > 0) product = double(float(product));
    const double sum = product + zero;
    return rounding > 1 ? double(float(sum)) : sum;
}

SKYSHED_BOTH double undithered(int number, float random, double scale, double zero, bool exact_zeros) {
    const double value = (double(number) - double(random) + 0.5) * scale + zero;
    return exact_zeros && number == EXACT_ZERO ? 0.0 : value;
}

}  // namespace rice
