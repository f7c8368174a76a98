// Spline expansion of a mesh: along x once, into a strip of one line per row of the mesh; each row of the
// image is then a weighted sum of a few lines of the strip.

#include "skyshed/kernels/zoom/zoom.h"

#include <algorithm>
#include <cstring>

#include "skyshed/kernels/cpu.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace zoom {
namespace {

// Columns done for all rows of a range, so that the lines stay in the first cache.
constexpr i64 COLUMNS = 256;
// How many runs ahead pixels are asked for; and how many rows ahead those of a part of a row, each of which is a
// new stream, which a CPU notices late.
constexpr i64 AHEAD = 6, ROWS_AHEAD = 2;

// Expands rows y0 to y1 of the mesh along x; index and weight have k elements for each of nx columns.
i64 expand_lines(
    const double *coefficients, i64 mx, const i64 *index, const double *weight, i64 k, i64 nx,
    double *strip, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        const double *mesh = coefficients + y * mx;
        for (i64 x = 0; x < nx; ++x) {
            const i64 *at = index + x * k;
            const double *of = weight + x * k;
            strip[y * nx + x] = combined(
                int(k), [=](int i) { return of[i]; }, [=](int i) { return mesh[at[i]]; });
        }
    }
    return 0;
}

SKYSHED_KERNEL("zoom.expand_lines", expand_lines);

template <class Value> struct Lines {
    const double *strip;
    const i64 *index;
    const double *weight;
    i64 k, nx;
    double low, high;

    // Combines columns from the first on, as many as vectors hold; returns how many.
    template <int K, class Any> i64 combine_vectors(const double **, const double *, i64, Any *) const {
        return 0;
    }

#if defined(__AVX512F__)
    // Compilers put two vectors of float32 together before they are stored, and that takes 10 % longer.
    template <int K>
    i64 combine_vectors(const double **line, const double *share, i64 n, float *row) const {
        constexpr int SIZE = 8;
        constexpr __mmask8 ALL = __mmask8(-1);  // functions without a mask make GCC warn
        const __m512d least = _mm512_set1_pd(low), most = _mm512_set1_pd(high);
        const i64 whole = n / SIZE * SIZE;
        for (i64 x = 0; x < whole; x += SIZE) {
            __m512d total = _mm512_setzero_pd();
            for (int i = 0; i < K; ++i) {
                const __m512d term = _mm512_mul_pd(_mm512_set1_pd(share[i]), _mm512_loadu_pd(line[i] + x));
                total = _mm512_add_pd(total, term);
            }
            // As `within`: of NaN and a limit, both instructions take their second argument.
            total = _mm512_maskz_min_pd(ALL, most, _mm512_maskz_max_pd(ALL, least, total));
            _mm256_storeu_ps(row + x, _mm512_maskz_cvtpd_ps(ALL, total));
        }
        return whole;
    }
#endif

    // Columns x0 to x0 + n of row y, of K terms; K is known where a loop is to be vectorised.
    template <int K> void combine(i64 y, i64 x0, i64 n, Value *__restrict row) const {
        const double *line[K];
        double share[K];
        for (int i = 0; i < K; ++i) {
            line[i] = strip + index[y * K + i] * nx + x0;
            share[i] = weight[y * K + i];
        }
        const double least = low, most = high;
        for (i64 x = combine_vectors<K>(line, share, n, row); x < n; ++x) {
            const double total = combined(
                K, [&](int i) { return share[i]; }, [&](int i) { return line[i][x]; });
            row[x] = Value(within(total, least, most));
        }
    }

    // The same of any number of terms.
    void combine_any(i64 y, i64 x0, i64 n, Value *row) const {
        for (i64 x = 0; x < n; ++x) {
            const double total = combined(
                int(k), [&](int i) { return weight[y * k + i]; },
                [&](int i) { return strip[index[y * k + i] * nx + x0 + x]; });
            row[x] = Value(within(total, low, high));
        }
    }

    // Columns x0 to x0 + n of row y of the image.
    void combine_row(i64 y, i64 x0, i64 n, Value *row) const {
        switch (k) {  // of splines of degree k - 1, up to 5
            case 1: return combine<1>(y, x0, n, row);
            case 2: return combine<2>(y, x0, n, row);
            case 3: return combine<3>(y, x0, n, row);
            case 4: return combine<4>(y, x0, n, row);
            case 5: return combine<5>(y, x0, n, row);
            case 6: return combine<6>(y, x0, n, row);
            default: return combine_any(y, x0, n, row);
        }
    }
};

// Rows y0 to y1 of the image; index and weight have k elements for each row.
template <class Value>
i64 combine_lines(
    const double *strip, const i64 *index, const double *weight, i64 k, i64 nx, double low, double high,
    Value *out, i64 y0, i64 y1) {
    const Lines<Value> lines = {strip, index, weight, k, nx, low, high};
    for (i64 x0 = 0; x0 < nx; x0 += COLUMNS)
        for (i64 y = y0; y < y1; ++y) lines.combine_row(y, x0, min(COLUMNS, nx - x0), out + y * nx + x0);
    return 0;
}

SKYSHED_KERNEL("zoom.combine_lines", combine_lines<float>);
SKYSHED_KERNEL("zoom.combine_lines", combine_lines<double>);

