// Deblending on the CPU, source by source: where its pixels lie (cells.hpp), its markers (tree.hpp), the
// watershed (flood.hpp), the contrast rule (contrast.hpp). Room is as large as the largest source of a
// range takes.

#include "skyshed/kernels/deblending/contrast.hpp"
#include "skyshed/kernels/deblending/tree.hpp"

namespace deblending {
namespace {

// Flags of sources; those of the contract.
constexpr unsigned char TOO_MANY = 1, NOT_COVERED = 2;

// What a source works with.
template <class Value> struct Work {
    Source<Value> source;
    Tree tree;
    Flood<Value> flood;
    Basins basins;
};

// What is the same for all sources.
struct Task {
    i64 nx;
    int n_levels;
    i64 npixels;
    double contrast;
    bool saddle;
    i64 max_markers;
    const int *flag;
};

struct Outcome {
    i64 children;  // or NO_MEMORY, STOPPED
    unsigned char flags;
};

// Puts n pixels into cells, without labels. Returns false if there is no memory.
template <class Value>
bool take_pixels(
    const Value *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, const Shape &shape,
    Source<Value> &source) {
    source.shape = shape;
    source.n = int(n);
    if (!source.hold(n, shape.size)) return false;
    Value *value = source.value.begin();
    int *label = source.label.begin();
    std::fill(value, value + shape.size + BLOCK, -Value(INF_VALUE));
    std::fill(label, label + shape.size + BLOCK, OUTSIDE);
    for_pixels(source, pixel, nx, bbox, [=](int k, int cell) {
        value[cell] = flooded(values[k]);
        label[cell] = 0;
    });
    return true;
}

// Fills the table of neighbours, for sources that need it. Returns false if there is no memory.
template <class Value> bool make_table(const i64 *pixel, i64 nx, Source<Value> &source) {
    if (source.shape.row) return true;
    if (!source.table.hold(8 * i64(source.n))) return false;
    find_neighbours(pixel, source.n, nx, source.table.begin());
    return true;
}

// The flux of a source in raster order.
template <class Value> double total_of(Source<Value> &source) {
    double total = 0.0;
    for (int k = source.shape.first; k < source.shape.stop; ++k)
        total += counts(source.value[k]) ? double(source.value[k]) : 0.0;
    return total;
}

// Whether a pixel with several brightest neighbours lies below one label.
template <class Cells, class Value> bool is_below_one(const Cells cells, Source<Value> &source, int k) {
    Best<Value> best = {0, 0, -1};
    for (int w = 0; w < Cells::WAYS; ++w) {
        const int q = cells.near(k, w);
        if (source.label[q] != OUTSIDE) best.meet(source.value[q], 0, q);
    }
    bool one = true;
    for (int w = 0; w < Cells::WAYS; ++w) {
        const int q = cells.near(k, w);
        if (source.label[q] != OUTSIDE && best.equals(source.value[q], 0))
            one &= source.label[q] == source.label[k];
    }
    return one;
}

// Floods a source from its markers. What leads up into a marker is flooded from there, down the slope,
// since a marker has all that is brighter around it; mostly that is most. What is left, around peaks
// that are no markers, is flooded in the order of its values. NOT, where equal values leave doubt.
template <class Cells, class Value>
Flooded flood_down_slopes(const Cells cells, Work<Value> &work, const int *flag) {
    Source<Value> &source = work.source;
    Tree &tree = work.tree;
    const int *top = source.top.begin(), *level = source.level.begin();
    int *label = source.label.begin(), *of_peak = tree.root.begin();
    std::fill(of_peak, of_peak + source.shape.size, OUTSIDE);
    for (i64 i = 0; i < tree.n_peaks; ++i) {
        const int k = tree.peak[i];
        of_peak[k] = is_in_marker(top, level, tree, k) ? tree.marker[tree.hill_at[k]] : 0;
    }
    for (int k = cells.first; k < cells.stop; ++k) label[k] = of_peak[top[k]];
    for (i64 i = 0; i < tree.n_tied; ++i) {
        const int k = tree.tied[i];
        if (label[k] == 0 || is_in_marker(top, level, tree, k)) continue;
        if (!is_below_one(cells, source, k)) return Flooded::NOT;
    }
    if (!gather(cells, source, work.flood)) return Flooded::NO_MEMORY;
    return flood_by_lists(cells, label, work.flood, false, flag);
}

template <class Cells, class Value>
Flooded flood_from_markers(const Cells cells, Work<Value> &work, const int *flag) {
    const Flooded done = flood_down_slopes(cells, work, flag);
    if (done != Flooded::NOT) return done;
    draw_markers(work.source, work.tree);
    if (!gather(cells, work.source, work.flood)) return Flooded::NO_MEMORY;
    return flood_exactly(cells, work.source, work.flood, flag);
}

// Splits a source.
template <class Cells, class Value>
Outcome split(const Cells cells, const double *threshold, const Task &task, Work<Value> &work) {
    Source<Value> &source = work.source;
    const double limit = task.saddle ? task.contrast * total_of(source) : 0.0;
    const Rule rule = {threshold, task.npixels, task.saddle, limit};
    i64 n = find_markers(cells, source, rule, task.n_levels, task.max_markers, task.flag, work.tree);
    if (n < 0) return {n, 0};
    if (task.max_markers >= 0 && n > task.max_markers) return {0, TOO_MANY};
    if (n < 2) return {0, 0};
    const Flooded done = flood_from_markers(cells, work, task.flag);
    if (done == Flooded::STOPPED || stopped(task.flag)) return {STOPPED, 0};
    if (done == Flooded::NO_MEMORY) return {NO_MEMORY, 0};
    if (!task.saddle) {
        work.basins.n = int(n);
        n = remove_faint_basins(cells, source, task.contrast, work.basins, work.flood, task.flag);
        if (n < 0) return {n, 0};
    }
    const int *label = source.label.begin();
    int gaps = 0;
    for (int k = cells.first; k < cells.stop; ++k) gaps |= label[k] == 0;
    if (gaps) return {0, NOT_COVERED};
    return {n > 1 ? n : 0, 0};
}

template <int WAYS, class Value>
Outcome split(
    const Value *values, const i64 *pixel, i64 n, const i64 *bbox, const double *threshold,
    const Task &task, Work<Value> &work) {
    Source<Value> &source = work.source;
    if (!take_pixels(values, pixel, n, task.nx, bbox, shape_of(bbox, n), source) ||
        !make_table(pixel, task.nx, source))
        return {NO_MEMORY, 0};
    if (source.shape.row) return split(Box<WAYS>(source.shape), threshold, task, work);
    return split(Table<WAYS>(source.shape, source.table.begin()), threshold, task, work);
}

// Splits the sources index[order[i0:i1]]. What there is one of for each of `index` is in its order.
template <class Value>
i64 deblend(
    const Value *values, const i64 *pixel, const i64 *start, const i64 *bbox, i64 nx, const i64 *index,
    const i64 *child_start, const double *thresholds, i64 n_levels, i64 npixels, double contrast,
    bool corners, bool saddle, i64 max_markers, const i64 *order, const int *flag, int *child, i64 *nchild, unsigned char *flags,
    i64 i0, i64 i1) {
    const Task task = {nx, int(n_levels), npixels, contrast, saddle, max_markers, flag};
    Work<Value> work;
    for (i64 i = i0; i < i1; ++i) {
        const i64 at = order[i], begin = start[index[at]], n = start[index[at] + 1] - begin;
        const i64 *box = bbox + 4 * index[at];
        const double *threshold = thresholds + at * n_levels;
        if (i + 1 < i1) {
            // Sources come in the order of their size, from all over the memory.
            prefetch(values + start[index[order[i + 1]]]);
            prefetch(pixel + start[index[order[i + 1]]]);
            const double *next = thresholds + order[i + 1] * n_levels;
            for (i64 k = 0; k < min(n_levels, i64(32)); k += 8) prefetch(next + k);
        }
        const Outcome outcome =
            corners ? split<8>(values + begin, pixel + begin, n, box, threshold, task, work)
                    : split<4>(values + begin, pixel + begin, n, box, threshold, task, work);
        if (outcome.children < 0) return outcome.children;
        nchild[at] = outcome.children;
        flags[at] = outcome.flags;
        for (int j = 0; outcome.children && j < work.source.n_runs; ++j) {
            const Run run = work.source.run[j];
            std::copy_n(work.source.label.begin() + run.cell, run.length, child + child_start[at] + run.at);
        }
    }
    return 0;
}

SKYSHED_KERNEL("deblending.deblend", deblend<float>);
SKYSHED_KERNEL("deblending.deblend", deblend<double>);

}  // namespace
}  // namespace deblending
