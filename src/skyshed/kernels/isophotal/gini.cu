// Gini coefficients: the absolute values of each source in ascending order, weighted by their ranks.

#include "skyshed/kernels/isophotal/isophotal.h"

// What a masked pixel has for a key: beyond all numbers.
#define MASKED 0xffffffffffffffffULL

// Keys of all pixels that sort like their absolute values (bits of numbers >= 0 do), and beside them
// their sources. A warp per chunk.
extern "C" __global__ void gini_keys(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const REAL *image,
    const bool *mask, u64 *key, u64 *source) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            const double value = fabs((double)image[p]);
            key[j] = mask && mask[p] ? MASKED : (u64)__double_as_longlong(value);
            source[j] = (u64)chunk.source;
        }
    }
}

// How many of the sorted keys begin..end-1 are of unmasked pixels.
__device__ inline i64 unmasked_of(const u64 *key, i64 begin, i64 end) {
    i64 low = begin;
    while (low < end) {
        const i64 middle = (low + end) / 2;
        if (key[middle] == MASKED) end = middle; else low = middle + 1;
    }
    return low - begin;
}

// The sum of each chunk's values, and the sum weighted by 2 rank + 1 - n, rank counted from 0.
extern "C" __global__ void gini_chunks(
    const u64 *key, const i64 *start, const i64 *first_chunk, i64 n, double *sum,
    double *weighted) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 first = start[chunk.source];
        const i64 unmasked = unmasked_of(key, first, start[chunk.source + 1]);
        double mine = 0.0, mine_weighted = 0.0;
        for (i64 j = chunk.begin + lane_of_thread(); j < min(chunk.end, first + unmasked); j += 32) {
            const double value = __longlong_as_double((i64)key[j]);
            mine += value;
            mine_weighted += isophotal::rank_weight(j - first, unmasked) * value;
        }
        mine = warp_sum(mine);
        mine_weighted = warp_sum(mine_weighted);
        if (lane_of_thread() == 0) sum[c] = mine, weighted[c] = mine_weighted;
    }
}

// One thread per source adds its chunks up, in their order.
extern "C" __global__ void gini_sources(
    const u64 *key, const i64 *start, const i64 *first_chunk, i64 n, const double *sum,
    const double *weighted, double *out) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const i64 unmasked = unmasked_of(key, start[i], start[i + 1]);
        double all = 0.0, all_weighted = 0.0;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
            all += sum[c], all_weighted += weighted[c];
        out[i] = isophotal::gini_of(all_weighted, all, unmasked);
    }
}
