// The watershed on the CPU.
//
// With the pixels sorted once, "waiting" is a first-in-first-out list for each distinct value: no
// priority queue. Seeds of equal value all came first at once. That matters only if they carry
// different labels and both still have something to flood, and even then mostly they are far from each
// other. Where it does matter, the order is that of the binary heap which scikit-image and photutils
// use.
#pragma once
#include "skyshed/kernels/deblending/cells.hpp"
#include "skyshed/kernels/deblending/sorting.hpp"
#include "skyshed/kernels/deblending/values.h"

namespace deblending {

// A flag is looked at once in so many steps of a flood.
constexpr int STEPS = 1 << 14;
constexpr int NEVER = 0x7fffffff;

// What a flood works with. Levels are counted in `slots`, one for each distinct value.
template <class Value> struct Flood {
    using Key = typename Ordered<Value>::Bits;
    int n_members, lowest;            // slots are lowest..n_members-1
    Room<Entry<Key>> member, spare;
    Room<int> slot, steps, behind;    // by cell
    Room<int> head, tail, last_seed;  // by slot
    Room<Key> key;                    // of the heap
    Room<int> age, item;

    // Whether there is room for so many cells and members.
    bool hold(i64 cells, i64 members) {
        return slot.hold(cells) && steps.hold(cells) && behind.hold(cells) && member.hold(members) &&
               spare.hold(members) && head.hold(members) && tail.hold(members) &&
               last_seed.hold(members);
    }
};

// Members of a flood are all cells without a label and all labelled pixels that touch one, in order.
// Returns false if there is no memory for them.
template <class Cells, class Value>
bool gather(const Cells cells, Source<Value> &source, Flood<Value> &flood) {
    const int *label = source.label.begin();
    unsigned char *__restrict mask = source.mask.begin();
    int n = 0;
    for (int k = cells.first; k < cells.stop; ++k) {
        int touches = label[k] == 0;
        for (int w = 0; w < Cells::WAYS; ++w) touches |= label[cells.near(k, w)] == 0;
        touches &= label[k] != OUTSIDE;
        mask[k] = touches;
        n += touches;
    }
    if (!flood.hold(source.shape.size, n)) return false;
    flood.n_members = 0;
    for_marked(mask, cells.first, cells.stop, [&](int k) {
        flood.member[flood.n_members++] = {key_of(source.value[k]), k};
    });
    return true;
}

// Gives each distinct value a list, and puts the seeds in. last_seed is the end of a list whose seeds
// have different labels, otherwise -1. If the flag is set it ends before all are in.
template <class Value> void line_up(const int *label, Flood<Value> &flood, const int *flag) {
    int now = flood.n_members;
    for (int i = 0; i < flood.n_members; ++i) {
        if (i % STEPS == 0 && stopped(flag)) return;
        const int p = flood.member[i].cell;
        if (i == 0 || flood.member[i].key != flood.member[i - 1].key) {
            --now;
            flood.head[now] = flood.last_seed[now] = -1;
        }
        flood.slot[p] = now;
        flood.steps[p] = 0;
        if (label[p] == 0) continue;
        if (flood.head[now] < 0) {
            flood.head[now] = p;
        } else {
            flood.behind[flood.tail[now]] = p;
            if (label[p] != label[flood.head[now]] || flood.last_seed[now] >= 0) flood.last_seed[now] = p;
        }
        flood.tail[now] = p;
        flood.behind[p] = -1;
    }
    flood.lowest = now;
}

// Whether seeds from first to last of different labels still have pixels to flood.
template <class Cells>
bool is_contested(const Cells cells, const int *label, int first, int last, const int *behind) {
    int owner = 0;
    for (int p = first;; p = behind[p]) {
        bool floods = false;
        for (int w = 0; w < Cells::WAYS; ++w) floods |= label[cells.near(p, w)] == 0;
        if (floods && owner && label[p] != owner) return true;
        if (floods) owner = label[p];
        if (p == last) return false;
    }
}

// While a flood runs, a cell's label tells it from the seeds, in case it has to be undone.
inline int provisional(int label) { return label > 0 ? OUTSIDE - label : label; }
inline int settled(int label) { return label < OUTSIDE ? OUTSIDE - label : label; }

// Whether a cell has the label of all of its best neighbours. Without steps, only levels count.
template <class Cells>
bool is_certain(const Cells cells, const int *label, const int *slot, const int *steps, int k) {
    Best<int> best = {0, 0, -1};
    for (int w = 0; w < Cells::WAYS; ++w) {
        const int q = cells.near(k, w);
        if (label[q] != OUTSIDE && label[q] != 0) best.meet(slot[q], steps ? steps[q] : 0, q);
    }
    bool certain = true;
    for (int w = 0; w < Cells::WAYS; ++w) {
        const int q = cells.near(k, w);
        if (label[q] != OUTSIDE && label[q] != 0 && best.equals(slot[q], steps ? steps[q] : 0))
            certain &= settled(label[q]) == settled(label[k]);
    }
    return certain;
}

// What became of a flood. NOT: only one of more cells or by a heap is exact; labels are as before.
enum class Flooded { EXACTLY, NOT, STOPPED, NO_MEMORY };

// Floods the members, which it sorts. If the seeds are the first of all, it is exact unless seeds of
// equal value are contested. If not, they came at other times than their values say, which matters
// only where pixels are equal. In both cases the labels are exact if they are certain.
template <class Cells, class Value>
Flooded flood_by_lists(
    const Cells cells, int *label, Flood<Value> &flood, bool first_of_all, const int *flag) {
    const int n = flood.n_members;
    sort_descending(flood.member.begin(), n, flood.spare.begin(), flag);
    line_up(label, flood, flag);
    if (stopped(flag)) return Flooded::STOPPED;
    int *slot = flood.slot.begin(), *steps = flood.steps.begin(), *behind = flood.behind.begin();
    int *head = flood.head.begin(), *tail = flood.tail.begin();
    bool in_doubt = !first_of_all && flood.lowest > 0;
    for (int now = n - 1, done = 0; now >= flood.lowest; --now) {
        int p = head[now];
        if (!in_doubt && p >= 0 && flood.last_seed[now] >= 0)
            in_doubt = is_contested(cells, label, p, flood.last_seed[now], behind);
        for (; p >= 0; p = behind[p]) {
            if (++done % STEPS == 0 && stopped(flag)) return Flooded::STOPPED;
            const int mine = provisional(label[p]);
            for (int w = 0; w < Cells::WAYS; ++w) {
                const int q = cells.near(p, w);
                if (label[q] != 0) continue;
                label[q] = mine;
                const int wait = flood_level(slot[q], now);
                steps[q] = steps_from(wait, now, steps[p], NEVER);
                slot[q] = wait;
                if (head[wait] < 0) head[wait] = q;
                else behind[tail[wait]] = q;
                tail[wait] = q;
                behind[q] = -1;
            }
        }
    }
    bool certain = true;
    for (int i = 0; in_doubt && certain && i < n; ++i) {
        const int p = flood.member[i].cell;
        if (i % STEPS == 0 && stopped(flag)) return Flooded::STOPPED;
        if (label[p] < OUTSIDE)
            certain = is_certain(cells, label, slot, first_of_all ? steps : nullptr, p);
    }
    for (int i = 0; i < n; ++i) {
        const int p = flood.member[i].cell;
        if (label[p] < OUTSIDE) label[p] = certain ? settled(label[p]) : 0;
    }
    return certain ? Flooded::EXACTLY : Flooded::NOT;
}

// Floods all cells without a label with a heap in which every labelled pixel is a seed: exact even
// where entries are equal, which is why no seed may be left out.
template <class Cells, class Value>
Flooded flood_by_heap(const Cells cells, Source<Value> &source, Flood<Value> &flood, const int *flag) {
    using Key = typename Ordered<Value>::Bits;
    const i64 n = source.n;
    if (!flood.key.hold(n) || !flood.age.hold(n) || !flood.item.hold(n)) return Flooded::NO_MEMORY;
    Heap<Key, int> heap = {flood.key.begin(), flood.age.begin(), flood.item.begin(), 0};
    int *label = source.label.begin(), missing = 0;
    for (int k = cells.first; k < cells.stop; ++k) {
        if (k % STEPS == 0 && stopped(flag)) return Flooded::STOPPED;
        if (label[k] == 0) ++missing;
        else if (label[k] != OUTSIDE) heap.push(key_of(source.value[k]), 0, k);
    }
    struct {
        const Value *value;
        Key operator[](int k) const { return key_of(value[k]); }
    } keys = {source.value.begin()};
    flood_by_heap(
        heap, missing, label, keys,
        [&](int p, auto visit) {
            for (int w = 0; w < Cells::WAYS; ++w) visit(cells.near(p, w));
        },
        [=](int time) { return time % STEPS || !stopped(flag); });
    return stopped(flag) ? Flooded::STOPPED : Flooded::EXACTLY;
}

// Floods from the seeds that there are, the first of all, whatever it takes.
template <class Cells, class Value>
Flooded flood_exactly(const Cells cells, Source<Value> &source, Flood<Value> &flood, const int *flag) {
    const Flooded done = flood_by_lists(cells, source.label.begin(), flood, true, flag);
    return done == Flooded::NOT ? flood_by_heap(cells, source, flood, flag) : done;
}

}  // namespace deblending