// Whether any of n values is not finite: less itself it is NaN.
template <class Value> bool any_not_finite(const Value *values, i64 n) {
    int any = 0;
    for (i64 x = 0; x < n; ++x) any |= int(!(values[x] - values[x] == Value(0)));
    return any;
}

// Rows y0 to y1 of an image without its background, over its noise if that has a strip, squared or not, and 0
// where masked: the total of images, or added to it. `mask` and `noises` may be null; so may `lost`, which
// counts the images that are masked or not finite, the latter then taken for masked.
template <class Value>
i64 add_without(
    const Value *data, const bool *mask, const i64 *index, const double *weight, i64 k, i64 nx,
    const double *levels, double level_low, double level_high, const double *noises, double noise_low,
    double noise_high, i64 squared, i64 first, Value *totals, unsigned char *lost, i64 y0, i64 y1) {
    const Lines<Value> level = {levels, index, weight, k, nx, level_low, level_high};
    const Lines<Value> noise = {noises, index, weight, k, nx, noise_low, noise_high};
    Value term[COLUMNS], over[COLUMNS];
    for (i64 x0 = 0; x0 < nx; x0 += COLUMNS) {
        const i64 n = min(COLUMNS, nx - x0);
        for (i64 y = y0; y < y1; ++y) {
            const Value *values = data + y * nx + x0;
            Value *total = totals + y * nx + x0;
            if (y + ROWS_AHEAD < y1)
                for (i64 x = 0; x < n; x += 64 / i64(sizeof(Value)))
                    prefetch(values + ROWS_AHEAD * nx + x), prefetch(total + ROWS_AHEAD * nx + x);
            level.combine_row(y, x0, n, term);
            for (i64 x = 0; x < n; ++x) term[x] = values[x] - term[x];
            if (noises) {
                noise.combine_row(y, x0, n, over);
                for (i64 x = 0; x < n; ++x) term[x] /= over[x];
            }
            const bool *left_out = mask ? mask + y * nx + x0 : nullptr;
            const bool any = left_out && std::memchr(left_out, true, size_t(n));  // which few pixels are
            if (any)
                for (i64 x = 0; x < n; ++x) term[x] = left_out[x] ? Value(0) : term[x];
            if (lost && (any || any_not_finite(values, n))) {
                unsigned char *of_row = lost + y * nx + x0;
                for (i64 x = 0; x < n; ++x) {
                    const bool out = !isfinite(values[x]) || (any && left_out[x]);
                    term[x] = out ? Value(0) : term[x];
                    of_row[x] += out;
                }
            }
            if (squared)
                for (i64 x = 0; x < n; ++x) term[x] *= term[x];
            if (first) std::copy(term, term + n, total);
            else
                for (i64 x = 0; x < n; ++x) total[x] += term[x];
        }
    }
    return 0;
}

SKYSHED_KERNEL("zoom.add_without", add_without<float>);
SKYSHED_KERNEL("zoom.add_without", add_without<double>);

// Writes runs r0 to r1 of an image without its background, and its noise: `runs` has the first pixel of each,
// and the one after the last. `finite` says of each run whether all pixels are that are not masked. `marked`,
// which may be null, gets which pixels of the image are masked or not finite, the latter then taken for masked.
template <class Value>
i64 subtract_in_runs(
    const Value *data, const bool *mask, const i64 *runs, const i64 *index, const double *weight, i64 k, i64 nx,
    const double *levels, double level_low, double level_high, const double *noises, double noise_low,
    double noise_high, Value *differences, Value *spreads, bool *finite, bool *marked, i64 r0, i64 r1) {
    const Lines<Value> level = {levels, index, weight, k, nx, level_low, level_high};
    const Lines<Value> noise = {noises, index, weight, k, nx, noise_low, noise_high};
    for (i64 r = r0; r < r1; ++r) {
        // Short runs are no stream that a CPU would read ahead of.
        if (r + AHEAD < r1)
            for (i64 p = runs[2 * (r + AHEAD)]; p < runs[2 * (r + AHEAD) + 1]; p += 64 / i64(sizeof(Value)))
                prefetch<3>(data + p), prefetch<3>(differences + p), prefetch<3>(spreads + p);
        const i64 first = runs[2 * r], n = runs[2 * r + 1] - first, y = first / nx, x0 = first - y * nx;
        const Value *values = data + first;
        Value *difference = differences + first;
        level.combine_row(y, x0, n, difference);
        noise.combine_row(y, x0, n, spreads + first);
        for (i64 x = 0; x < n; ++x) difference[x] = values[x] - difference[x];
        const bool any = any_not_finite(difference, n);
        finite[r] = true;
        if (!any && !marked) continue;
        for (i64 x = 0; x < n; ++x) {
            const bool out = (mask && mask[first + x]) || (any && marked && !isfinite(values[x]));
            if (any) finite[r] &= out || isfinite(difference[x]);
            if (marked) marked[first + x] = out;
        }
    }
    return 0;
}

SKYSHED_KERNEL("zoom.subtract_in_runs", subtract_in_runs<float>);
SKYSHED_KERNEL("zoom.subtract_in_runs", subtract_in_runs<double>);

}  // namespace
}  // namespace zoom
