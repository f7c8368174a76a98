// What a number of a FITS file stands for, for both devices: its bytes in the machine's order, the offset of
// unsigned integers, BSCALE, BZERO and BLANK (FITS standard 4.0, sections 4.4.2 and 5).
//
// A word is a number as it lies in the file or, if that was compressed, in the machine's order, in a signed
// integer of its size; those of a byte are without sign.
#pragma once
#include "skyshed/kernels/both.h"

namespace stored {

// The same bits as another type of the same size.
template <class To, class From> SKYSHED_BOTH To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "the sizes differ");
    union {
        From given;
        To wanted;
    } bits;
    bits.given = from;
    return bits.wanted;
}

SKYSHED_BOTH unsigned char swapped(unsigned char word) { return word; }

SKYSHED_BOTH short swapped(short word) {
    const unsigned bits = bits_as<unsigned short>(word);
    return bits_as<short, unsigned short>((bits >> 8 | bits << 8) & 0xffffu);
}

SKYSHED_BOTH int swapped(int word) {
    const unsigned bits = bits_as<unsigned>(word);
    return bits_as<int, unsigned>(
        bits >> 24 | (bits >> 8 & 0xff00u) | (bits << 8 & 0xff0000u) | bits << 24);
}

SKYSHED_BOTH i64 swapped(i64 word) {
    u64 bits = bits_as<u64>(word);
    bits = (bits >> 8 & 0x00ff00ff00ff00ffULL) | (bits & 0x00ff00ff00ff00ffULL) << 8;
    bits = (bits >> 16 & 0x0000ffff0000ffffULL) | (bits & 0x0000ffff0000ffffULL) << 16;
    return bits_as<i64, u64>(bits >> 32 | bits << 32);
}

// A word whose highest bit is turned over, if it is to be: integers that are stored with an offset.
SKYSHED_BOTH unsigned char turned(unsigned char word, bool turn) { return turn ? word ^ 0x80 : word; }
SKYSHED_BOTH short turned(short word, bool turn) {
    const unsigned short bits = bits_as<unsigned short>(word);
    return bits_as<short, unsigned short>(turn ? bits ^ 0x8000u : bits);
}
SKYSHED_BOTH int turned(int word, bool turn) {
    return turn ? bits_as<int, unsigned>(bits_as<unsigned>(word) ^ 0x80000000u) : word;
}
SKYSHED_BOTH i64 turned(i64 word, bool turn) {
    return turn ? bits_as<i64, u64>(bits_as<u64>(word) ^ 0x8000000000000000ULL) : word;
}

// A word in the machine's byte order: it lies in the other one, or in this one.
template <class Word> SKYSHED_BOTH Word in_order(Word word, bool native) {
    return native ? word : swapped(word);
}

// Whether the bits of a float are those of a number that is not finite.
SKYSHED_BOTH bool not_finite(int bits) { return (bits & 0x7f800000) == 0x7f800000; }
SKYSHED_BOTH bool not_finite(i64 bits) {
    return (bits & 0x7ff0000000000000LL) == 0x7ff0000000000000LL;
}
SKYSHED_BOTH bool is_bad(float value) { return not_finite(bits_as<int>(value)); }
SKYSHED_BOTH bool is_bad(double value) { return not_finite(bits_as<i64>(value)); }

// An integer with its offset, as a float: only those of 64 bits are rounded.
template <class Pixel, class Word> SKYSHED_BOTH Pixel number_of(Word word, i64 offset) {
    return Pixel(word) + Pixel(offset);
}
template <class Pixel> SKYSHED_BOTH Pixel number_of(i64 word, i64 offset) {
    if (offset == 0) return Pixel(word);
    return Pixel(bits_as<u64>(word) ^ 0x8000000000000000ULL);
}

// How floats follow from numbers. NumPy rounds product and sum each, in the type of the pixels; a factor
// of 1 and a term of 0 are left out, as they would change NaN and -0.
template <class Pixel> struct Scaling {
    Pixel scale, zero;
    bool multiplies, adds;

    SKYSHED_BOTH Pixel scaled(Pixel value) const {
        if (multiplies) value *= scale;
        if (adds) value += zero;
        return value;
    }
};

template <class Pixel> SKYSHED_BOTH Scaling<Pixel> scaling_by(double scale, double zero) {
    return {Pixel(scale), Pixel(zero), scale != 1.0, zero != 0.0};
}

}  // namespace stored
