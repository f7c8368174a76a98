// The steps of deblending, one by one, for test_deblending.py: each with the pixels in their box, and
// with a table of neighbours.

#include "skyshed/kernels/deblending/deblending.cpp"

namespace deblending {
namespace {

constexpr i64 TOO_FEW = -3;

// Calls step(cells, work) with the cells of n pixels, of a value each.
template <class Step>
i64 with_cells(
    const double *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, bool corners, bool boxed,
    Step step) {
    Work<double> work;
    Source<double> &source = work.source;
    const Shape box = shape_of(bbox, n), table = {0, int(n), int(n) + 1, 0};
    if (!take_pixels(values, pixel, n, nx, bbox, boxed ? box : table, source) ||
        !make_table(pixel, nx, source))
        return NO_MEMORY;
    if (source.shape.row)
        return corners ? step(Box<8>(source.shape), work) : step(Box<4>(source.shape), work);
    const int *place = source.table.begin();
    return corners ? step(Table<8>(source.shape, place), work) : step(Table<4>(source.shape, place), work);
}

// Copies what cells hold to the pixels, or the other way round.
void to_pixels(Source<double> &source, int *of_pixel) {
    for (int i = 0; i < source.n_runs; ++i)
        std::copy_n(source.label.begin() + source.run[i].cell, source.run[i].length,
                    of_pixel + source.run[i].at);
}
void to_cells(Source<double> &source, const int *of_pixel) {
    for (int i = 0; i < source.n_runs; ++i)
        std::copy_n(of_pixel + source.run[i].at, source.run[i].length,
                    source.label.begin() + source.run[i].cell);
}

// The place of each pixel's neighbours, n where there is none; returns whether a box was used.
i64 neighbours(
    const double *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, bool boxed, int *place) {
    return with_cells(values, pixel, n, nx, bbox, true, boxed, [&](const auto cells, auto &work) {
        Source<double> &source = work.source;
        Room<int> at;
        if (!at.hold(source.shape.size)) return NO_MEMORY;
        std::fill(at.begin(), at.begin() + source.shape.size, int(n));
        for (int i = 0; i < source.n_runs; ++i)
            for (int k = 0; k < source.run[i].length; ++k)
                at[source.run[i].cell + k] = source.run[i].at + k;
        for (int k = 0; k < source.shape.size; ++k)
            for (int w = 0; at[k] < n && w < 8; ++w) place[8 * at[k] + w] = at[cells.near(k, w)];
        return i64(source.shape.row > 0);
    });
}

i64 sort(const double *key, int *item, i64 begin, i64 end) {
    Room<Entry<u64>> entry, spare;
    if (!entry.hold(end) || !spare.hold(end)) return NO_MEMORY;
    for (i64 i = 0; i < end; ++i) entry[i] = {key_of(key[i]), item[i]};
    sort_descending(entry.begin() + begin, int(end - begin), spare.begin());
    for (i64 i = 0; i < end; ++i) item[i] = entry[i].cell;
    return 0;
}

template <class Value>
i64 levels(const Value *value, i64 n, const double *threshold, i64 n_levels, int *level) {
    Source<Value> source;
    source.shape = {0, int(n), int(n), 0};
    if (!source.hold(n, n)) return NO_MEMORY;
    std::fill(source.value.begin(), source.value.begin() + n + BLOCK, -Value(INF_VALUE));
    std::copy_n(value, n, source.value.begin());
    quantise(source, threshold, int(n_levels));
    std::copy_n(source.level.begin(), n, level);
    return 0;
}

// Draws the markers and returns how many there are.
i64 markers(
    const double *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, bool corners, bool boxed,
    const double *threshold, i64 n_levels, i64 npixels, int *drawn) {
    return with_cells(values, pixel, n, nx, bbox, corners, boxed, [&](const auto cells, auto &work) {
        const Rule rule = {threshold, npixels, false, 0.0};
        const i64 found =
            find_markers(cells, work.source, rule, int(n_levels), -1, nullptr, work.tree);
        if (found >= 2) draw_markers(work.source, work.tree);
        to_pixels(work.source, drawn);
        return found;
    });
}

// Floods from the labels that there are, seeds of the first hour, by lists or by the heap; returns
// whether that is exact.
i64 flood(
    const double *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, bool corners, bool boxed,
    bool by_heap, int *label) {
    return with_cells(values, pixel, n, nx, bbox, corners, boxed, [&](const auto cells, auto &work) {
        Source<double> &source = work.source;
        Flooded done = Flooded::NO_MEMORY;
        to_cells(source, label);
        if (by_heap) done = flood_by_heap(cells, source, work.flood, nullptr);
        else if (gather(cells, source, work.flood))
            done = flood_by_lists(cells, source.label.begin(), work.flood, true, nullptr);
        to_pixels(source, label);
        return i64(done == Flooded::EXACTLY);
    });
}

// Floods from the source's markers, down the slopes or all by the heap; returns whether that is exact,
// or TOO_FEW.
i64 flood_from(
    const double *values, const i64 *pixel, i64 n, i64 nx, const i64 *bbox, bool corners, bool boxed,
    const double *threshold, i64 n_levels, bool by_heap, int *label) {
    return with_cells(values, pixel, n, nx, bbox, corners, boxed, [&](const auto cells, auto &work) {
        const Rule rule = {threshold, 1, false, 0.0};
        if (find_markers(cells, work.source, rule, int(n_levels), -1, nullptr, work.tree) < 2)
            return TOO_FEW;
        if (by_heap) draw_markers(work.source, work.tree);
        const Flooded done = by_heap ? flood_by_heap(cells, work.source, work.flood, nullptr)
                                     : flood_down_slopes(cells, work, nullptr);
        to_pixels(work.source, label);
        return i64(done == Flooded::EXACTLY);
    });
}

SKYSHED_KERNEL("steps.neighbours", neighbours);
SKYSHED_KERNEL("steps.sort", sort);
SKYSHED_KERNEL("steps.levels", levels<float>);
SKYSHED_KERNEL("steps.levels", levels<double>);
SKYSHED_KERNEL("steps.markers", markers);
SKYSHED_KERNEL("steps.flood", flood);
SKYSHED_KERNEL("steps.flood_from", flood_from);

}  // namespace
}  // namespace deblending
