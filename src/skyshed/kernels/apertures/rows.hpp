// Rows of pixels as apertures take them, on the CPU: read several pixels at a time, and only where a row
// has masked pixels or another source's looked at one by one.
#pragma once
#include "skyshed/kernels/apertures/pixels.h"
#include "skyshed/kernels/cpu.h"

namespace apertures {

// Pixels that are computed at a time. Room for pixels is a multiple of it: what lies beyond the end of
// a row is computed too, and written over by the next row.
constexpr i64 LANES = 8;
// Rows and pixels of an aperture that are added up at once.
constexpr i64 ROWS = 16, GATHERED = 4096;

inline i64 padded(i64 n) { return (n + LANES - 1) & -LANES; }

// How many rows of a box are added up at once.
inline i64 rows_at_once(const Box &box) { return max(min(ROWS, GATHERED / box.width()), i64(1)); }

// Pixels x0 <= x < x1 of rows y0 <= y < y1.
struct Block {
    i64 y0, y1, x0, x1;
    i64 height() const { return y1 - y0; }
    i64 width() const { return x1 - x0; }
    i64 size() const { return height() * width(); }
};

// How many pixels to compute of a row of n, of which `room` are in memory: a multiple of LANES, that
// there are no odd ones, but at the very end of an image.
inline i64 lanes_of(i64 n, i64 room) { return padded(n) <= room ? padded(n) : n; }

// How many rows ahead a row is brought to the nearest cache. Where rows are a power of two apart, as those of
// images often are, that cache has room for eight lines in a column of all images together; the next one
// has room for a source.
constexpr i64 AHEAD = 3;

// Asks for a row of a plane, from the first pixel to the last: mostly two lines of a cache.
template <int NEAR, class T> inline void prefetch_pixels(const T *first, const T *last) {
    constexpr i64 LINE = 64 / sizeof(T);
    prefetch<NEAR>(first), prefetch<NEAR>(last);
    for (const T *at = first + LINE; at < last; at += LINE) prefetch<NEAR>(at);
}

template <int NEAR, class Value, class Error> inline void prefetch_row(
    const Field<Value> &f, const Error *error, const Box &box, i64 y) {
    if (y >= box.y1 || box.empty()) return;
    const i64 first = y * f.at.nx + box.x0, last = first + box.width() - 1;
    prefetch_pixels<NEAR>(f.data + first, f.data + last);
    prefetch_pixels<NEAR>(f.labels + first, f.labels + last);
    if (error) prefetch_pixels<NEAR>(error + first, error + last);
    if (f.mask) prefetch_pixels<NEAR>(f.mask + first, f.mask + last);
}

// Asks for rows of a box that are read soon, and of the box that is visited next, while row y is read.
// `error` may be null.
template <class Value, class Error> inline void prefetch_ahead(
    const Field<Value> &f, const Error *error, const Box &box, const Box &next, i64 y) {
    prefetch_row<3>(f, error, box, y + AHEAD);
    const i64 row = next.y0 + (y - box.y0), last = y + 1 < box.y1 ? row : next.y1 - 1;
    for (i64 k = row; k <= last; ++k) prefetch_row<2>(f, error, next, k);
}

// Copies n pixels, less the background, and a few beyond.
template <class Value> inline void widen(
    const Value *pixels, i64 n, i64 room, double background, double *out) {
    const i64 end = lanes_of(n, room);
    SKYSHED_INDEPENDENT
    for (i64 k = 0; k < end; ++k) out[k] = double(pixels[k]) - background;
}

// Whether one of n pixels is masked, and perhaps of a few more: words of eight bytes, since GCC takes such
// short loops over bytes one by one.
inline bool any_masked(const bool *mask, i64 n) {
    unsigned long long any = 0;
    i64 k = 0;
    for (; k + LANES <= n; k += LANES) {
        unsigned long long eight;
        std::memcpy(&eight, mask + k, sizeof eight);
        any |= eight;
    }
    for (; k < n; ++k) any |= (unsigned long long)mask[k];
    return any;
}

// Whether one of n pixels, or of the few after them, is masked or another source's.
inline bool any_special(const int *labels, const bool *mask, int own, i64 n, i64 room) {
    const i64 end = lanes_of(n, room);
    int any = 0;
    for (i64 k = 0; k < end; ++k) any |= int(labels[k] != own) & int(labels[k] != 0);
    return any || (mask && any_masked(mask, end));
}

// The same of n pixels from pixel index `first` on.
template <class Value> inline bool any_special(const Field<Value> &f, int own, i64 first, i64 n) {
    const i64 room = f.at.ny * f.at.nx - first;
    return any_special(f.labels + first, f.mask ? f.mask + first : nullptr, own, n, room);
}

// Corrects n values of a row of an aperture's box, from pixel (y, x0) on, where pixels are masked or another
// source's. What is left out is 0.
template <class Value> inline void correct_row(
    const Field<Value> &f, const Box &box, int own, double background, i64 y, i64 x0, i64 n, double *values) {
    const i64 first = y * f.at.nx + x0;
    for (i64 from = 0; from < n; from += LANES) {
        const i64 some = min(LANES, n - from);
        if (!any_special(f, own, first + from, some)) continue;
        for (i64 k = from; k < from + some; ++k) {
            i64 p = first + k;
            if (!of_another(f.labels[p], own) && !(f.mask && f.mask[p])) continue;
            values[k] = taken(f, box, own, y, x0 + k, p) == FROM ? double(f.data[p]) - background : 0.0;
        }
    }
}

// Reads pixels x0 to x1 of a row of an aperture's box, less the background.
template <class Value> inline void read_row(
    const Field<Value> &f, const Box &box, int own, double background, i64 y, i64 x0, i64 x1, double *out) {
    const i64 first = y * f.at.nx + x0, n = x1 - x0;
    widen(f.data + first, n, f.at.ny * f.at.nx - first, background, out);
    if (any_special(f, own, first, n)) correct_row(f, box, own, background, y, x0, n, out);
}

// Four sums that a core does at the same time. (Of an array of four GCC makes single sums.)
#if defined(__GNUC__)
typedef double Four __attribute__((vector_size(32)));
inline void add_four(Four &sums, const double *at) {
    Four four;
    std::memcpy(&four, at, sizeof four);
    sums += four;
}
#else
struct Four {
    double of[4];
    double &operator[](int k) { return of[k]; }
    double operator[](int k) const { return of[k]; }
};
inline void add_four(Four &sums, const double *at) {
    for (int k = 0; k < 4; ++k) sums.of[k] += at[k];
}
#endif

struct Two {
    double first, second;
};

inline double sum_of(const Four &four) { return (four[0] + four[1]) + (four[2] + four[3]); }

// Adds up n values, a multiple of four.
inline double add_up(const double *values, i64 n) {
    Four a = {};
    for (i64 k = 0; k < n; k += 4) add_four(a, values + k);
    return sum_of(a);
}

// Adds up n values and n others, each as four sums.
inline Two add_up(const double *values, const double *others, i64 n) {
    Four a = {}, b = {};
    const i64 whole = n - n % 4;
    for (i64 k = 0; k < whole; k += 4) add_four(a, values + k), add_four(b, others + k);
    for (i64 k = whole; k < n; ++k) a[0] += values[k], b[0] += others[k];
    return {sum_of(a), sum_of(b)};
}

}  // namespace apertures
