// The nearest labels: a sweep down and one up for all columns, then steps aside for many pixels of a row
// at a time.

#include "skyshed/kernels/nearest/nearest.h"

#include "skyshed/kernels/cpu.h"

namespace nearest {
namespace {

// Labels of columns, and how far away they are.
struct Seen {
    int *label, *away;
};

// Goes on to the next row, of n columns: there is a label here, or what was seen is a pixel farther.
void step(const int *labels, i64 n, int beyond, Seen seen) {
    SKYSHED_INDEPENDENT
    for (i64 x = 0; x < n; ++x) {
        seen.label[x] = labels[x] ? labels[x] : seen.label[x];
        seen.away[x] = labels[x] ? 0 : min(seen.away[x] + 1, beyond);
    }
}

// Looks along the columns from x0 to x1.
i64 columns(const int *labels, i64 nx, i64 ny, i64 n_rows, i64 reach, u64 *out, i64 x0, i64 x1) {
    const i64 n = x1 - x0;
    const int beyond = int(reach) + 1;
    const u64 none = nothing(reach);
    Scratch<int> room(2 * n);
    if (!room) return NO_MEMORY;
    const Seen seen = {room.begin(), room.begin() + n};
    // A label beyond the reach is no nearer than nothing is, whose label is less.
    const auto start = [&] {
        std::fill(seen.label, seen.label + n, 0);
        std::fill(seen.away, seen.away + n, beyond);
    };
    const auto look = [&](i64 y, bool again) {
        step(labels + y * nx + x0, n, beyond, seen);
        u64 *row = out + y * nx + x0;
        SKYSHED_INDEPENDENT
        for (i64 x = 0; x < n; ++x) {
            const u64 here = found(seen.label[x], i64(seen.away[x]) * seen.away[x]);
            row[x] = min(again ? row[x] : none, here);
        }
    };
    for (i64 y = 0; y < ny; ++y) {
        if (y % n_rows == 0) start();
        look(y, false);
    }
    for (i64 y = ny; y-- > 0;) {
        if (y == ny - 1 || (y + 1) % n_rows == 0) start();
        look(y, true);
    }
    return 0;
}

SKYSHED_KERNEL("nearest.columns", columns);

constexpr i64 BLOCK = 1024;  // pixels at a time: they stay in the nearest cache

// Takes what n pixels that are d pixels aside found, where it is nearer.
void take(const u64 *aside, i64 d, u64 *best, i64 n) {
    SKYSHED_INDEPENDENT
    for (i64 x = 0; x < n; ++x) best[x] = min(best[x], from_aside(aside[x], d));
}

u64 farthest(const u64 *best, i64 n) {
    u64 most = 0;
    for (i64 x = 0; x < n; ++x) most = max(most, best[x]);
    return most;
}

// Looks along rows y0 to y1.
i64 rows(
    const u64 *of_columns, i64 nx, i64 reach, int *label, int *squared, const int *stop, i64 y0, i64 y1) {
    u64 best[BLOCK];
    for (i64 y = y0; y < y1; ++y) {
        const u64 *row = of_columns + y * nx;
        for (i64 x0 = 0; x0 < nx; x0 += BLOCK) {
            if (stopped(stop)) return STOPPED;
            const i64 x1 = min(x0 + BLOCK, nx);
            std::copy(row + x0, row + x1, best);
            for (i64 d = 1; d <= reach && d * d <= squared_of(farthest(best, x1 - x0)); ++d) {
                const i64 left = max(x0, d), right = min(x1, nx - d);
                if (left < x1) take(row + left - d, d, best + left - x0, x1 - left);
                if (x0 < right) take(row + x0 + d, d, best, right - x0);
            }
            for (i64 x = x0; x < x1; ++x) {
                label[y * nx + x] = label_of(best[x - x0]);
                squared[y * nx + x] = int(squared_of(best[x - x0]));
            }
        }
    }
    return 0;
}

SKYSHED_KERNEL("nearest.rows", rows);

}  // namespace
}  // namespace nearest
