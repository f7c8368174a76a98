// Reductions over the pixels of each source. They are added up row by row: the row sums, then their sum. That
// is a fixed order that does not depend on the image around the source, and loses fewer digits than one
// long sum.

#include "skyshed/kernels/isophotal/isophotal.h"

#include "skyshed/kernels/cpu.h"

namespace isophotal {
namespace {

// Pixels of the largest box that is asked for ahead.
constexpr i64 ROOM_AHEAD = 1 << 14;

// The sources, in compressed rows, and the image that they are in.
template <class Value> struct Sources {
    const i64 *pixel, *start, *order, *bbox;
    i64 nx;
    const Value *image;
    const bool *mask;
    const int *stop;

    // Asks for the memory of source order[k], and for the list of its pixels, where a cache has room.
    void prefetch_source(i64 k) const {
        const i64 *box = bbox + 4 * order[k];
        if ((box[1] - box[0]) * (box[3] - box[2]) > ROOM_AHEAD) return;
        for (i64 y = box[0]; y < box[1]; ++y) {
            const i64 first = y * nx + box[2], last = y * nx + box[3] - 1;
            for (i64 p = first; p < last + 15; p += 16) prefetch<2>(image + min(p, last));
            if (mask) prefetch<2>(mask + first), prefetch<2>(mask + last);
        }
        for (i64 j = start[order[k]]; j < start[order[k] + 1]; j += 8) prefetch<2>(pixel + j);
    }

    // Calls take(p, value) for the unmasked pixels of source i, pass(value) for the masked ones; returns the
    // sum of what take returns, or of some if it was stopped.
    template <class Take, class Pass> double add_up(i64 i, Take take, Pass pass) const {
        double sum = 0.0, of_row = 0.0;
        i64 row_end = bbox[4 * i] * nx + nx;
        for (i64 j = start[i]; j < start[i + 1]; ++j) {
            const i64 p = pixel[j];
            if (p >= row_end) {
                if (stopped(stop)) break;
                sum += of_row;
                of_row = 0.0;
                do row_end += nx; while (p >= row_end);
            }
            if (mask && mask[p]) {
                pass(double(image[p]));
                continue;
            }
            of_row += take(p, double(image[p]));
        }
        return sum + of_row;
    }
};

// Counts, sums and extremes of sources order[k0:k1].
template <class Value>
i64 summarize(
    const i64 *pixel, const i64 *start, const i64 *order, const i64 *bbox, i64 nx, const Value *image,
    const bool *mask, i64 *count, double *total, double *low, double *high, i64 *low_at, i64 *high_at,
    const int *stop, i64 k0, i64 k1) {
    const Sources<Value> sources = {pixel, start, order, bbox, nx, image, mask, stop};
    for (i64 k = k0; k < k1; ++k) {
        if (k + 1 < k1) sources.prefetch_source(k + 1);
        const i64 i = order[k];
        Summary s = nothing();
        s.sum = sources.add_up(i, [&](i64 p, double value) {
            ++s.count;
            take_low(s, value, p);
            take_high(s, value, p);
            return value;
        }, [](double) {});
        if (stopped(stop)) return STOPPED;
        count[i] = s.count;
        total[i] = of_any(s.count, s.sum);
        low[i] = of_any(s.count, s.low), high[i] = of_any(s.count, s.high);
        low_at[i] = s.low_at, high_at[i] = s.high_at;
    }
    return 0;
}

SKYSHED_KERNEL("isophotal.summarize", summarize<float>);
SKYSHED_KERNEL("isophotal.summarize", summarize<double>);

// Sums of the pixels of sources order[k0:k1], or of their squares.
template <class Value>
i64 total(
    const i64 *pixel, const i64 *start, const i64 *order, const i64 *bbox, i64 nx, const Value *image,
    const bool *mask, bool squared, double *out, bool *finite, const int *stop, i64 k0,
    i64 k1) {
    const Sources<Value> sources = {pixel, start, order, bbox, nx, image, mask, stop};
    for (i64 k = k0; k < k1; ++k) {
        if (k + 1 < k1) sources.prefetch_source(k + 1);
        i64 count = 0;
        // A product with 0 is 0, or no number where the value is not finite.
        double zero = 0.0;
        const double sum = sources.add_up(order[k], [&](i64, double value) {
            ++count;
            zero += 0.0 * value;
            return squared ? value * value : value;
        }, [&](double value) { zero += 0.0 * value; });
        if (stopped(stop)) return STOPPED;
        out[order[k]] = of_any(count, sum);
        finite[order[k]] = zero == 0.0;
    }
    return 0;
}

SKYSHED_KERNEL("isophotal.total", total<float>);
SKYSHED_KERNEL("isophotal.total", total<double>);

}  // namespace
}  // namespace isophotal
