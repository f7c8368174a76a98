// What the statistics of a box are, for both devices.
//
// A twin holds the good values of a box in a class of its own, which stands for them in sorted order:
//
//   double at(rank)                    a value
//   Range narrowed(range, low, high)   those values of a range that are not below, and not above
//   bool writes()                      whether this thread writes results
//   double ref()                       a value in the middle, which sums are relative to
//   Sums sums(range, about)            of differences, and of their squares
//   Sums weigh(range, biweight)        of the terms of a biweight
//   Pair ends(range)                   the least and the largest
//   deviations(range, center)          an object: at(rank) is a distance from the center
#pragma once
#include "skyshed/kernels/both.h"

namespace boxes {

// `CODES` of __init__.py.
enum Code { MEAN, MEDIAN, STD, MAD_STD, LOCATION, SCALE };

// The standard deviation of a normal distribution over its median absolute deviation.
SKYSHED_BOTH double mad_to_std() { return 1.482602218505602; }

// Infinities and NaN are left out.
template <class Value> SKYSHED_BOTH bool good(Value value) { return value - value == 0; }

// Over each of `images` images of ny rows, one below the other.
struct Grid {
    i64 ny, nx, h, w, images;
    SKYSHED_BOTH i64 across() const { return (nx + w - 1) / w; }
    SKYSHED_BOTH i64 down() const { return (ny + h - 1) / h; }
    SKYSHED_BOTH i64 boxes() const { return images * down() * across(); }
};

// A box of the grid; those at the far edges may be cut off. If boxes follow each other in memory, this
// one starts at `start`.
struct Box {
    i64 y0, x0, height, width, start;
    SKYSHED_BOTH i64 size() const { return height * width; }
};

SKYSHED_BOTH Box box_at(const Grid &grid, i64 b) {
    Box box;
    const i64 row = b / grid.across(), image = row / grid.down(), first = image * grid.ny;
    box.y0 = first + (row - image * grid.down()) * grid.h;
    box.x0 = (b - row * grid.across()) * grid.w;
    box.height = min(grid.h, first + grid.ny - box.y0);
    box.width = min(grid.w, grid.nx - box.x0);
    box.start = box.y0 * grid.nx + box.height * box.x0;
    return box;
}

// Ranks lo, ..., hi - 1 of the sorted values: those that are not below low and not above high.
struct Range {
    i64 lo, hi;
    double low, high;
    SKYSHED_BOTH bool empty() const { return lo >= hi; }
};

SKYSHED_BOTH Range all_of(i64 n) { return {0, n, -INF_VALUE, INF_VALUE}; }

struct Sums {
    double a, q;
};

struct Pair {
    double first, last;
};

struct Moments {
    double mean, std;
};

template <class Values> SKYSHED_BOTH Moments moments(Values &values, const Range &range) {
    const double n = double(range.hi - range.lo);
    const Sums sums = values.sums(range, values.ref());
    const double offset = sums.a / n, mean = values.ref() + offset;
    double variance = sums.q / n - offset * offset;
    if (variance < 0.5 * sums.q / n) {
        // The values lie to one side of ref, and the difference has lost digits: start afresh.
        const Pair ends = values.ends(range);
        if (ends.first == ends.last) return {ends.first, 0.0};
        const Sums fresh = values.sums(range, mean);
        variance = (fresh.q - fresh.a * fresh.a / n) / n;
    }
    return {mean, sqrt(variance)};
}

// The middle of what has the ranks lo, ..., hi - 1.
template <class Ranked> SKYSHED_BOTH double middle(Ranked &ranked, i64 lo, i64 hi) {
    const i64 half = (lo + hi) / 2;
    if ((hi - lo) % 2) return ranked.at(half);
    const double before = ranked.at(half - 1);
    return 0.5 * (before + ranked.at(half));
}

template <class Values> SKYSHED_BOTH double median(Values &values, const Range &range) {
    return middle(values, range.lo, range.hi);
}

// The median absolute deviation from the median.
template <class Values> SKYSHED_BOTH double mad(Values &values, const Range &range) {
    auto &&deviations = values.deviations(range, median(values, range));
    return middle(deviations, 0, range.hi - range.lo);
}

// A biweight location or scale (Beers, Flynn & Gebhardt 1990, AJ 100, 32, eqs. 5 and 9): values further
// than `reach` from `center` have no weight.
struct Biweight {
    double center, reach;
    bool location;

