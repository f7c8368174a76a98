// What asymmetry means: what is opposite to a pixel, what a pair adds, and where the centre is looked for.
//
// Opposite to a pixel lies, as a rule, no pixel. So both are read between pixels, at the same place within them,
// where an interpolation smooths both alike: turning a symmetric source round its centre leaves nothing.
#pragma once
#include "skyshed/kernels/both.h"

namespace isophotal {

// The mean of |a - b| of Gaussian deviates, over the root of the sum of their variances: sqrt(2 / pi).
constexpr double MEAN_DEVIATION = 0.7978845608028654;
// Centres are counted in this part of a pixel, moved by half a pixel first, and by no more than so many pixels.
constexpr i64 PARTS = 16, FIRST_MOVE = 8, FARTHEST = 8 * PARTS;

// The images, and whose each pixel is; `error` and `mask` may be null.
template <class Value> struct Zones {
    const Value *image, *error;
    const bool *mask;
    const int *owner, *squared;
    i64 nx, n_rows;
};

// A source: its number, how far its pixels are from its segment at most, squared, and its level.
struct Zone {
    int owner;
    i64 farthest;
    double level;
};

// A place, in parts of a pixel.
struct Point {
    i64 y, x;
};

// Along an axis: opposite to pixel p is pixel sum - p, where both are read `share` of a pixel further.
struct Turned {
    i64 sum;
    double share;
};

SKYSHED_BOTH Turned turned_about(i64 centre) {
    const i64 twice = 2 * centre + PARTS / 2;
    const i64 sum = (twice >= 0 ? twice : twice - PARTS + 1) / PARTS;
    return {sum, 0.5 * double(2 * centre - sum * PARTS) / double(PARTS)};
}

struct Sample {
    double value, variance;
};

// Reads the image between pixels, (y, x) and those next to it; says whether all are usable: in the image that
// begins at row `first`, unmasked, and the source's or nobody's.
template <class Value> SKYSHED_BOTH bool read_between(
    const Zones<Value> &in, const Zone &of, i64 first, i64 y, i64 x, double up, double right, Sample &out) {
    out = {0.0, 0.0};
    for (int k = 0; k < 4; ++k) {
        const double tall = up < 0 ? -up : up, wide = right < 0 ? -right : right;
        const double weight = (k & 2 ? tall : 1.0 - tall) * (k & 1 ? wide : 1.0 - wide);
        if (weight == 0.0) continue;
        const i64 row = y + (k & 2 ? (up < 0 ? -1 : 1) : 0), column = x + (k & 1 ? (right < 0 ? -1 : 1) : 0);
        if (row < first || row >= first + in.n_rows || column < 0 || column >= in.nx) return false;
        const i64 p = row * in.nx + column;
        if ((in.owner[p] && in.owner[p] != of.owner) || (in.mask && in.mask[p])) return false;
        out.value += weight * (double(in.image[p]) - of.level);
        if (!in.error) continue;
        const double sigma = weight * double(in.error[p]);
        out.variance += sigma * sigma;
    }
    return true;
}

struct Pairs {
    double difference, light, noise;
};

// Adds pixel p of a source and what is opposite to it, where both are usable.
template <class Value> SKYSHED_BOTH void take_pair(
    const Zones<Value> &in, const Zone &of, const Turned &rows, const Turned &columns, i64 p, Pairs &sums) {
    if (i64(in.squared[p]) > of.farthest) return;
    const i64 y = p / in.nx, x = p - y * in.nx, first = y / in.n_rows * in.n_rows;
    const i64 other_y = rows.sum - y, other_x = columns.sum - x;
    Sample one, other;
    if (!read_between(in, of, first, y, x, rows.share, columns.share, one)) return;
    if (!read_between(in, of, first, other_y, other_x, rows.share, columns.share, other)) return;
    sums.light += one.value < 0 ? -one.value : one.value;
    if (other_y == y && other_x == x) return;
    const double difference = one.value - other.value;
    sums.difference += difference < 0 ? -difference : difference;
    sums.noise += MEAN_DEVIATION * sqrt(one.variance + other.variance);
}

// What is made as small as can be; without light there is nothing to compare with.
SKYSHED_BOTH double ratio_of(const Pairs &sums) {
    return sums.light > 0 ? sums.difference / sums.light : INF_VALUE;
}

SKYSHED_BOTH bool far_from(const Point &begin, i64 y, i64 x) {
    const i64 up = y - begin.y, right = x - begin.x;
    return up < -FARTHEST || up > FARTHEST || right < -FARTHEST || right > FARTHEST;
}

// Looks for the centre: goes to the least of the eight around as long as that is less, then by half as much.
// `at(rows, columns)` returns the sums.
template <class At> SKYSHED_BOTH double asymmetry_about(const Point &begin, At at) {
    Point centre = begin;
    Pairs best = at(turned_about(centre.y), turned_about(centre.x));
    for (i64 move = FIRST_MOVE; move; move /= 2) {
        for (bool moved = true; moved;) {
            moved = false;
            const Point from = centre;
            for (int k = 0; k < 9; ++k) {
                const i64 y = from.y + move * (k / 3 - 1), x = from.x + move * (k % 3 - 1);
                if (k == 4 || far_from(begin, y, x)) continue;
                const Pairs sums = at(turned_about(y), turned_about(x));
                if (!(ratio_of(sums) < ratio_of(best))) continue;
                best = sums, centre = {y, x}, moved = true;
            }
        }
    }
    return best.light > 0 ? (best.difference - best.noise) / best.light : NAN_VALUE;
}

}  // namespace isophotal
