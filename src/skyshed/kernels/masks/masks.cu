// Growing masks by ranks: a bit per pixel and a count of the True pixels before each word of 32 say
// in two looks whether an interval of a row holds a True pixel, however long the interval is.

#include "skyshed/kernels/masks/masks.h"

// One warp per word.
extern "C" __global__ void pack(
    const bool *mask, i64 ny, i64 nx, unsigned *bits, i64 *count) {
    const i64 words = (nx + 31) / 32;
    for (i64 w = global_warp(); w < ny * words; w += global_warps()) {
        const i64 y = w / words, x = (w - y * words) * 32 + lane_of_thread();
        const unsigned set = __ballot_sync(ALL_LANES, x < nx && mask[y * nx + x]);
        if (lane_of_thread() == 0) bits[w] = set, count[w] = __popc(set);
    }
}

// How many True pixels come before pixel x of a row, 0 <= x <= nx. The lanes of a warp ask for pixels
// at most 31 apart, which lie in the word of the least one and the next: two lanes read those.
__device__ inline i64 true_before(
    i64 row, i64 words, i64 x, i64 least, const unsigned *bits, const i64 *offset) {
    const i64 word = max(least, 0LL) / 32;
    const i64 mine = min(word + (lane_of_thread() & 1), words);
    i64 count = 0;
    unsigned set = 0;
    if (lane_of_thread() < 2) {
        count = offset[row * words + mine];
        if (mine < words) set = bits[row * words + mine];  // the end of the row may have no word
    }
    const int from = int(x / 32 - word);
    count = __shfl_sync(ALL_LANES, count, from);
    set = __shfl_sync(ALL_LANES, set, from);
    return count + __popc(set & ((1u << (x % 32)) - 1));
}

// One warp per word of the result. parts lists rows, then first pixels, then last pixels.
extern "C" __global__ void grow(
    const unsigned *bits, const i64 *offset, i64 ny, i64 nx, const i64 *parts, i64 n_parts,
    bool *out) {
    const i64 words = (nx + 31) / 32;
    for (i64 w = global_warp(); w < ny * words; w += global_warps()) {
        const i64 y = w / words, x0 = (w - y * words) * 32, x = x0 + lane_of_thread();
        bool covered = x >= nx;
        for (i64 part = 0; part < n_parts; ++part) {
            const i64 mine = lane_of_thread() < 3 ? parts[lane_of_thread() * n_parts + part] : 0;
            const masks::Part grown = {
                __shfl_sync(ALL_LANES, mine, 0), __shfl_sync(ALL_LANES, mine, 1),
                __shfl_sync(ALL_LANES, mine, 2)};
            const i64 row = masks::source_row(y, grown);
            const i64 reach = masks::source_first(x0, grown), stop = masks::source_last(x0, grown) + 1;
            if (row < 0 || row >= ny || stop + 31 <= 0 || reach >= nx) continue;
            // Pixels from..to-1, within the row.
            const i64 from = min(max(reach + lane_of_thread(), 0LL), nx);
            const i64 to = min(max(stop + lane_of_thread(), 0LL), nx);
            const i64 before = true_before(row, words, from, min(reach, nx), bits, offset);
            if (true_before(row, words, to, min(stop, nx), bits, offset) > before) covered = true;
            if (__all_sync(ALL_LANES, covered)) break;
        }
        if (x < nx) out[y * nx + x] = covered;
    }
}
