// The contrast rule on the CPU.
//
// Fluxes are carried along instead of summed again while they are so far from the contrast that
// rounding can't decide. Faint basins are therefore always exact, and a removal costs no more than the
// basin and its faint neighbours.
#pragma once
#include "skyshed/kernels/deblending/contrast.h"
#include "skyshed/kernels/deblending/flood.hpp"

namespace deblending {

// Bound of the relative error of adding one term.
constexpr double ROUNDING = 0x1p-52;

// The basins of a source. They are numbered from 1, as the labels.
struct Basins {
    Room<double> flux, share;
    Room<int> first, rank, changed, number;
    Room<bool> is_changed;
    Room<int> link, cleared;  // by cell: the next of its basin; cells that lost their label
    int n, front;             // rank[front..n-1] are left, in the order in which they would go

    // Whether there is room for n pixels in so many cells and, but for the flux, for the basins.
    bool hold(i64 cells, i64 pixels) {
        return first.hold(n + 1) && rank.hold(n) && changed.hold(n) && number.hold(n + 1) &&
               is_changed.hold(n + 1) && link.hold(cells) && cleared.hold(pixels);
    }
    bool goes_before(int a, int b) { return precedes(share[a], a, share[b], b); }
};

// The shares of the basins that are left, in their order.
struct Ranks {
    Basins &basins;
    int at;

