// Growing masks by runs: an interval costs two additions, at its ends, and a running sum along the row
// says what is covered. So the cost does not depend on how wide the footprint is.

#include "skyshed/kernels/masks/masks.h"

#include "skyshed/kernels/segments/runs.hpp"

namespace masks {
namespace {

// Says which pixels of rows y0 to y1 are True, a bit for each, and how many runs they make.
i64 find(const bool *mask, i64 nx, u64 *words, i64 *count, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        u64 *word = words + y * runs::words_of(nx);
        bool before = false;
        count[y] = 0;
        for (i64 x = 0; x < nx; x += runs::WORD, ++word) {
            const bool *at = mask + y * nx + x;
            *word = runs::word_of(min(nx - x, runs::WORD), [=](int k) { return at[k]; });
            count[y] += runs::population(runs::starts(*word, before));
            before = *word >> (runs::WORD - 1);
        }
    }
    return 0;
}

SKYSHED_KERNEL("masks.find", find);

// Turns steps at the ends of intervals into what they cover, and into zeros.
void cover(int *change, i64 nx, bool *out) {
    constexpr i64 BLOCK = 16;
    int covered = 0;
    for (i64 x = 0; x < nx; x += BLOCK) {
        const i64 n = min(BLOCK, nx - x);
        int some = 0;
        for (i64 k = 0; k < n; ++k) some |= change[x + k];
        if (!some) {
            std::memset(out + x, covered > 0, size_t(n));
            continue;
        }
        for (i64 k = 0; k < n; ++k) {
            covered += change[x + k];
            change[x + k] = 0;
            out[x + k] = covered > 0;
        }
    }
    change[nx] = 0;
}

// Grows the runs of a mask by parts, which lists rows, then first pixels, then last pixels; writes rows
// y0 to y1.
i64 grow(
    const i64 *row_start, const int *first, const int *last, i64 ny, i64 nx, const i64 *parts,
    i64 n_parts, bool *out, i64 y0, i64 y1) {
    Scratch<int> change(nx + 1);
    if (!change) return NO_MEMORY;
    std::fill(change.begin(), change.begin() + nx + 1, 0);
    for (i64 y = y0; y < y1; ++y) {
        bool some = false;
        for (i64 i = 0; i < n_parts; ++i) {
            const Part part = {parts[i], parts[n_parts + i], parts[2 * n_parts + i]};
            const i64 row = source_row(y, part);
            if (row < 0 || row >= ny) continue;
            for (i64 run = row_start[row]; run < row_start[row + 1]; ++run) {
                const i64 low = grown_first(first[run], part), stop = grown_last(last[run], part) + 1;
                if (stop <= 0 || low >= nx) continue;
                ++change[max(low, i64(0))];
                --change[min(stop, nx)];
                some = true;
            }
        }
        if (some) cover(change.begin(), nx, out + y * nx);
        else std::memset(out + y * nx, 0, size_t(nx));
    }
    return 0;
}

SKYSHED_KERNEL("masks.grow", grow);

}  // namespace
}  // namespace masks
