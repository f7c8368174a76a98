// The values of every source, their range and peaks; and label images from sources and children.

#include "values.h"

using namespace deblending;

// Whether the source of pixels pixel[low:high] has pixel p.
__device__ inline bool has_pixel(const i64 *pixel, i64 low, i64 high, i64 p) {
    while (low < high) {
        const i64 middle = (low + high) / 2;
        if (pixel[middle] < p) low = middle + 1;
        else if (pixel[middle] > p) high = middle;
        else return true;
    }
    return false;
}

// Whether pixel p, at place j of its source's begin..end-1, has no brighter neighbour in the source.
__device__ inline bool is_peak(
    const REAL *data, const i64 *pixel, i64 begin, i64 end, i64 j, i64 p, REAL value, i64 ny,
    i64 nx, bool corners) {
    if (isnan(value)) return false;
    const i64 y = p / nx, x = p - y * nx;
    for (i64 dy = -1; dy <= 1; dy++) {
        for (i64 dx = -1; dx <= 1; dx++) {
            if ((dy == 0 && dx == 0) || (!corners && dy != 0 && dx != 0)) continue;
            if (y + dy < 0 || y + dy >= ny || x + dx < 0 || x + dx >= nx) continue;
            const i64 q = p + dy * nx + dx;
            if (!tops(data[q], value)) continue;
            // Between two places there are no more pixels of the source than of the image.
            const i64 low = q < p ? max(begin, j - (p - q)) : j + 1;
            const i64 high = q < p ? j : min(end, j + 1 + (q - p));
            if (has_pixel(pixel, low, high, q)) return false;
        }
    }
    return true;
}

// A warp per chunk. Extremes are integers, so that they are the same in any order; of the least the
// complement is kept, so that all begin as 0.
extern "C" __global__ void survey_chunks(
    const REAL *data, const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, i64 ny,
    i64 nx, bool corners, REAL *values, u64 *least, u64 *most, u64 *peaks) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 begin = start[chunk.source], end = start[chunk.source + 1];
        u64 low = ~0ULL, high = 0;
        int found = 0;
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            const REAL value = data[p];
            values[j] = value;
            if (!isnan(value)) {
                const u64 key = key_of((double)value);
                low = min(low, key), high = max(high, key);
            }
            if (found < 2) found += is_peak(data, pixel, begin, end, j, p, value, ny, nx, corners);
        }
        for (int step = 16; step; step >>= 1) {
            low = min(low, __shfl_down_sync(ALL_LANES, low, step));
            high = max(high, __shfl_down_sync(ALL_LANES, high, step));
            found += __shfl_down_sync(ALL_LANES, found, step);
        }
        if (lane_of_thread()) continue;
        atomicMax(least + chunk.source, ~low);
        atomicMax(most + chunk.source, high);
        if (found) atomicAdd(peaks + chunk.source, (u64)min(found, 2));
    }
}

extern "C" __global__ void survey_sources(
    const u64 *least, const u64 *most, const u64 *found, i64 n, REAL *smallest, REAL *largest,
    i64 *peaks) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const bool any = most[i] > 0;
        smallest[i] = (REAL)(any ? value_of(~least[i]) : INF_VALUE);
        largest[i] = (REAL)(any ? value_of(most[i]) : -INF_VALUE);
        peaks[i] = any && ~least[i] < most[i] ? (i64)min(found[i], (u64)2) : 0;
    }
}

// A warp per chunk.
extern "C" __global__ void paint_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const int *base,
    const i64 *child_start, const int *child, int *out) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const int label = base[chunk.source];
        const i64 at = child_start[chunk.source], shift = at - start[chunk.source];
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32)
            out[pixel[j]] = painted(label, at < 0 ? 0 : child[j + shift]);
    }
}
