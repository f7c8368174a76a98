// Values by their rank, without sorting them all: a sample says about where a rank is; of the values about
// there the few next to it are put in order. Medians of values of which more and more are clipped lie close
// to each other. Where values are not spread as expected, those about a rank are put into bins, and the
// bins that are asked for are put in order.
#pragma once
#include "skyshed/kernels/boxes/boxes.h"
#include "skyshed/kernels/boxes/few.hpp"

namespace boxes {

template <class Value> class Ranks {
  public:
    // Room for so many values. Once the flag is set, if there is one, nothing is looked for any more.
    explicit Ranks(i64 most, const int *stop = nullptr)
        : stop(stop), window(most + LANES), ordered(most + LANES), bin_of(most), bins(bins_of(most) + 2) {}

    explicit operator bool() const { return window && ordered && bin_of && bins; }

    // The good ones of these values are meant.
    void of(const Value *all, i64 of_size, i64 n_good) {
        values = all, size = of_size, n = n_good;
        first = last = first_few = last_few = 0;
        sample.draw(values, size, n);
    }

    const Sample<Value> &drawn() const { return sample; }

    // The value of this rank, from 0.
    double at(i64 rank) {
        if (stopped(stop)) return 0.0;
        if (rank >= first_few && rank < last_few) return of_few(rank);
        if (rank < first || rank >= last) find(rank);
        if (!binned && find_few(rank)) return of_few(rank);
        if (!binned) fill_bins();
        const i64 place = rank - first, *const begin = bins.begin();
        const i64 *bin = std::upper_bound(begin, begin + n_bins + 1, place) - 1;
        Value *const in_order = ordered.begin();
        std::nth_element(in_order + bin[0], in_order + place, in_order + bin[1]);
        return in_order[place];
    }

  private:
    const int *stop;
    const Value *values;
    i64 size, n;
    Sample<Value> sample;
    Between<Value> about;       // the values in the window
    i64 first, last;            // their ranks
    Value few[FEW];             // some of the window, sorted
    i64 first_few, last_few;    // their ranks
    bool binned;                // whether the values of the window are in bins
    i64 n_bins;
    Scratch<Value> window, ordered;
    Scratch<int> bin_of;  // of each value in the window
    Scratch<i64> bins;    // where each begins

    static i64 bins_of(i64 m) { return min(max(m / 4, i64(1)), i64(1) << 20); }

    void find(i64 rank) {
        const Value infinite = Value(INF_VALUE);
        about = {-infinite, infinite};
        if (sample.drawn) {
            // Two standard deviations of a rank in the sample.
            constexpr i64 MARGIN = 8;
            const i64 middle = rank * FEW / n;
            if (middle >= MARGIN) about.low = sample.sorted[middle - MARGIN];
            if (middle + MARGIN < FEW) about.high = sample.sorted[middle + MARGIN];
        }
        gather();
        if (rank < first) about = {-infinite, about.low}, gather();
        else if (rank >= last) about = {about.high, infinite}, gather();
    }

    // Makes the window of the values about there.
    void gather() {
        const Picked picked = pick_between(values, size, about, window.begin());
        first = n - picked.not_below;
        last = first + picked.n;
        pad(window.begin(), picked.n);
        first_few = last_few = 0;
        binned = false;
    }

    double of_few(i64 rank) const {
        const Value *value = few + (rank - first_few);
        while (*value != *value) --value;
        return *value;
    }

    // Sorts the few values next to a rank of the window, found as if values were evenly spread between
    // those whose ranks are known. Returns whether that was so.
    bool find_few(i64 rank) {
        // Of more values the few would be too small a part to be met.
        constexpr i64 MOST = 4096;
        // Ranks on either side: some room is left for chance.
        constexpr double REACH = 24.0;
        // Ranks that are asked for next tend to be lower: sources lie above the others, and are clipped.
        constexpr double LEAN = 8.0, LEAN_NEXT = 16.0;
        const i64 m = last - first;
        if (!sample.drawn || m > MOST || !good(about.high - about.low)) return false;
        const double step = (double(about.high) - double(about.low)) / double(m);
        double reach = REACH * step, value;
        if (first_few == last_few) {
            value = double(about.low) + (double(rank - first) + 0.5 - LEAN) * step;
        } else if (rank < first_few) {
            value = double(few[0]) + (double(rank - first_few) - LEAN_NEXT) * step;
        } else {
            value = of_few(last_few - 1) + double(rank - last_few + 1) * step;
        }
        for (int tries = 0; tries < 3; ++tries) {
            const Between<Value> next_to = {Value(value - reach), Value(value + reach)};
            const Picked picked = pick_between(window.begin(), padded(m), next_to, ordered.begin());
            const i64 begin = last - picked.not_below;
            const bool met = rank >= begin && rank < begin + picked.n;
            if (met && picked.n > FEW) {
                reach *= REACH / double(picked.n);
            } else if (met) {
                sort_few(ordered.begin(), int(picked.n), few);
                first_few = begin, last_few = begin + picked.n;
                return true;
            } else {
                value += double(rank - begin - picked.n / 2) * step;
            }
        }
        return false;
    }

    void fill_bins() {
        const i64 m = last - first;
        const Value *in = window.begin();
        Between<Value> ends = about;
        if (!good(ends.high - ends.low)) ends = ends_of(in, padded(m), ends);
        const Value low = ends.low;
        n_bins = bins_of(m);
        const Value scale = Value(n_bins) / (ends.high - low);
        if (!(scale > 0 && scale < Value(INF_VALUE))) n_bins = 1;
        i64 *const begin = bins.begin();
        int *const of = bin_of.begin();
        std::fill(begin, begin + n_bins + 2, 0);
        const int top = int(n_bins - 1);
        if (!top) std::fill(of, of + m, 0);
        else for (i64 i = 0; i < m; ++i) of[i] = min(int((in[i] - low) * scale), top);
        for (i64 i = 0; i < m; ++i) ++begin[of[i] + 2];
        for (i64 b = 2; b < n_bins + 2; ++b) begin[b] += begin[b - 1];
        for (i64 i = 0; i < m; ++i) ordered[begin[of[i] + 1]++] = in[i];
        binned = true;
    }
};

}  // namespace boxes
