// Values of pixels as deblending compares them and adds them up, for both devices.
#pragma once
#include "skyshed/kernels/both.h"
#if !defined(__CUDACC__) && !defined(CUDA_ON_CPU)
#include <cstring>
#endif

namespace deblending {

// The bits of numbers.
#if defined(__CUDACC__) || defined(CUDA_ON_CPU)
SKYSHED_BOTH unsigned bits_of(float v) { return __float_as_uint(v); }
SKYSHED_BOTH u64 bits_of(double v) { return (u64)__double_as_longlong(v); }
SKYSHED_BOTH float number_of(unsigned bits) { return __uint_as_float(bits); }
SKYSHED_BOTH double number_of(u64 bits) { return __longlong_as_double((i64)bits); }
#else
template <class To, class From> inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "bits are those of numbers of one size");
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline unsigned bits_of(float v) { return same_bits<unsigned>(v); }
inline u64 bits_of(double v) { return same_bits<u64>(v); }
inline float number_of(unsigned bits) { return same_bits<float>(bits); }
inline double number_of(u64 bits) { return same_bits<double>(bits); }
#endif

// NaN is the last to be flooded.
template <class Value> SKYSHED_BOTH Value flooded(Value value) {
    return value == value ? value : -(Value)INF_VALUE;
}

// Whether a pixel adds to a flux, given its value in the flood.
template <class Value> SKYSHED_BOTH bool counts(Value value) { return value > -(Value)INF_VALUE; }

// Whether a neighbour of this value keeps a pixel from being a peak: not if either is NaN.
template <class Value> SKYSHED_BOTH bool tops(Value neighbour, Value value) { return neighbour > value; }

// Values as integers in the same order. 0 is below all of them. -0 is 0.
template <class Value> struct Ordered;
template <> struct Ordered<float> { using Bits = unsigned; };
template <> struct Ordered<double> { using Bits = u64; };

template <class Value> SKYSHED_BOTH typename Ordered<Value>::Bits key_of(Value value) {
    using Bits = typename Ordered<Value>::Bits;
    const Bits top = (Bits)1 << (8 * sizeof(Bits) - 1), bits = bits_of(value == 0 ? (Value)0 : flooded(value));
    return bits & top ? ~bits : bits | top;
}
template <class Bits> SKYSHED_BOTH auto value_of(Bits key) {
    const Bits top = (Bits)1 << (8 * sizeof(Bits) - 1);
    return number_of((Bits)(key & top ? key & ~top : ~key));
}

// The label of a pixel of a source that is split (child > 0) or whole (0).
SKYSHED_BOTH int painted(int base, int child) { return base + child; }

}  // namespace deblending
