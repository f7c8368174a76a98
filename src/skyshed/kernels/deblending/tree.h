// Markers, for both devices: the peaks of a source, from the tree of its groups above all thresholds.
//
// A pixel's level is the number of thresholds that it exceeds; a group is connected pixels above a
// level. Pixels join from the top level down. The groups that become one at a level, and that are large
// enough above it, are siblings; a sibling within which there are no siblings is a marker.
#pragma once
#include "skyshed/kernels/both.h"

namespace deblending {

// Up to so many thresholds are all looked at, since rounding may put neighbours in disorder.
constexpr int MANY_LEVELS = 128;

template <class Value, class Limit> SKYSHED_BOTH bool exceeds(Value value, Limit threshold) {
    return threshold < value;
}

template <class Value, class Limit>
SKYSHED_BOTH int level_of(Value value, const Limit *threshold, int n_levels) {
    int below = 0;
    if (n_levels <= MANY_LEVELS) {
        for (int i = 0; i < n_levels; ++i) below += exceeds(value, threshold[i]);
        return below;
    }
    for (int length = n_levels; length > 0;) {
        const int half = length >> 1;
        if (exceeds(value, threshold[below + half])) below += half + 1, length -= half + 1;
        else length = half;
    }
    return below;
}

// What makes a group above a level large enough: its pixels and, for `saddle`, its flux above the
// threshold that it rises from.
struct Rule {
    const double *threshold;
    i64 npixels;
    bool saddle;
    double limit;
};

SKYSHED_BOTH bool has_size(i64 size, const Rule &rule) { return size >= rule.npixels; }
SKYSHED_BOTH double excess(double flux, i64 size, int level, const Rule &rule) {
    return flux - rule.threshold[level] * (double)size - rule.limit;
}

// A group's `node`: bits, and below them how many large enough groups have met in it during a level.
constexpr int SPLIT = 1 << 30;  // some have met within the group, at this level or above
constexpr int HELD = 1 << 29;   // was large enough before this level
constexpr int DEAD = 1 << 28;   // was part of another before this level
constexpr int MET = DEAD - 1;

// The node of a group to which a level's pixels are about to be added.
SKYSHED_BOTH int opened(int node, bool large) { return (node & SPLIT) | (large ? HELD : 0); }

// Whether a group is a marker, given the node of the one that it is now part of.
SKYSHED_BOTH bool is_marker(int node, int whole) {
    return (node & (DEAD | SPLIT | HELD)) == HELD && (whole & MET) >= 2;
}

// Whether siblings are within a group, at this level or above, given the node of one of those that it
// is made of, which is it itself or was joined to it.
SKYSHED_BOTH bool has_siblings(int node, bool joined, int whole) {
    return (joined && node & SPLIT) || (whole & MET) >= 2;
}

// The marker that pixels of some level in a group belong to, as far as they are above its level, or
// -1. A group links `up` to the one that it was joined to when it `died`, at a level; a marker's `cut` is
// the level above which its pixels are, plus 1, that of others 0.
template <class Level, class Cut>
SKYSHED_BOTH int owner_of(int group, int level, const int *up, const Level *died, const Cut *cut) {
    for (int joined = level; joined > 0; joined = died[group], group = up[group]) {
        if (cut[group] && (int)cut[group] - 1 < joined) return group;
        if (up[group] == group) break;
    }
    return -1;
}

}  // namespace deblending
