// The clipped mode of the pixels in a rectangular annulus around a source.
#pragma once
#include "skyshed/kernels/apertures/pixels.h"

namespace apertures {

// The annulus' hole, in units of the bounding box; fewer usable pixels give no background.
constexpr double HOLE = 1.5;
constexpr i64 FEWEST = 10;
// Clipping about the median: limit in standard deviations, and the number of rounds.
constexpr double CLIP = 3.0;
constexpr int ROUNDS = 20;
// The mode is trusted while mean and median differ by less than this many standard deviations.
constexpr double SKEWED = 0.3;

// Integers first <= k < end.
struct Range {
    i64 first, end;
    SKYSHED_BOTH i64 size() const { return end - first; }
};

// Columns x of rows y, without those of the hole (hole_y, hole_x) in it.
struct Annulus {
    Range y, x, hole_y, hole_x;

    SKYSHED_BOTH i64 size() const { return y.size() * x.size() - hole_y.size() * hole_x.size(); }
};

// The integers inside the open interval middle -+ half, clipped to a range.
SKYSHED_BOTH Range inside(double middle, double half, const Range &to) {
    const double end = double(to.end);
    const double first = smaller(larger(floor(middle - half) + 1.0, double(to.first)), end);
    return {i64(first), i64(smaller(larger(ceil(middle + half), first), end))};
}

// Of the image of ny rows that holds the box; several lie one below the other.
SKYSHED_BOTH Annulus annulus_of(const i64 *bbox, double width, i64 ny, i64 nx) {
    const i64 top = bbox[0] / ny * ny;
    const Range rows = {top, top + ny}, columns = {0, nx};
    const double y = 0.5 * double(bbox[0] + bbox[1] - 1), x = 0.5 * double(bbox[2] + bbox[3] - 1);
    const double hole_y = 0.5 * HOLE * double(bbox[1] - bbox[0]);
    const double hole_x = 0.5 * HOLE * double(bbox[3] - bbox[2]);
    return {inside(y, hole_y + width, rows), inside(x, hole_x + width, columns),
            inside(y, hole_y, rows), inside(x, hole_x, columns)};
}

struct Spread {
    double mean, std;
};

// From a number of values, and the sums of their differences from `near` and of the squares of these.
SKYSHED_BOTH Spread spread_of(i64 count, double sum, double square, double near) {
    sum /= double(count);
    return {near + sum, sqrt(larger(square / double(count) - sum * sum, 0.0))};
}

// SourceExtractor's mode of some values, clipped about their median. `near` is their mean, or close to
// it. `values` has
//   spread(near)                    of all
//   median(near, std)               of those kept, at first all; it is likely close to `near`
//   keep(low, high, near, s)        keeps of these those within limits; says whether some are not
//   keep_again(low, high, near, s)  takes back all those within limits; says whether there are some
// The last two leave the spread of what is kept then in s. Rounds only take values away, but the last
// limits are applied to all values, as in astropy.
template <class Values> SKYSHED_BOTH double clipped_mode(Values &values, double near) {
    Spread s = values.spread(near);
    double median = values.median(s.mean, s.std), low = -INF_VALUE, high = INF_VALUE;
    for (int round = 0; round < ROUNDS; ++round) {
        low = median - CLIP * s.std, high = median + CLIP * s.std;
        if (!values.keep(low, high, median, s)) break;
        median = values.median(median, s.std);
    }
    if (values.keep_again(low, high, median, s)) median = values.median(median, s.std);
    if (s.std == 0.0) return s.mean;
    if (fabs(s.mean - median) / s.std >= SKEWED) return median;
    return 2.5 * median - 1.5 * s.mean;
}

}  // namespace apertures
