// Pixels from numbers as they lie in a FITS file, on the CPU.

#include "skyshed/kernels/stored/stored.h"

#include "skyshed/kernels/cpu.h"

namespace stored {
namespace {

// Integers; turn says whether they are stored with an offset.
template <class Word> i64 swap_integers(const Word *word, bool native, bool turn, Word *out, i64 k0, i64 k1) {
    Word *__restrict to = out;
    for (i64 k = k0; k < k1; ++k) to[k] = turned(in_order(word[k], native), turn);
    return 0;
}

SKYSHED_KERNEL("stored.swap_integers", swap_integers<unsigned char>);
SKYSHED_KERNEL("stored.swap_integers", swap_integers<short>);
SKYSHED_KERNEL("stored.swap_integers", swap_integers<int>);
SKYSHED_KERNEL("stored.swap_integers", swap_integers<i64>);

// Integers that become floats, NaN where they are blank.
template <class Word, class Pixel>
SKYSHED_FLAT i64 scale_integers(
    const Word *word, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    Pixel *pixel, bool *bad, i64 k0, i64 k1) {
    const Scaling<Pixel> scaling = scaling_by<Pixel>(scale, zero);
    const Word none = Word(blank);
    const Pixel nothing = Pixel(NAN_VALUE);
    Pixel *__restrict to = pixel;
    unsigned char *__restrict marks = reinterpret_cast<unsigned char *>(bad);
    for (i64 k = k0; k < k1; ++k) {
        const Word value = in_order(word[k], native);
        const Pixel number = scaling.scaled(number_of<Pixel>(value, offset));
        const Pixel found = has_blank & (value == none) ? nothing : number;
        to[k] = found;
        marks[k] = is_bad(found);
    }
    return 0;
}

SKYSHED_KERNEL("stored.scale_integers", scale_integers<unsigned char, float>);
SKYSHED_KERNEL("stored.scale_integers", scale_integers<short, float>);
SKYSHED_KERNEL("stored.scale_integers", scale_integers<int, double>);
SKYSHED_KERNEL("stored.scale_integers", scale_integers<i64, double>);

template <class Word, class Pixel>
SKYSHED_FLAT i64 scale_floats(
    const Word *word, bool native, double scale, double zero, Pixel *pixel, bool *bad, i64 k0, i64 k1) {
    const Scaling<Pixel> scaling = scaling_by<Pixel>(scale, zero);
    Pixel *__restrict to = pixel;
    unsigned char *__restrict marks = reinterpret_cast<unsigned char *>(bad);
    for (i64 k = k0; k < k1; ++k) {
        const Pixel found = scaling.scaled(bits_as<Pixel>(in_order(word[k], native)));
        to[k] = found;
        marks[k] = is_bad(found);
    }
    return 0;
}

SKYSHED_KERNEL("stored.scale_floats", scale_floats<int, float>);
SKYSHED_KERNEL("stored.scale_floats", scale_floats<i64, double>);

}  // namespace
}  // namespace stored
