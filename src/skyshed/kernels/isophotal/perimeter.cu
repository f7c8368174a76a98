// Outlines of sources: the neighbours of a pixel are found by bisection.

#include "skyshed/kernels/isophotal/perimeter.h"

using namespace isophotal;

// What is counted of a chunk.
#define COUNTS (1 + PATTERNS)

// The first place in [low, high) whose pixel is not before p; high if there is none.
__device__ inline i64 place_of(const i64 *pixel, i64 low, i64 high, i64 p) {
    while (low < high) {
        const i64 middle = (low + high) / 2;
        if (pixel[middle] < p) low = middle + 1; else high = middle;
    }
    return low;
}

// The places among begin..end-1 of the first pixel not before `to`, which is at most a row and a
// pixel from the pixel at place j: so no more places lie between.
__device__ inline i64 place_above(const i64 *pixel, i64 begin, i64 j, i64 nx, i64 to) {
    return place_of(pixel, max(begin, j - nx - 1), j, to);
}

__device__ inline i64 place_below(const i64 *pixel, i64 j, i64 end, i64 nx, i64 to) {
    return place_of(pixel, j, min(end, j + nx + 1), to);
}

// Marks the unmasked pixels that miss an unmasked neighbour across an edge. A warp per chunk.
extern "C" __global__ void mark_border(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, i64 nx, const bool *mask,
    bool *border) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 begin = start[chunk.source], end = start[chunk.source + 1];
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j], x = p % nx;
            const i64 above = place_above(pixel, begin, j, nx, p - nx);
            const i64 below = place_below(pixel, j, end, nx, p + nx);
            border[j] = unmasked(mask, p) &&
                        !enclosed(pixel, begin, end, j, above, below, nx, x, mask);
        }
    }
}

// Counts what makes the outline, for each chunk.
extern "C" __global__ void outline_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, i64 nx, const bool *mask,
    const bool *border, i64 *partial) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 begin = start[chunk.source], end = start[chunk.source + 1];
        Outline mine = {};
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            mine.pixels += unmasked(mask, p);
            if (!border[j]) continue;
            const i64 above = place_above(pixel, begin, j, nx, p - nx - 1);
            const i64 below = place_below(pixel, j, end, nx, p + nx - 1);
            mine.add(pattern_of(pixel, begin, end, j, above, below, nx, p % nx, border));
        }
        mine.pixels = warp_sum(mine.pixels);
#pragma unroll
        for (int k = 0; k < PATTERNS; ++k) mine.of[k] = warp_sum(mine.of[k]);
        if (lane_of_thread() == 0) {
            partial[COUNTS * c] = mine.pixels;
#pragma unroll
            for (int k = 0; k < PATTERNS; ++k) partial[COUNTS * c + 1 + k] = mine.of[k];
        }
    }
}

extern "C" __global__ void outline_sources(
    const i64 *first_chunk, i64 n, const i64 *partial, double *out) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        Outline all = {};
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c) {
            all.pixels += partial[COUNTS * c];
#pragma unroll
            for (int k = 0; k < PATTERNS; ++k) all.of[k] += partial[COUNTS * c + 1 + k];
        }
        out[i] = all.length();
    }
}
