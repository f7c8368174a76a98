// The good values of a box on the CPU. Nothing is sorted: values are counted and added up in loops over
// the box, which are vectorised. Most values are neither clipped nor near a limit: the core, which is
// added up once; what then is looked at again and again are the tails.
#pragma once
#include "skyshed/kernels/boxes/adding.hpp"
#include "skyshed/kernels/boxes/ranks.hpp"

namespace boxes {

// Room for the values of one box after another. Once the flag is set, if there is one, passes over the
// values are left out: a box may be a whole image.
template <class Value> struct Room {
    const int *stop;
    Scratch<Value> tails;
    Scratch<double> apart;
    Ranks<Value> ranks;
    Ranks<double> distances;

    explicit Room(i64 most, const int *stop)
        : stop(stop), tails(most + LANES), apart(most), ranks(most, stop), distances(most, stop) {}
    explicit operator bool() const { return tails && apart && ranks && distances; }
};

// size values, of which n are good and the others NaN.
template <class Value> class Values {
  public:
    Values(const Value *v, i64 size, i64 n, Room<Value> &room) : room(room), v(v), size(size) {
        room.ranks.of(v, size, n);
        middle = n ? at(n / 2) : 0.0;
        if (room.ranks.drawn().drawn) split(n);
    }

    double at(i64 rank) { return room.ranks.at(rank); }
    bool writes() const { return true; }
    double ref() const { return middle; }

    Range narrowed(const Range &range, double low, double high) {
        Range found = {0, 0, max_of(range.low, low), -max_of(-range.high, -high)};
        if (stopped(room.stop)) return found;
        const Between<Value> limits = limits_of<Value>(found);
        if (hold_core(limits)) {
            look_at(found);
            found.lo = known.lo;
            found.hi = known.hi;
        } else {
            found.lo = count(v, size, [=](Value value) { return value < limits.low; });
            found.hi = found.lo + count(v, size, limits);
        }
        return found;
    }

    Sums sums(const Range &range, double about) {
        if (stopped(room.stop)) return {0.0, 0.0};
        const Between<Value> limits = limits_of<Value>(range);
        if (about != middle || !hold_core(limits)) return add_within<false>(v, size, limits, about).sums;
        if (range.lo != known.lo || range.hi != known.hi) look_at(range);
        return known_sums;
    }

    Sums weigh(const Range &range, const Biweight &biweight) const {
        if (stopped(room.stop)) return {0.0, 0.0};
        const Between<Value> limits = limits_of<Value>(range);
        return add_up(v, size, [=](Value value) {
            return limits(value) ? biweight.term(value) : Sums{0.0, 0.0};
        });
    }

    Pair ends(const Range &range) const {
        const Between<Value> limits = limits_of<Value>(range);
        Between<Value> ends = core;
        if (hold_core(limits)) ends = ends_of(room.tails.begin(), padded(n_tails), limits);
        // There may be none beside the core.
        if (ends.low >= core.low || ends.high <= core.high) ends = ends_of(v, size, limits);
        return {double(ends.low), double(ends.high)};
    }

    Ranks<double> &deviations(const Range &range, double center) {
        if (stopped(room.stop)) return room.distances;
        const Between<Value> limits = limits_of<Value>(range);
        for (i64 i = 0; i < size; ++i) {
            const double d = std::fabs(double(v[i]) - center);
            room.apart[i] = limits(v[i]) ? d : NAN_VALUE;
        }
        room.distances.of(room.apart.begin(), size, range.hi - range.lo);
        return room.distances;
    }

  private:
    Room<Value> &room;
    const Value *v;
    i64 size, n_tails = 0, n_core = 0;
    double middle;
    Between<Value> core = {};
    Sums of_core = {};
    // The range whose values were counted and added up last, and their sums: the next sums are of these.
    Range known = {0, 0, NAN_VALUE, NAN_VALUE};
    Sums known_sums = {};

    void split(i64 n) {
        // Some three quarters of the values; of a normal distribution the limits are 1.2 sigma off.
        constexpr int OUTSIDE = FEW / 8;
        const Value *sorted = room.ranks.drawn().sorted;
        core = {sorted[OUTSIDE], sorted[FEW - 1 - OUTSIDE]};
        const Parted parted = part(v, size, core, middle, room.tails.begin());
        of_core = parted.sums;
        n_tails = parted.n_beyond;
        pad(room.tails.begin(), n_tails);
        n_core = n - n_tails;
    }

    // Whether limits leave the core alone, if there is one.
    bool hold_core(Between<Value> limits) const {
        return n_core && limits.low <= core.low && limits.high >= core.high;
    }

    // Counts and adds up what is within limits that leave the core alone.
    void look_at(const Range &range) {
        if (range.low == known.low && range.high == known.high) return;
        const Within beside =
            add_within<true>(room.tails.begin(), padded(n_tails), limits_of<Value>(range), middle);
        known_sums = {of_core.a + beside.sums.a, of_core.q + beside.sums.q};
        known.lo = n_tails - beside.not_below;
        known.hi = known.lo + n_core + beside.n;
        known.low = range.low;
        known.high = range.high;
    }

    // NaN of either wins.
    static double max_of(double a, double b) { return a > b || a != a ? a : b; }
};

}  // namespace boxes
