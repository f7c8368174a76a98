// Outlines of sources. Pixels of the rows above and below are met by walking two places along with a pixel's
// own.

#include "skyshed/kernels/isophotal/perimeter.h"

#include "skyshed/kernels/cpu.h"

namespace isophotal {
namespace {

// Calls visit(j, above, below, x) for the n pixels of a source; above and below are the first places whose
// pixels are not before those `back` pixels left of the ones above and below. Returns false if it was stopped.
template <class Visit>
bool walk(const i64 *pixel, i64 n, i64 nx, i64 back, const int *stop, Visit visit) {
    i64 above = 0, below = 0, row = 0, row_end = 0;
    for (i64 j = 0; j < n; ++j) {
        const i64 p = pixel[j];
        if (p >= row_end) {
            if (stopped(stop)) return false;
            row = p / nx, row_end = (row + 1) * nx;
        }
        while (pixel[above] < p - nx - back) ++above;
        while (below < n && pixel[below] < p + nx - back) ++below;
        visit(j, above, below, p - row * nx);
    }
    return true;
}

// Of sources order[k0:k1].
i64 perimeter(
    const i64 *pixel, const i64 *start, const i64 *order, i64 nx, const bool *mask, double *out,
    const int *stop, i64 k0, i64 k1) {
    i64 most = 0;
    for (i64 k = k0; k < k1; ++k) most = max(most, start[order[k] + 1] - start[order[k]]);
    Scratch<bool> border(most);
    if (!border) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k], n = start[i + 1] - start[i], *own = pixel + start[i];
        Outline outline = {};
        const bool first = walk(own, n, nx, 0, stop, [&](i64 j, i64 above, i64 below, i64 x) {
            const bool counts = unmasked(mask, own[j]);
            outline.pixels += counts;
            border[j] = counts && !enclosed(own, 0, n, j, above, below, nx, x, mask);
        });
        if (!first) return STOPPED;
        const bool second = walk(own, n, nx, 1, stop, [&](i64 j, i64 above, i64 below, i64 x) {
            if (border[j]) outline.add(pattern_of(own, 0, n, j, above, below, nx, x, border.begin()));
        });
        if (!second) return STOPPED;
        out[i] = outline.length();
    }
    return 0;
}

SKYSHED_KERNEL("isophotal.perimeter", perimeter);

}  // namespace
}  // namespace isophotal