    double next() { return basins.share[basins.rank[at++]]; }
    void keep() {}
};

// Sums the flux of each basin in raster order; returns that of all pixels.
template <class Value> double sum_basins(Source<Value> &source, Basins &basins) {
    const Value *value = source.value.begin();
    const int *label = source.label.begin();
    double *flux = basins.flux.begin(), total = 0.0;
    std::fill(flux, flux + basins.n + 1, 0.0);
    for (int i = 0; i < source.n_runs; ++i) {
        const Run run = source.run[i];
        for (int k = run.cell; k < run.cell + run.length; ++k) {
            const double v = counts(value[k]) ? double(value[k]) : 0.0;
            total += v;
            flux[label[k]] += v;
        }
    }
    return total;
}

// Sums the flux of one basin in raster order.
template <class Value>
double sum_one_basin(const Value *value, int basin, Basins &basins, Flood<Value> &flood) {
    using Key = typename Ordered<Value>::Bits;
    int n = 0;
    for (int p = basins.first[basin]; p >= 0; p = basins.link[p])
        flood.member[n++] = {Key(0x7fffffff - p), p};
    sort_descending(flood.member.begin(), n, flood.spare.begin());
    double total = 0.0;
    for (int i = 0; i < n; ++i) {
        const Value v = value[flood.member[i].cell];
        if (counts(v)) total += v;
    }
    return total;
}

// Moves a basin, whose share has changed, to its place in the order.
inline void put_in_place(Basins &basins, int basin, double old_share) {
    int *begin = basins.rank.begin() + basins.front, *end = basins.rank.begin() + basins.n;
    int *at = std::lower_bound(begin, end, basin, [&](int other, int) {
        return other != basin && precedes(basins.share[other], other, old_share, basin);
    });
    const auto before = [&](int other, int one) { return basins.goes_before(other, one); };
    int *up = std::lower_bound(at + 1, end, basin, before), *down = std::lower_bound(begin, at, basin, before);
    if (up > at + 1) std::rotate(at, at + 1, up);
    else std::rotate(down, at, at + 1);
}

// Takes the labels off the basins that go first; returns how many pixels they had.
inline int clear(Basins &basins, int together, int *label) {
    int n = 0;
    for (int i = 0; i < together; ++i) {
        const int basin = basins.rank[basins.front++];
        for (int p = basins.first[basin]; p >= 0; p = basins.link[p]) {
            label[p] = 0;
            basins.cleared[n++] = p;
        }
        basins.first[basin] = -1;
    }
    return n;
}

// Floods the cleared pixels from those around them. Slots are not negative before, but for those of
// OUTSIDE.
template <class Cells, class Value>
Flooded flood_again(
    const Cells cells, Source<Value> &source, const int *cleared, int n_cleared, Flood<Value> &flood,
    const int *flag) {
    const Value *value = source.value.begin();
    const int *label = source.label.begin();
    int *slot = flood.slot.begin(), n = 0;
    for (int i = 0; i < n_cleared; ++i) flood.member[n++] = {key_of(value[cleared[i]]), cleared[i]};
    for (int i = 0; i < n_cleared; ++i) {
        for (int w = 0; w < Cells::WAYS; ++w) {
            const int q = cells.near(cleared[i], w);
            if (label[q] <= 0 || slot[q] < 0) continue;
            slot[q] = -1;
            flood.member[n++] = {key_of(value[q]), q};
        }
    }
    flood.n_members = n;
    return flood_exactly(cells, source, flood, flag);
}

// Adds the flooded pixels to the lists and the fluxes of their basins; returns how many changed.
template <class Value>
int hand_over(const Value *value, const int *label, int n_cleared, Basins &basins) {
    int n_changed = 0;
    for (int i = 0; i < n_cleared; ++i) {
        const int p = basins.cleared[i], basin = label[p];
        if (basin == 0) continue;
        basins.link[p] = basins.first[basin];
        basins.first[basin] = p;
        if (counts(value[p])) basins.flux[basin] += value[p];
        if (!basins.is_changed[basin]) basins.changed[n_changed++] = basin;
        basins.is_changed[basin] = true;
    }
    return n_changed;
}

// Numbers the basins that are left from 1, in their old order.
inline void close_ranks(const Shape &shape, int *label, Basins &basins) {
    int *number = basins.number.begin();
    std::fill(number, number + basins.n + 1, 0);
    for (int i = basins.front; i < basins.n; ++i) number[basins.rank[i]] = 1;
    for (int basin = 1; basin <= basins.n; ++basin) number[basin] += number[basin - 1];
    for (int k = shape.first; k < shape.stop; ++k)
        if (label[k] != OUTSIDE) label[k] = number[label[k]];
}

// What is known of all pixels that have a label.
struct Extent {
    double scale;  // the sum of absolute values
    bool nonnegative;
};

// Ranks the basins and lists their pixels.
template <class Value> Extent line_up(Source<Value> &source, Basins &basins) {
    int *first = basins.first.begin(), *rank = basins.rank.begin();
    basins.front = 0;
    for (int basin = 1; basin <= basins.n; ++basin) {
        rank[basin - 1] = basin;
        first[basin] = -1;
        basins.is_changed[basin] = false;
    }
    std::sort(rank, rank + basins.n, [&](int a, int b) { return basins.goes_before(a, b); });
    Extent extent = {0.0, true};
    for (int i = 0; i < source.n_runs; ++i) {
        const Run run = source.run[i];
        for (int k = run.cell; k < run.cell + run.length; ++k) {
            const Value v = source.value[k];
            const int basin = source.label[k];
            extent.nonnegative &= !counts(v) || v >= 0;
            if (basin == 0) continue;
            extent.scale += counts(v) ? std::fabs(double(v)) : 0.0;
            basins.link[k] = first[basin];
            first[basin] = k;
        }
    }
    return extent;
}

// Whether any basin that is left is faint: NaN, which goes first, is not.
inline bool any_faint(Basins &basins, double contrast) {
    int i = basins.front;
    while (i < basins.n && std::isnan(basins.share[basins.rank[i]])) ++i;
    return i < basins.n && is_faint(basins.share[basins.rank[i]], contrast);
}

// Removes basins until all have `contrast` of the source's flux; returns how many are left, or NO_MEMORY
// or STOPPED. The numbers of those that are left keep their order, and are consecutive.
template <class Cells, class Value>
i64 remove_faint_basins(
    const Cells cells, Source<Value> &source, double contrast, Basins &basins, Flood<Value> &flood,
    const int *flag) {
    if (!basins.flux.hold(basins.n + 1) || !basins.share.hold(basins.n + 1)) return NO_MEMORY;
    const double total = sum_basins(source, basins);
    bool faint = false;
    for (int basin = 1; basin <= basins.n; ++basin) {
        basins.share[basin] = basins.flux[basin] / total;
        faint |= is_faint(basins.share[basin], contrast);
    }
    if (!faint) return basins.n;
    const i64 size = source.shape.size, n = source.n;
    if (!basins.hold(size, n) || !flood.hold(size, n)) return NO_MEMORY;
    const Extent extent = line_up(source, basins);
    std::fill(flood.slot.begin(), flood.slot.begin() + size, 0);
    i64 moved = n;
    while (basins.n - basins.front > 1 && any_faint(basins, contrast)) {
        Ranks ranks = {basins, basins.front};
        const int together =
            count_removable(ranks, basins.n - basins.front, contrast, extent.nonnegative);
        const int n_cleared = clear(basins, together, source.label.begin());
        const Flooded done =
            flood_again(cells, source, basins.cleared.begin(), n_cleared, flood, flag);
        if (done == Flooded::STOPPED || stopped(flag)) return STOPPED;
        if (done == Flooded::NO_MEMORY) return NO_MEMORY;
        for (int i = 0; i < flood.n_members; ++i) flood.slot[flood.member[i].cell] = 0;
        const int n_changed = hand_over(source.value.begin(), source.label.begin(), n_cleared, basins);
        moved += n_cleared;
        const double doubt = ROUNDING * double(moved) * extent.scale / std::fabs(total);
        for (int i = 0; i < n_changed; ++i) {
            const int basin = basins.changed[i];
            basins.is_changed[basin] = false;
            if (!(basins.flux[basin] / total - doubt >= contrast))
                basins.flux[basin] = sum_one_basin(source.value.begin(), basin, basins, flood);
            const double old_share = basins.share[basin];
            basins.share[basin] = basins.flux[basin] / total;
            put_in_place(basins, basin, old_share);
        }
    }
    close_ranks(source.shape, source.label.begin(), basins);
    return basins.n - basins.front;
}

}  // namespace deblending