    // What a value adds to the top and to the bottom of the fraction.
    SKYSHED_BOTH Sums term(double value) const {
        const double d = value - center, u = d / reach, inside = 1 - u * u;
        if (!(inside > 0)) return {0.0, 0.0};
        const double squared = inside * inside;
        if (location) return {d * squared, squared};
        return {d * d * (squared * squared), inside * (1 - 5 * (u * u))};
    }

    SKYSHED_BOTH double of(const Sums &sums, i64 n) const {
        if (location) return center + sums.a / sums.q;
        return sqrt(double(n) * sums.a / (sums.q * sums.q));
    }
};

template <class Values>
SKYSHED_BOTH double measure_biweight(Values &values, const Range &range, const Biweight &biweight) {
    if (biweight.reach == 0) return biweight.location ? biweight.center : 0.0;
    return biweight.of(values.weigh(range, biweight), range.hi - range.lo);
}

struct Clip {
    bool clips;
    double lower, upper;
    i64 maxiters, center, spread;
};

// Which of n > 0 values clipping keeps: the last limits apply to all of them.
template <class Values> SKYSHED_BOTH Range clipped(Values &values, i64 n, const Clip &clip) {
    Range kept = all_of(n);
    if (!clip.clips) return kept;
    double low, high;
    for (i64 rounds = 1;; ++rounds) {
        Moments found = {0.0, 0.0};
        if (clip.center == MEAN || clip.spread == STD) found = moments(values, kept);
        const double center = clip.center == MEAN ? found.mean : median(values, kept);
        const double spread = clip.spread == STD ? found.std : mad_to_std() * mad(values, kept);
        low = center - spread * clip.lower;
        high = center + spread * clip.upper;
        const Range next = values.narrowed(kept, low, high);
        const bool done = next.lo == kept.lo && next.hi == kept.hi;
        kept = next;
        if (done || kept.empty() || (clip.maxiters >= 0 && clip.maxiters <= rounds)) break;
    }
    return values.narrowed(all_of(n), low, high);
}

// Where results go, and what is wanted: a code and two parameters for each statistic.
struct Results {
    const double *wanted;
    i64 n_wanted, n_boxes;
    double *values, *limits;
    i64 *n_good;
};

// Clips and measures the n values of box b.
template <class Values>
SKYSHED_BOTH void measure(Values &values, i64 n, const Clip &clip, const Results &out, i64 b) {
    const Range kept = n > 0 ? clipped(values, n, clip) : all_of(0);
    const bool none = kept.empty();
    const Pair ends = none ? Pair{NAN_VALUE, NAN_VALUE} : values.ends(kept);
    if (values.writes()) {
        out.n_good[b] = none ? 0 : kept.hi - kept.lo;
        out.limits[b] = ends.first;
        out.limits[out.n_boxes + b] = ends.last;
    }
    // What several statistics need is found once.
    bool know_moments = false, know_mad = false;
    Moments found = {0.0, 0.0};
    double deviation = 0.0;
    for (i64 i = 0; i < out.n_wanted; ++i) {
        const double *wanted = out.wanted + 3 * i;
        const int code = int(wanted[0]);
        const bool of_moments = code == MEAN || code == STD;
        double value = NAN_VALUE;
        if (!none) {
            if (of_moments && !know_moments) found = moments(values, kept), know_moments = true;
            if (!of_moments && code != MEDIAN && !know_mad)
                deviation = mad(values, kept), know_mad = true;
            if (of_moments) {
                value = code == MEAN ? found.mean : found.std;
            } else if (code == MEDIAN) {
                value = median(values, kept);
            } else if (code == MAD_STD) {
                value = mad_to_std() * deviation;
            } else {
                const double given = wanted[2];
                const double center = given == given ? given : median(values, kept);
                value = measure_biweight(
                    values, kept, Biweight{center, wanted[1] * deviation, code == LOCATION});
            }
        }
        if (values.writes()) out.values[i * out.n_boxes + b] = value;
    }
}

}  // namespace boxes
