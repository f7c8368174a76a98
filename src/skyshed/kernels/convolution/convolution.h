// What convolution means, for both devices. Sums run in the order of the image, over the kernel backwards.
// While they are formed, a missing pixel is NaN.
#pragma once
#include "skyshed/kernels/both.h"

namespace convolution {

// What lies outside of the image; `BOUNDARIES` of cpu.py.
enum Boundary { NOTHING, FILL, WRAP, EXTEND };

// The index whose value stands at i, of n; or -1 for the fill value.
SKYSHED_BOTH i64 place(i64 i, i64 n, int boundary) {
    if (i >= 0 && i < n) return i;
    if (boundary == EXTEND) return i < 0 ? 0 : n - 1;
    if (boundary == WRAP) return (i % n + n) % n;
    return -1;
}

template <class Value> struct Image {
    const Value *data;
    const bool *mask;
    i64 ny, nx;
    int boundary;
    double fill;

    // The value of pixel p, NaN if it is missing.
    SKYSHED_BOTH double pixel(i64 p) const { return mask && mask[p] ? NAN_VALUE : double(data[p]); }

    // Where nothing is outside, there is no result where a kernel of this size reaches there.
    SKYSHED_BOTH bool reaches_outside(i64 i, i64 n, int size) const {
        return boundary == NOTHING && (i < size / 2 || i >= n - size / 2);
    }
};

// How a pixel counts in a sum.
enum Reading { AS_IS, MISSING_IS_ZERO, WEIGHT };

template <int reading> SKYSHED_BOTH double read(double value) {
    if (reading == AS_IS) return value;
    const bool missing = value != value;
    if (reading == WEIGHT) return missing ? 0.0 : 1.0;
    return missing ? 0.0 : value;
}

// total + term(0) + ... + term(n - 1), four at a time.
template <class Term> SKYSHED_BOTH double add_terms(double total, int n, Term term) {
    int j = 0;
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (; j + 4 <= n; j += 4) total += (term(j) + term(j + 1)) + (term(j + 2) + term(j + 3));
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (; j < n; ++j) total += term(j);
    return total;
}

// A kernel of ky by kx elements, already turned round: row by row, or, if it is their products, a column
// and then a row.
struct Taps {
    const double *at;
    int ky, kx;
    bool separable;

    SKYSHED_BOTH const double *column() const { return at; }
    SKYSHED_BOTH const double *row() const { return at + ky; }
    SKYSHED_BOTH const double *row(int i) const { return at + i64(i) * kx; }

    // The weight of a row, and of the kernel, that miss nothing.
    SKYSHED_BOTH double of_row() const { return add_terms(0.0, kx, Elements{row()}); }
    SKYSHED_BOTH double of_all() const {
        if (separable) return add_terms(0.0, ky, Products{column(), of_row()});
        double total = 0.0;
        for (int i = 0; i < ky; ++i) total = add_terms(total, kx, Elements{row(i)});
        return total;
    }

  private:
    struct Elements {
        const double *at;
        SKYSHED_BOTH double operator()(int i) const { return at[i]; }
    };
    struct Products {
        const double *at;
        double by;
        SKYSHED_BOTH double operator()(int i) const { return at[i] * by; }
    };
};

// What becomes of sums; whole is the weight of a kernel that misses nothing.
struct Rule {
    double scale, whole;
    bool interpolate, preserve_nan;

    // The result at a pixel of this value: one that misses any of the weight is made up for it, or, if it
    // has no weight, is the pixel's own. Counts those that so are NaN.
    template <class Count>
    SKYSHED_BOTH double finish(double total, double weight, double value, Count &empty) const {
        if (weight != whole) {
            total = weight == 0.0 ? value * scale : total / weight * scale;
            empty += weight == 0.0 && total != total;
        }
        return kept(total, value);
    }

    // The same where nothing is left out.
    SKYSHED_BOTH double kept(double total, double value) const {
        return preserve_nan && value != value ? NAN_VALUE : total;
    }
};

}  // namespace convolution
