// Values by their rank, without sorting them all: a sample says about where a rank is; the values about
// there are put into bins, and the bins that are asked for are put in order. Medians of values of which
// more and more are clipped lie close to each other.
#pragma once
#include "skyshed/kernels/boxes/boxes.h"
#include "skyshed/kernels/boxes/picking.hpp"

namespace boxes {

constexpr int SAMPLE = 64;

// Values drawn from a box, sorted; none if there are few.
template <class Value> struct Sample {
    Value sorted[SAMPLE];
    bool drawn = false;

    // From values of which n are good; the others are NaN.
    void draw(const Value *values, i64 size, i64 n) {
        constexpr i64 FEW = 512;
        Value found[SAMPLE];
        int m = 0;
        // Steps of the golden ratio: evenly spread, whatever the width of a box.
        u64 place = 0;
        for (int k = 0; n > FEW && k < 4 * SAMPLE && m < SAMPLE; ++k) {
            const Value value = values[(place >> 32) * u64(size) >> 32];
            if (value == value) found[m++] = value;
            place += 0x9E3779B97F4A7C15ULL;
        }
        drawn = m == SAMPLE;
        if (drawn) sort(found);
    }

    void sort(const Value *found) {
        for (int i = 0; i < SAMPLE; ++i) {
            int before = 0;
            for (int k = 0; k < SAMPLE; ++k)
                before += (found[k] < found[i]) | ((found[k] == found[i]) & (k < i));
            sorted[before] = found[i];
        }
    }
};

template <class Value> class Ranks {
  public:
    // Room for so many values. Once the flag is set, if there is one, nothing is looked for any more.
    explicit Ranks(i64 most, const int *stop = nullptr)
        : stop(stop), window(most + LANES), ordered(most), bin_of(most), bins(bins_of(most) + 2) {}

    explicit operator bool() const { return window && ordered && bin_of && bins; }

    // The good ones of these values are meant.
    void of(const Value *all, i64 of_size, i64 n_good) {
        values = all, size = of_size, n = n_good;
        first = last = 0;
        sample.draw(values, size, n);
    }

    const Sample<Value> &drawn() const { return sample; }

    // The value of this rank, from 0.
    double at(i64 rank) {
        if (stopped(stop)) return 0.0;
        if (rank < first || rank >= last) find(rank);
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
    i64 first, last;  // ranks in the window
    i64 n_bins;
    Scratch<Value> window, ordered;
    Scratch<int> bin_of;  // of each value in the window
    Scratch<i64> bins;    // where each begins

    static i64 bins_of(i64 m) { return min(max(m / 4, i64(1)), i64(1) << 20); }

    void find(i64 rank) {
        const Value infinite = Value(INF_VALUE);
        Between<Value> about = {-infinite, infinite};
        if (sample.drawn) {
            // Two standard deviations of a rank in the sample.
            constexpr i64 MARGIN = 8;
            const i64 middle = rank * SAMPLE / n;
            if (middle >= MARGIN) about.low = sample.sorted[middle - MARGIN];
            if (middle + MARGIN < SAMPLE) about.high = sample.sorted[middle + MARGIN];
        }
        gather(about);
        if (rank < first) gather(about = {-infinite, about.low});
        else if (rank >= last) gather(about = {about.high, infinite});
        fill_bins(about);
    }

    // Makes the window of these values.
    void gather(Between<Value> about) {
        first = count(values, size, [=](Value value) { return value < about.low; });
        last = first + pick(values, size, about, window.begin());
    }

    void fill_bins(Between<Value> about) {
        const i64 m = last - first;
        const Value *in = window.begin();
        pad(window.begin(), m);
        if (!good(about.high - about.low)) about = ends_of(in, padded(m), about);
        const Value low = about.low;
        n_bins = bins_of(m);
        const Value scale = Value(n_bins) / (about.high - low);
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
    }
};

}  // namespace boxes
