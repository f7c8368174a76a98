// The good values of a box on the CPU. Nothing is sorted: values are counted and added up in loops over
// the box, which are vectorised. Most values are neither clipped nor near a limit: the core, which is
// added up once; what then is looked at again and again are the tails.
#pragma once
#include "skyshed/kernels/boxes/boxes.h"
#include "skyshed/kernels/boxes/ranks.hpp"

namespace boxes {

// Adds up term(v[i]), which is zero for values that do not count: in lanes, by the place of a value, and
// in chunks, so that the order does not depend on which values count.
template <class Value, class Term> Sums add_up(const Value *v, i64 size, Term term) {
    double all_a[LANES] = {}, all_q[LANES] = {};
    for (i64 begin = 0; begin < size; begin += CHUNK) {
        double a[LANES] = {}, q[LANES] = {};
        const i64 end = min(begin + CHUNK, size);
        for (i64 i = begin; i < end; i += LANES) {
            for (int k = 0; k < LANES; ++k) {
                const Sums sums = term(v[i + k]);
                a[k] += sums.a;
                q[k] += sums.q;
            }
        }
        for (int k = 0; k < LANES; ++k) all_a[k] += a[k], all_q[k] += q[k];
    }
    for (int step = LANES / 2; step; step /= 2)
        for (int k = 0; k < step; ++k) all_a[k] += all_a[k + step], all_q[k] += all_q[k + step];
    return {all_a[0], all_q[0]};
}

// Limits in the type of the values, which they then are compared with.
template <class Value> Between<Value> limits_of(const Range &range) {
    Between<Value> limits = {Value(range.low), Value(range.high)};
    if (double(limits.low) < range.low) limits.low = std::nextafter(limits.low, Value(INF_VALUE));
    if (double(limits.high) > range.high) limits.high = std::nextafter(limits.high, -Value(INF_VALUE));
    return limits;
}

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
        if (room.ranks.drawn().drawn) split();
    }

    double at(i64 rank) { return room.ranks.at(rank); }
    bool writes() const { return true; }
    double ref() const { return middle; }

    Range narrowed(const Range &range, double low, double high) const {
        Range found = {0, 0, max_of(range.low, low), -max_of(-range.high, -high)};
        if (stopped(room.stop)) return found;
        const Between<Value> limits = limits_of<Value>(found);
        const auto below = [=](Value value) { return value < limits.low; };
        if (hold_core(limits)) {
            found.lo = count(room.tails.begin(), n_tails, below);
            found.hi = found.lo + n_core + count(room.tails.begin(), n_tails, limits);
        } else {
            found.lo = count(v, size, below);
            found.hi = found.lo + count(v, size, limits);
        }
        return found;
    }

    Sums sums(const Range &range, double about) const {
        if (stopped(room.stop)) return {0.0, 0.0};
        const Between<Value> limits = limits_of<Value>(range);
        if (about != middle || !hold_core(limits)) return sums_of(v, size, limits, about);
        const Sums beside = sums_of(room.tails.begin(), n_tails, limits, about);
        return {of_core.a + beside.a, of_core.q + beside.q};
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
        if (hold_core(limits)) ends = ends_of(room.tails.begin(), n_tails, limits);
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

    void split() {
        // Some three quarters of the values; of a normal distribution the limits are 1.2 sigma off.
        constexpr int OUTSIDE = SAMPLE / 8;
        const Value *sorted = room.ranks.drawn().sorted;
        core = {sorted[OUTSIDE], sorted[SAMPLE - 1 - OUTSIDE]};
        const i64 n = pick(v, size, Beyond<Value>{core.low, core.high}, room.tails.begin());
        pad(room.tails.begin(), n);
        n_tails = padded(n);
        n_core = count(v, size, core);
        of_core = sums_of(v, size, core, middle);
    }

    // Whether limits leave the core alone, if there is one.
    bool hold_core(Between<Value> limits) const {
        return n_core && limits.low <= core.low && limits.high >= core.high;
    }

    static Sums sums_of(const Value *values, i64 n, Between<Value> limits, double about) {
        return add_up(values, n, [=](Value value) {
            const double d = limits(value) ? double(value) - about : 0.0;
            return Sums{d, d * d};
        });
    }

    // NaN of either wins.
    static double max_of(double a, double b) { return a > b || a != a ? a : b; }
};

}  // namespace boxes
