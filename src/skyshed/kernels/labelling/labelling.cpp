// Labelling by runs, so that all state but the words and the output is as large as the sources.

#include "skyshed/kernels/labelling/labelling.h"

#include "skyshed/kernels/segments/runs.hpp"

namespace labelling {
namespace {

template <bool SCALAR, class Value, class Limit>
i64 find_in_row(const Value *row, const Limit *limit, const bool *mask, i64 nx, u64 *words) {
    i64 count = 0;
    bool before = false;
    const Limit one = SCALAR ? *limit : Limit(0);
    for (i64 x = 0; x < nx; x += runs::WORD) {
        const i64 n = min(nx - x, runs::WORD);
        u64 inside = runs::word_of(
            n, [=](int k) { return above(row[x + k], SCALAR ? one : limit[x + k]); });
        if (inside && mask) inside &= ~runs::word_of(n, [=](int k) { return mask[x + k]; });
        count += runs::population(runs::starts(inside, before));
        before = inside >> (runs::WORD - 1);
        *words++ = inside;
    }
    return count;
}

template <class Limit> i64 negative_in_row(const Limit *limit, i64 nx) {
    int count = 0;
    for (i64 x = 0; x < nx; ++x) count += limit[x] < Limit(0);
    return count;
}

// Says which pixels of rows y0 to y1 are above the limit (one, or one for each pixel) and not masked,
// a bit for each, how many runs they make in each row, and how many of its limits are negative.
template <class Value, class Limit>
i64 find(
    const Value *data, const Limit *limit, bool scalar, const bool *mask, i64 nx, i64 *negative, u64 *words,
    i64 *count, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        const Value *row = data + y * nx;
        const bool *out = mask ? mask + y * nx : nullptr;
        u64 *of_row = words + y * runs::words_of(nx);
        if (scalar) {
            count[y] = find_in_row<true>(row, limit, out, nx, of_row);
            negative[y] = *limit < Limit(0) ? nx : 0;
        } else {
            count[y] = find_in_row<false>(row, limit + y * nx, out, nx, of_row);
            negative[y] = negative_in_row(limit + y * nx, nx);
        }
    }
    return 0;
}

SKYSHED_KERNEL("labelling.find", find<float, float>);
SKYSHED_KERNEL("labelling.find", find<float, double>);
SKYSHED_KERNEL("labelling.find", find<double, float>);
SKYSHED_KERNEL("labelling.find", find<double, double>);

i64 root_of(i64 *parent, i64 run) {
    while (parent[run] != run) {
        parent[run] = parent[parent[run]];
        run = parent[run];
    }
    return run;
}

// Runs touch that share a column, or with reach 1 a corner.
void join_row(
    const i64 *row_start, const int *first, const int *last, i64 *parent, int reach, i64 y) {
    i64 upper = row_start[y - 1];
    const i64 upper_stop = row_start[y];
    for (i64 run = row_start[y]; run < row_start[y + 1]; ++run) {
        while (upper < upper_stop && last[upper] + reach < first[run]) ++upper;
        for (i64 other = upper; other < upper_stop && first[other] <= last[run] + reach; ++other) {
            const i64 a = root_of(parent, other), b = root_of(parent, run);
            if (a < b) parent[b] = a; else parent[a] = b;
        }
    }
}

// Joins the runs of rows y0, y0 + step, ... below y1 with those of the rows above them. The smaller
// run becomes the root, which so is a component's first run, and holds its first pixel.
i64 join(
    const i64 *row_start, const int *first, const int *last, i64 *parent, i64 reach, i64 step,
    i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; y += step) join_row(row_start, first, last, parent, int(reach), y);
    return 0;
}

SKYSHED_KERNEL("labelling.join", join);

// Numbers the components that are large enough, gives each run its label, and returns how many labels
// there are. area is zero.
i64 number(
    const int *first, const int *last, i64 n_runs, i64 npixels, i64 *parent, i64 *area, int *label) {
    for (i64 run = 0; run < n_runs; ++run) {
        const i64 root = root_of(parent, run);
        parent[run] = root;
        area[root] += last[run] - first[run] + 1;
    }
    i64 n_labels = 0;
    for (i64 run = 0; run < n_runs; ++run) {
        const i64 root = parent[run];
        if (root != run) label[run] = label[root];
        else label[run] = large_enough(area[run], npixels) ? int(++n_labels) : 0;
    }
    return n_labels;
}

SKYSHED_KERNEL("labelling.number", number);

// Writes the labels of the runs of rows y0 to y1 into an image of zeros.
i64 write(
    const i64 *row_start, const int *first, const int *last, const int *label, i64 nx, int *out,
    i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y)
        for (i64 run = row_start[y]; run < row_start[y + 1]; ++run)
            if (label[run]) std::fill(out + y * nx + first[run], out + y * nx + last[run] + 1, label[run]);
    return 0;
}

SKYSHED_KERNEL("labelling.write", write);

// Writes down where the runs that have a label begin (flat indices), how long they are, and their labels
// from 0; returns how many there are.
i64 keep(
    const i64 *row_start, const int *first, const int *last, const int *label, i64 ny, i64 nx, i64 *begin,
    int *length, int *rank) {
    i64 n = 0;
    for (i64 y = 0; y < ny; ++y) {
        for (i64 run = row_start[y]; run < row_start[y + 1]; ++run) {
            begin[n] = y * nx + first[run], length[n] = last[run] - first[run] + 1;
            rank[n] = label[run] - 1;
            n += label[run] != 0;
        }
    }
    return n;
}

SKYSHED_KERNEL("labelling.keep", keep);

// Looks the labels of pixels p0 to p1 up in a table of n, and returns how many are not in it: these
// pixels become 0. Most pixels of most images are background: a block of it is written without looking.
i64 relabel(const int *labels, const int *table, i64 n, int *out, i64 p0, i64 p1) {
    constexpr i64 BLOCK = 32;
    i64 beyond = 0;
    const auto look_up = [&](i64 p) {
        const int label = labels[p];
        const bool known = label >= 0 && label < n;
        out[p] = known ? table[label] : 0;
        beyond += !known;
    };
    i64 p = p0;
    for (; p + BLOCK <= p1; p += BLOCK) {
        int some = 0;
        for (int k = 0; k < BLOCK; ++k) some |= labels[p + k];
        if (some) for (int k = 0; k < BLOCK; ++k) look_up(p + k);
        else for (int k = 0; k < BLOCK; ++k) out[p + k] = table[0];
    }
    for (; p < p1; ++p) look_up(p);
    return beyond;
}

SKYSHED_KERNEL("labelling.relabel", relabel);

}  // namespace
}  // namespace labelling
