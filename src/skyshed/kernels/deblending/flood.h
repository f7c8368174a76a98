// The watershed, for both devices: cells (pixels without a label) get labels from the pixels that have
// one, the seeds.
//
// A cell that is reached waits until the flood stands at its value, or at that of the pixel it was
// reached from if that is fainter; among equals, whoever was reached first comes first. Seeds enter in
// raster order at their own value. This is the flood of scikit-image and photutils.
#pragma once
#include "skyshed/kernels/both.h"

namespace deblending {

// Ways to neighbours, in the order in which a flood goes them, which decides about plateaus.
enum Way { UP, LEFT, RIGHT, DOWN, UP_LEFT, UP_RIGHT, DOWN_LEFT, DOWN_RIGHT };

// The level at which a cell floods its neighbours. These levels are a fixed point that any order of
// relaxation ends at: with the best `from` around.
template <class Level> SKYSHED_BOTH Level flood_level(Level own, Level from) {
    return own < from ? own : from;
}

// Within a plateau of equal levels time is counted in steps: 0 at a seed, 1 next to a larger level,
// otherwise 2 more than the least next to it. This is what one neighbour offers.
template <class Level> SKYSHED_BOTH int steps_from(Level own, Level other, int steps, int never) {
    if (other > own) return 1;
    return other == own && steps < never ? steps + 2 : never;
}

// The best neighbour of a cell: that of the largest level, of those the one with the fewest steps, of
// those the first. The cell takes its label, whatever the order in time, if all that are as good have
// the same one; only the serial flood knows otherwise.
template <class Level> struct Best {
    Level level;
    int steps, at;

    SKYSHED_BOTH bool is_less_than(Level other, int other_steps) const {
        return at < 0 || other > level || (other == level && other_steps < steps);
    }
    SKYSHED_BOTH bool equals(Level other, int other_steps) const {
        return at >= 0 && other == level && other_steps == steps;
    }
    SKYSHED_BOTH void meet(Level other, int other_steps, int q) {
        if (is_less_than(other, other_steps)) level = other, steps = other_steps, at = q;
    }
};

// The heap of the serial flood: bright before faint, then old before young; what is equal stays where
// the moves of a binary heap leave it.
template <class Level, class Place> struct Heap {
    Level *level;
    Place *age, *item;
    int size;

    SKYSHED_BOTH static bool precedes(Level level, int age, Level other, int other_age) {
        return level > other || (level == other && age < other_age);
    }
    SKYSHED_BOTH void put(int at, Level key, int when, int what) {
        level[at] = key, age[at] = (Place)when, item[at] = (Place)what;
    }
    SKYSHED_BOTH void move(int to, int from) { put(to, level[from], (int)age[from], (int)item[from]); }

    SKYSHED_BOTH void push(Level key, int when, int what) {
        int at = size++;
        for (; at > 0; at = (at - 1) >> 1) {
            const int up = (at - 1) >> 1;
            if (!precedes(key, when, level[up], (int)age[up])) break;
            move(at, up);
        }
        put(at, key, when, what);
    }
    // Takes the first entry off: the last one sinks from its place.
    SKYSHED_BOTH void pop() {
        --size;
        const Level key = level[size];
        const int when = (int)age[size], what = (int)item[size];
        int at = 0;
        while (2 * at + 1 < size) {
            int low = 2 * at + 1;
            if (low + 1 < size && precedes(level[low + 1], (int)age[low + 1], level[low], (int)age[low]))
                ++low;
            if (!precedes(level[low], (int)age[low], key, when)) break;
            move(at, low);
            at = low;
        }
        put(at, key, when, what);
    }
};

// The serial flood of `missing` cells, from a heap that holds all seeds at their own values, of age 0,
// pushed in raster order. for_neighbours(p, visit) visits in the order of the ways.
template <class Level, class Place, class Label, class Values, class Neighbours, class GoOn>
SKYSHED_BOTH void flood_by_heap(
    Heap<Level, Place> heap, int missing, Label *label, Values value, Neighbours for_neighbours,
    GoOn go_on) {
    for (int time = 0; heap.size > 0 && missing > 0 && go_on(time);) {
        const int p = (int)heap.item[0];
        const Level level = heap.level[0];
        heap.pop();
        for_neighbours(p, [&](int q) {
            if (label[q] != 0) return;
            label[q] = label[p];
            --missing;
            heap.push(flood_level<Level>(value[q], level), ++time, q);
        });
    }
}

}  // namespace deblending
