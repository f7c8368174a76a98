// Which rows hold nothing but finite values. That is in the bits of an exponent: additions would make
// each pixel wait for the one before.

#include "skyshed/kernels/cpu.h"

namespace finiteness {
namespace {

// The bits of a float or a double, of which all of the exponent's are set in what is not finite.
template <class Value> struct Bits;
template <> struct Bits<float> {
    using Word = unsigned;
    static constexpr Word EXPONENT = 0x7f800000u;
};
template <> struct Bits<double> {
    using Word = u64;
    static constexpr Word EXPONENT = 0x7ff0000000000000u;
};

template <class Value> bool all_finite(const Value *at, i64 n) {
    using Word = typename Bits<Value>::Word;
    constexpr Word EXPONENT = Bits<Value>::EXPONENT;
    Word any = 0;
    for (i64 k = 0; k < n; ++k) {
        Word word;
        std::memcpy(&word, at + k, sizeof word);
        any |= Word((word & EXPONENT) == EXPONENT);
    }
    return !any;
}

template <class Value> i64 rows(const Value *image, i64 nx, bool *finite, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) finite[y] = all_finite(image + y * nx, nx);
    return 0;
}

SKYSHED_KERNEL("finiteness.rows", rows<float>);
SKYSHED_KERNEL("finiteness.rows", rows<double>);

}  // namespace
}  // namespace finiteness
