// Runs from words of bits, for labelling and for masks.

#include "skyshed/kernels/segments/runs.hpp"

namespace runs {
namespace {

// Writes down the first and the last pixel, within their rows, of the runs of rows y0 to y1. The runs
// of row y are number row_start[y] to row_start[y + 1].
i64 record(
    const u64 *words, i64 nx, const i64 *row_start, int *first, int *last, i64 y0, i64 y1) {
    const i64 n_words = words_of(nx);
    for (i64 y = y0; y < y1; ++y) {
        if (row_start[y] == row_start[y + 1]) continue;
        i64 begun = row_start[y], ended = begun;
        bool before = false;
        for (i64 w = 0; w < n_words; ++w) {
            const u64 inside = words[y * n_words + w];
            // Where it changes: an end is the pixel before a change, so it may be in another word.
            u64 change = inside ^ (inside << 1 | u64(before));
            for (; change; change &= change - 1) {
                const int x = int(w * WORD) + lowest_bit(change);
                if (begun == ended) first[begun++] = x; else last[ended++] = x - 1;
            }
            before = inside >> (WORD - 1);
        }
        if (begun != ended) last[ended] = int(nx - 1);
    }
    return 0;
}

SKYSHED_KERNEL("segments.record_runs", record);

}  // namespace
}  // namespace runs
