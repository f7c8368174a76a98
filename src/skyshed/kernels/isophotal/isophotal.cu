// Reductions over the pixels of each source.
//
// A source's pixels are cut into chunks of CHUNK, counted from its first pixel. A warp reduces a
// chunk by a fixed tree; a second kernel combines a source's chunks in their order. So a giant source
// keeps the whole GPU busy, and the bits depend on the source alone.

#include "skyshed/kernels/isophotal/isophotal.h"

using namespace isophotal;

extern "C" __global__ void summarize_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const REAL *image,
    const bool *mask, i64 *count, double *sum, double *low, double *high, i64 *low_at,
    i64 *high_at) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        Summary mine = nothing();
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            if (mask && mask[p]) continue;
            const double value = image[p];
            mine.count++;
            mine.sum += value;
            take_low(mine, value, p);
            take_high(mine, value, p);
        }
        for (int step = 16; step; step >>= 1) {
            mine.count += __shfl_down_sync(ALL_LANES, mine.count, step);
            mine.sum += __shfl_down_sync(ALL_LANES, mine.sum, step);
            const double other_low = __shfl_down_sync(ALL_LANES, mine.low, step);
            const i64 other_low_at = __shfl_down_sync(ALL_LANES, mine.low_at, step);
            const double other_high = __shfl_down_sync(ALL_LANES, mine.high, step);
            const i64 other_high_at = __shfl_down_sync(ALL_LANES, mine.high_at, step);
            take_low(mine, other_low, other_low_at);
            take_high(mine, other_high, other_high_at);
        }
        if (lane_of_thread() == 0) {
            count[c] = mine.count;
            sum[c] = mine.sum;
            low[c] = mine.low;
            high[c] = mine.high;
            low_at[c] = mine.low_at;
            high_at[c] = mine.high_at;
        }
    }
}

// One thread per source adds its chunks up, in their order.
extern "C" __global__ void summarize_sources(
    const i64 *first_chunk, i64 n, const i64 *count, const double *sum, const double *low,
    const double *high, const i64 *low_at, const i64 *high_at, i64 *out_count, double *out_sum,
    double *out_low, double *out_high, i64 *out_low_at, i64 *out_high_at) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        Summary all = nothing();
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c) {
            all.count += count[c];
            all.sum += sum[c];
            take_low(all, low[c], low_at[c]);
            take_high(all, high[c], high_at[c]);
        }
        out_count[i] = all.count;
        out_sum[i] = of_any(all.count, all.sum);
        out_low[i] = of_any(all.count, all.low);
        out_high[i] = of_any(all.count, all.high);
        out_low_at[i] = all.low_at;
        out_high_at[i] = all.high_at;
    }
}

// Sums of the pixels, or of their squares; beside them the number of pixels, and whether all are
// finite.
extern "C" __global__ void total_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const REAL *image,
    const bool *mask, bool squared, i64 *count, double *sum, bool *finite) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        i64 mine = 0;
        double partial = 0.0;
        bool all = true;
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            const double value = image[p];
            all = all && isfinite(value);
            if (mask && mask[p]) continue;
            mine++;
            partial += squared ? value * value : value;
        }
        mine = warp_sum(mine);
        partial = warp_sum(partial);
        all = __all_sync(ALL_LANES, all);
        if (lane_of_thread() == 0) count[c] = mine, sum[c] = partial, finite[c] = all;
    }
}

extern "C" __global__ void total_sources(
    const i64 *first_chunk, i64 n, const i64 *count, const double *sum, const bool *finite,
    double *out, bool *out_finite) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        i64 pixels = 0;
        double all = 0.0;
        bool each = true;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
            pixels += count[c], all += sum[c], each = each && finite[c];
        out[i] = of_any(pixels, all);
        out_finite[i] = each;
    }
}
