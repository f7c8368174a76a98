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

// How many values are looked at together before single ones are, where some are not finite.
constexpr i64 TOGETHER = 64;

template <class Value> bool is_finite(Value value) {
    using Word = typename Bits<Value>::Word;
    Word word;
    std::memcpy(&word, &value, sizeof word);
    return (word & Bits<Value>::EXPONENT) != Bits<Value>::EXPONENT;
}

template <class Value> bool all_finite(const Value *at, i64 n) {
    using Word = typename Bits<Value>::Word;
    Word any = 0;
    for (i64 k = 0; k < n; ++k) any |= Word(!is_finite(at[k]));
    return !any;
}

// Whether n values from `at` on are finite or masked.
template <class Value> bool all_finite(const Value *at, const bool *mask, i64 n) {
    for (i64 first = 0; first < n; first += TOGETHER) {
        const i64 end = min(n, first + TOGETHER);
        if (all_finite(at + first, end - first)) continue;
        for (i64 k = first; k < end; ++k)
            if (!mask[k] && !is_finite(at[k])) return false;
    }
    return true;
}

template <class Value> i64 rows(const Value *image, const bool *mask, i64 nx, bool *finite, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y)
        finite[y] = mask ? all_finite(image + y * nx, mask + y * nx, nx) : all_finite(image + y * nx, nx);
    return 0;
}

SKYSHED_KERNEL("finiteness.rows", rows<float>);
SKYSHED_KERNEL("finiteness.rows", rows<double>);

}  // namespace
}  // namespace finiteness
