// Markers on the CPU.
//
// Groups are not made of pixels but of hills: from each pixel the way goes up to its brightest
// neighbour, and on to a peak. A hill is connected above any level. Two hills that meet as high up as
// the lower one is, counted in levels, are one at once; mostly this leaves few. The others are joined
// from the top level down.
#pragma once
#include "skyshed/kernels/deblending/cells.hpp"
#include "skyshed/kernels/deblending/tree.h"
#include "skyshed/kernels/deblending/values.h"

namespace deblending {

// A level above all others.
constexpr int TOP = 0x7fffffff;

// Two hills that meet at a level.
struct Meeting {
    int a, b, level;
};

// The hills of a source, and the tree of their groups. A group is known by one of its hills, its root.
struct Tree {
    i64 n_peaks, n_tied, n_hills, n_meetings;
    Room<int> peak, tied;              // cells; tied are those with several brightest neighbours
    Room<int> root, hill_at;           // by cell, for peaks; a hill that there is not is n_hills
    Room<Meeting> meeting, sorted;
    Room<int> count;                   // of meetings, by level
    Room<int> up, died, node, cut;     // by group, as tree.h says
    Room<int> weight, seen, touched;   // by group: its hills; the level it was met at; those met at a level
    Room<int> area_above, area;        // of groups: above level `high`; at or above it and those below
    Room<double> flux_above, flux;
    i64 columns;                       // levels in `area` and `flux`
    int high;
    Room<int> height, owner, marker;   // by hill: its level, the group that is its marker, that's number

