// Outlines of sources (Benkrid et al. 2000). A pixel's neighbours are looked up in its source's own list of
// pixels, `pixel[begin:end]`, which is in raster order: so the image of labels is not needed, and cutouts of
// it neither. What is said of each pixel is in lists alike.
#pragma once
#include "skyshed/kernels/both.h"

namespace isophotal {

SKYSHED_BOTH bool unmasked(const bool *mask, i64 p) { return !(mask && mask[p]); }

// Whether pixel p, the j-th, has unmasked pixels of the source across its four edges, given the first
// places whose pixels are not before those above and below it.
SKYSHED_BOTH bool enclosed(
    const i64 *pixel, i64 begin, i64 end, i64 j, i64 above, i64 below, i64 nx, i64 x, const bool *mask) {
    const i64 p = pixel[j];
    return x > 0 && j > begin && pixel[j - 1] == p - 1 && unmasked(mask, p - 1) && x + 1 < nx &&
           j + 1 < end && pixel[j + 1] == p + 1 && unmasked(mask, p + 1) && pixel[above] == p - nx &&
           unmasked(mask, p - nx) && below < end && pixel[below] == p + nx && unmasked(mask, p + nx);
}

// What border pixels add to the pattern of one that they touch: across an edge, across a corner.
constexpr int EDGE = 2, CORNER = 10;

// What those of a neighbouring row add, from `place` on; p is the pixel of that row in the same column.
SKYSHED_BOTH int pattern_of_row(
    const i64 *pixel, i64 place, i64 end, i64 p, bool at_left, bool at_right, const bool *border) {
    int pattern = 0;
    for (; place < end && pixel[place] <= p + 1; ++place) {
        const i64 step = pixel[place] - p;
        if (border[place] && !(step < 0 && at_left) && !(step > 0 && at_right))
            pattern += step ? CORNER : EDGE;
    }
    return pattern;
}

// The pattern of the j-th pixel, a border pixel in column x, given the first places whose pixels are not
// before those across its upper and lower left corners.
SKYSHED_BOTH int pattern_of(
    const i64 *pixel, i64 begin, i64 end, i64 j, i64 above, i64 below, i64 nx, i64 x, const bool *border) {
    const i64 p = pixel[j];
    const bool at_left = x == 0, at_right = x + 1 == nx;
    int pattern = 1;
    if (!at_left && j > begin && pixel[j - 1] == p - 1 && border[j - 1]) pattern += EDGE;
    if (!at_right && j + 1 < end && pixel[j + 1] == p + 1 && border[j + 1]) pattern += EDGE;
    pattern += pattern_of_row(pixel, above, j, p - nx, at_left, at_right, border);
    return pattern + pattern_of_row(pixel, below, end, p + nx, at_left, at_right, border);
}

// The patterns that add to the outline: 1, the square root of 2, or the mean of both. Others, that the paper
// does not list, add nothing.
constexpr int PATTERNS = 10;

SKYSHED_BOTH int pattern_number(int k) {
    const int known[PATTERNS] = {5, 7, 13, 15, 17, 21, 23, 25, 27, 33};
    return known[k];
}

SKYSHED_BOTH double step_of(int pattern) {
    const double root = sqrt(2.0);
    return pattern == 21 || pattern == 33 ? root : pattern == 13 || pattern == 23 ? (1 + root) / 2 : 1.0;
}

// How many unmasked pixels there are, and how many border pixels with each of these patterns.
struct Outline {
    i64 pixels, of[PATTERNS];

    SKYSHED_BOTH void add(int pattern) {
        for (int k = 0; k < PATTERNS; ++k) of[k] += pattern == pattern_number(k);
    }
    SKYSHED_BOTH double length() const {
        if (!pixels) return NAN_VALUE;
        double sum = 0.0;
        for (int k = 0; k < PATTERNS; ++k) sum += double(of[k]) * step_of(pattern_number(k));
        return sum;
    }
};

}  // namespace isophotal