    bool hold(i64 groups, bool saddle) {
        const i64 places = (groups + 1) * (columns + 1);
        return up.hold(groups) && died.hold(groups) && node.hold(groups) && cut.hold(groups) &&
               weight.hold(groups) && seen.hold(groups) && touched.hold(groups) &&
               area_above.hold(groups) && area.hold(places) && height.hold(groups + 1) &&
               owner.hold(groups) && marker.hold(groups + 1) &&
               (!saddle || (flux_above.hold(groups) && flux.hold(places)));
    }
    int root_of(int group) {
        while (up[group] != group) group = up[group];
        return group;
    }
};

// The largest number that is not above a threshold: what exceeds the one exceeds the other.
inline double limit_below(double threshold, double) { return threshold; }
inline float limit_below(double threshold, float) {
    const float v = float(threshold);
    if (!(v > threshold)) return v;
    return number_of(v > 0 ? bits_of(v) - 1 : v < 0 ? bits_of(v) + 1 : 0x80000001u);
}

// Sets the level of all cells.
// Cells, or meetings, between two looks at the flag of kernels: some ms.
constexpr int HEARD = 1 << 16;

template <class Value> void quantise(Source<Value> &source, const double *threshold, int n_levels) {
    const Value *value = source.value.begin();
    int *level = source.level.begin();
    if (n_levels > MANY_LEVELS) {
        for (int k = 0; k < source.shape.size; ++k) level[k] = level_of(value[k], threshold, n_levels);
        return;
    }
    Value limit[MANY_LEVELS];
    for (int i = 0; i < n_levels; ++i) limit[i] = limit_below(threshold[i], Value());
    for (i64 k = 0; k < source.shape.size; k += BLOCK) {
        int below[BLOCK] = {};
        for (int i = 0; i < n_levels; ++i)
            for (int j = 0; j < BLOCK; ++j) below[j] += exceeds(value[k + j], limit[i]);
        std::memcpy(level + k, below, sizeof below);
    }
}

// Points each pixel at its brightest neighbour, at ~neighbour where several are as bright; peaks, and
// cells without a pixel, at themselves.
template <class Cells, class Value>
void point_up(const Cells cells, const Value *value, const int *label, int *__restrict top) {
    for (int k = cells.first; k < cells.stop; ++k) {
        Value best = value[k];
        int up = k, tied = 0;
        for (int w = 0; w < Cells::WAYS; ++w) {
            const int q = cells.near(k, w);
            const Value other = value[q];
            tied = other > best ? 0 : other == best ? 1 : tied;
            up = other > best ? q : up;
            best = other > best ? other : best;
        }
        up = label[k] == OUTSIDE ? k : up;
        top[k] = up != k && tied ? ~up : up;
    }
}

// Lists peaks and ties. Returns false if there is no memory.
inline bool list_peaks(
    const Shape &shape, const int *label, int *top, unsigned char *__restrict mask, Tree &tree) {
    for (int k = shape.first; k < shape.stop; ++k)
        mask[k] = ((top[k] == k) & (label[k] != OUTSIDE)) | (top[k] < 0);
    tree.n_peaks = tree.n_tied = 0;
    bool room = true;
    for_marked(mask, shape.first, shape.stop, [&](int k) {
        if (top[k] < 0) {
            top[k] = ~top[k];
            if ((room &= tree.tied.extend(tree.n_tied + 1))) tree.tied[tree.n_tied++] = k;
        } else if ((room &= tree.peak.extend(tree.n_peaks + 1))) {
            tree.peak[tree.n_peaks++] = k;
        }
    });
    return room;
}

// Points each cell at the peak that it leads up to, by steps of a growing length. `spare` is by cell.
inline void climb(const Shape &shape, int *top, int *__restrict spare) {
    for (int left = 1; left;) {
        left = 0;
        for (int k = shape.first; k < shape.stop; ++k) spare[k] = top[top[top[top[k]]]];
        for (int k = shape.first; k < shape.stop; ++k) {
            const int next = spare[spare[spare[k]]];
            top[k] = spare[next];
            left |= top[k] ^ next;
        }
    }
}

inline int find(int *root, int k) {
    while (root[k] != k) {
        root[k] = root[root[k]];
        k = root[k];
    }
    return k;
}

// Joins the hills that meet as high up as the lower one is, and notes where others meet. Here a hill is
// known by its highest peak. Returns 0, or NO_MEMORY or STOPPED.
template <class Cells>
i64 join_hills(
    const Cells cells, const int *top, const int *level, unsigned char *__restrict mask, const int *flag,
    Tree &tree) {
    // Ways to the neighbours that come after a pixel: each pair is met once.
    constexpr int AFTER[4] = {RIGHT, DOWN, DOWN_LEFT, DOWN_RIGHT}, N = Cells::WAYS / 2;
    int *root = tree.root.begin();
    for (i64 i = 0; i < tree.n_peaks; ++i) root[tree.peak[i]] = tree.peak[i];
    tree.n_meetings = 0;
    Meeting last = {-1, -1, 0};
    bool room = true;
    const auto join_at = [&](int k) {
        for (unsigned ways = mask[k]; ways; ways &= ways - 1) {
            const int q = cells.near(k, AFTER[lowest_bit(ways)]);
            const int a = find(root, top[k]), b = find(root, top[q]);
            if (a == b) continue;
            const int meet = min(level[k], level[q]), goes = level[a] < level[b] ? a : b;
            if (level[goes] == meet) {
                root[goes] = a + b - goes;
            } else if (a != last.a || b != last.b || meet > last.level) {
                last = {a, b, meet};
                if ((room &= tree.meeting.extend(tree.n_meetings + 1)))
                    tree.meeting[tree.n_meetings++] = last;
            }
        }
    };
    for (int begin = cells.first; begin < cells.stop; begin += HEARD) {
        if (stopped(flag)) return STOPPED;
        const int stop = int(min(i64(begin) + HEARD, i64(cells.stop)));
        for (int k = begin; k < stop; ++k) {
            unsigned char ways = 0;
            for (int w = 0; w < N; ++w) {
                const int q = cells.near(k, AFTER[w]);
                ways |= ((top[q] != top[k]) & (level[q] > 0) & (level[k] > 0)) << w;
            }
            mask[k] = ways;
        }
        for_marked(mask, begin, stop, join_at);
    }
    return room ? 0 : i64(NO_MEMORY);
}

// Numbers the hills that exceed a threshold, in raster order, from 0. Returns false if there is no
// memory.
inline bool number_hills(const Shape &shape, const int *level, Tree &tree) {
    int *root = tree.root.begin(), *hill_at = tree.hill_at.begin(), n = 0;
    const auto is_hill = [&](int k) { return root[k] == k && level[k] > 0; };
    for (i64 i = 0; i < tree.n_peaks; ++i) n += is_hill(tree.peak[i]);
    tree.n_hills = n;
    if (n < 2) return true;
    std::fill(hill_at, hill_at + shape.size, n);
    if (!tree.height.hold(n + 1)) return false;
    n = 0;
    for (i64 i = 0; i < tree.n_peaks; ++i) {
        const int k = tree.peak[i];
        if (!is_hill(k)) continue;
        tree.height[n] = level[k];
        hill_at[k] = n++;
    }
    for (i64 i = 0; i < tree.n_peaks; ++i) {
        const int k = tree.peak[i];
        if (level[k] > 0) hill_at[k] = hill_at[find(root, k)];
    }
    i64 kept = 0;
    for (i64 i = 0; i < tree.n_meetings; ++i) {
        const Meeting one = tree.meeting[i];
        if (hill_at[one.a] != hill_at[one.b])
            tree.meeting[kept++] = {hill_at[one.a], hill_at[one.b], one.level};
    }
    tree.n_meetings = kept;
    return true;
}

// Sorts meetings from the top level down, stably. Returns false if there is no memory.
inline bool sort_meetings(int top, Tree &tree) {
    const i64 n = tree.n_meetings;
    if (!tree.sorted.hold(n) || !tree.count.hold(top + 1)) return false;
    int *count = tree.count.begin();
    std::fill(count, count + top + 1, 0);
    for (i64 i = 0; i < n; ++i) ++count[tree.meeting[i].level];
    for (int v = top, sum = 0; v >= 0; --v) {
        const int here = count[v];
        count[v] = sum;
        sum += here;
    }
    for (i64 i = 0; i < n; ++i) tree.sorted[count[tree.meeting[i].level]++] = tree.meeting[i];
    return true;
}

// Counts the pixels of each group at or above level `high` and levels below, as many as there are
// columns; sums their flux if the rule is about it. Returns false if it was stopped.
template <class Value>
bool count_areas(Source<Value> &source, bool saddle, int high, const int *flag, Tree &tree) {
    const i64 n = tree.n_hills, columns = tree.columns, row = columns + 1;
    const int *top = source.top.begin(), *level = source.level.begin(), *hill_at = tree.hill_at.begin();
    int *area = tree.area.begin(), *home = tree.marker.begin();  // home: where a hill's pixels count
    double *flux = saddle ? tree.flux.begin() : nullptr;
    tree.high = high;
    std::fill(area, area + (n + 1) * row, 0);
    if (saddle) std::fill(flux, flux + (n + 1) * row, 0.0);
    for (int hill = 0; hill < n; ++hill) home[hill] = tree.root_of(hill);
    home[n] = int(n);
    for (int k = source.shape.first; k < source.shape.stop; ++k) {
        if (k % HEARD == 0 && stopped(flag)) return false;
        // The last column is for pixels of other levels.
        const i64 column = min(unsigned(high - level[k]), unsigned(columns));
        const i64 at = home[hill_at[top[k]]] * row + column;
        ++area[at];
        if (saddle && level[k] > 0) flux[at] += source.value[k];
    }
    for (i64 group = 0; group < n; ++group) {
        if (tree.up[group] != group) continue;
        int sum = tree.area_above[group];
        for (i64 i = group * row; i < group * row + columns; ++i) sum = area[i] += sum;
        if (!saddle) continue;
        double total = tree.flux_above[group];
        for (i64 i = group * row; i < group * row + columns; ++i) total = flux[i] += total;
    }
    return true;
}

// Ends the columns at a level: what is above it is kept.
inline void close_columns(int low, bool saddle, Tree &tree) {
    for (i64 group = 0; group < tree.n_hills; ++group) {
        const i64 last = group * (tree.columns + 1) + tree.high - low - 1;
        tree.area_above[group] = tree.area[last];
        if (saddle) tree.flux_above[group] = tree.flux[last];
    }
    tree.high = low;
}

// Whether a group is large enough above level v.
inline bool is_large(Tree &tree, int group, int v, const Rule &rule) {
    const i64 at = group * (tree.columns + 1) + tree.high - v - 1;
    const bool above = v == tree.high;
    const int area = above ? tree.area_above[group] : tree.area[at];
    if (!has_size(area, rule)) return false;
    return !rule.saddle || excess(above ? tree.flux_above[group] : tree.flux[at], area, v, rule) > 0;
}

// Joins two groups at level v.
inline void join(Tree &tree, int a, int b, int v, bool saddle) {
    if (tree.weight[a] < tree.weight[b]) std::swap(a, b);
    tree.up[b] = a;
    tree.died[b] = v;
    tree.weight[a] += tree.weight[b];
    const i64 row = tree.columns + 1;
    for (i64 i = tree.high - v; i < tree.columns; ++i) tree.area[a * row + i] += tree.area[b * row + i];
    for (i64 i = tree.high - v; saddle && i < tree.columns; ++i)
        tree.flux[a * row + i] += tree.flux[b * row + i];
}

// Joins what meets at level v, and returns how many markers that makes.
inline int join_level(
    Tree &tree, const Meeting *meeting, i64 n, int v, const Rule &rule, const int *flag) {
    int n_touched = 0, n_markers = 0;
    for (i64 i = 0; i < n; ++i) {
        if (i % HEARD == 0 && stopped(flag)) return 0;  // as the caller sees
        const int a = tree.root_of(meeting[i].a), b = tree.root_of(meeting[i].b);
        if (a == b) continue;
        for (int group : {a, b}) {
            if (tree.seen[group] == v) continue;
            tree.seen[group] = v;
            tree.node[group] = opened(tree.node[group], is_large(tree, group, v, rule));
            tree.touched[n_touched++] = group;
        }
        join(tree, a, b, v, rule.saddle);
    }
    for (int i = 0; i < n_touched; ++i) {
        const int group = tree.touched[i];
        if (tree.node[group] & HELD) ++tree.node[tree.root_of(group)];
    }
    for (int i = 0; i < n_touched; ++i) {
        const int group = tree.touched[i];
        if (!is_marker(tree.node[group], tree.node[tree.root_of(group)])) continue;
        tree.cut[group] = v + 1;
        ++n_markers;
    }
    for (int i = 0; i < n_touched; ++i) {
        const int group = tree.touched[i], root = tree.root_of(group);
        if (has_siblings(tree.node[group], group != root, tree.node[root])) tree.node[root] |= SPLIT;
    }
    return n_markers;
}

// The groups above the lowest threshold are siblings, too; returns how many markers that makes.
inline int part_at_the_bottom(Tree &tree, const Rule &rule) {
    int held = 0, n_markers = 0;
    for (int group = 0; group < tree.n_hills; ++group) {
        if (tree.up[group] != group) continue;
        tree.node[group] = opened(tree.node[group], is_large(tree, group, 0, rule));
        held += (tree.node[group] & HELD) != 0;
    }
    for (int group = 0; group < tree.n_hills; ++group) {
        if (tree.up[group] != group || !is_marker(tree.node[group], held)) continue;
        tree.cut[group] = 1;
        ++n_markers;
    }
    return n_markers;
}

// Joins the hills from the top level down; returns how many markers there are, or more than
// max_markers if that is not negative, or NO_MEMORY or STOPPED.
template <class Value>
i64 join_levels(
    Source<Value> &source, const Rule &rule, i64 max_markers, const int *flag, Tree &tree) {
    const i64 n = tree.n_hills;
    int top = 0;
    for (i64 hill = 0; hill < n; ++hill) top = max(top, tree.height[hill]);
    // Thousands of thresholds and of peaks are looked at in several rounds.
    tree.columns = max(min(i64(top), 4 * i64(source.shape.size) / n), i64(1));
    if (!tree.hold(n, rule.saddle) || !sort_meetings(top, tree)) return NO_MEMORY;
    for (int group = 0; group < n; ++group) {
        tree.up[group] = group, tree.weight[group] = 1, tree.seen[group] = -1;
        tree.died[group] = tree.node[group] = tree.cut[group] = tree.area_above[group] = 0;
        if (rule.saddle) tree.flux_above[group] = 0.0;
    }
    i64 n_markers = 0, at = 0;
    for (int high = top, low; high > 0; high = low) {
        low = int(max(high - tree.columns, i64(0)));
        if (!count_areas(source, rule.saddle, high, flag, tree)) return STOPPED;
        for (int v = high; v > low; --v) {
            const i64 stop = tree.count[v];
            n_markers += join_level(tree, tree.sorted.begin() + at, stop - at, v, rule, flag);
            if (stopped(flag)) return STOPPED;
            if (max_markers >= 0 && n_markers > max_markers) return n_markers;
            at = stop;
        }
        close_columns(low, rule.saddle, tree);
    }
    return n_markers + part_at_the_bottom(tree, rule);
}

// Gives each hill the number of its marker, 0 for none, and the level above which its pixels belong to
// it as `cut`. Markers are numbered by their first pixels.
inline void number_markers(
    const Shape &shape, const int *top, const int *level, unsigned char *__restrict mask,
    i64 n_markers, Tree &tree) {
    const i64 n = tree.n_hills;
    int *owner = tree.owner.begin(), *number = tree.seen.begin(), *cut = tree.touched.begin(), least = TOP;
    for (int hill = 0; hill < n; ++hill) {
        owner[hill] = owner_of(
            hill, tree.height[hill], tree.up.begin(), tree.died.begin(), tree.cut.begin());
        cut[hill] = owner[hill] < 0 ? TOP : tree.cut[owner[hill]] - 1;
        least = min(least, cut[hill]);
        number[hill] = 0;
    }
    constexpr int SOME = 512;
    i64 used = 0;
    for (int begin = shape.first; used < n_markers && begin < shape.stop; begin += SOME) {
        const int stop = min(begin + SOME, shape.stop);
        for (int k = begin; k < stop; ++k) mask[k] = level[k] > least;
        for_marked(mask, begin, stop, [&](int k) {
            const int hill = tree.hill_at[top[k]];
            if (level[k] > cut[hill] && !number[owner[hill]]) number[owner[hill]] = int(++used);
        });
    }
    for (int hill = 0; hill < n; ++hill) {
        tree.marker[hill] = owner[hill] < 0 ? 0 : number[owner[hill]];
        tree.cut[hill] = cut[hill];
    }
}

// Finds the markers; returns how many there are, or more than max_markers if that is not negative, or
// NO_MEMORY or STOPPED. Fewer than two are not numbered.
template <class Cells, class Value>
i64 find_markers(
    const Cells cells, Source<Value> &source, const Rule &rule, int n_levels, i64 max_markers,
    const int *flag, Tree &tree) {
    const Shape shape = source.shape;
    int *top = source.top.begin(), *level = source.level.begin(), *label = source.label.begin();
    unsigned char *mask = source.mask.begin();
    if (!tree.root.hold(shape.size) || !tree.hill_at.hold(shape.size)) return NO_MEMORY;
    quantise(source, rule.threshold, n_levels);
    if (stopped(flag)) return STOPPED;
    point_up(cells, source.value.begin(), label, top);
    if (!list_peaks(shape, label, top, mask, tree)) return NO_MEMORY;
    if (stopped(flag)) return STOPPED;
    climb(shape, top, tree.root.begin());
    if (stopped(flag)) return STOPPED;
    const i64 joined = join_hills(cells, top, level, mask, flag, tree);
    if (joined < 0) return joined;
    if (!number_hills(shape, level, tree)) return NO_MEMORY;
    if (tree.n_hills < 2) return tree.n_hills;
    if (stopped(flag)) return STOPPED;
    const i64 n = join_levels(source, rule, max_markers, flag, tree);
    if (n >= 2 && (max_markers < 0 || n <= max_markers)) number_markers(shape, top, level, mask, n, tree);
    return stopped(flag) ? i64(STOPPED) : n;
}

// Whether a pixel belongs to a marker.
inline bool is_in_marker(const int *top, const int *level, Tree &tree, int k) {
    return level[k] > 0 && level[k] > tree.cut[tree.hill_at[top[k]]];
}

// Labels the pixels of the markers, and leaves those of others without.
template <class Value> void draw_markers(Source<Value> &source, Tree &tree) {
    const int *top = source.top.begin(), *level = source.level.begin();
    int *label = source.label.begin();
    for (int k = source.shape.first; k < source.shape.stop; ++k) {
        if (label[k] == OUTSIDE) continue;
        label[k] = is_in_marker(top, level, tree, k) ? tree.marker[tree.hill_at[top[k]]] : 0;
    }
}

}  // namespace deblending
