// Sources of a label image by runs: one read of the image; the runs are counted, not the pixels.

#include "skyshed/kernels/segments/segments.h"

#include "skyshed/kernels/segments/runs.hpp"

namespace segments {
namespace {

// Whether any of n <= 64 pixels has a label.
bool some_label(const int *at, i64 n) {
    int some = 0;
    if (n == runs::WORD) for (int k = 0; k < runs::WORD; ++k) some |= at[k];
    else for (i64 k = 0; k < n; ++k) some |= at[k];
    return some;
}

struct Word {
    u64 begun, ended;
};

// Where the runs of n pixels start and end; the pixels at either side of them are read, too.
Word word_of(const int *at, i64 n) {
    return {runs::word_of(n, [=](int k) { return starts(at[k], at[k - 1]); }),
            runs::word_of(n, [=](int k) { return ends(at[k], at[k + 1]); })};
}

// The same for the first and the last pixels of a row, beside which there is nothing.
Word word_at_an_end(const int *row, i64 x, i64 n, i64 nx) {
    int with_sides[runs::WORD + 2] = {x ? row[x - 1] : 0};
    std::memcpy(with_sides + 1, row + x, size_t(n) * sizeof(int));
    with_sides[n + 1] = x + n < nx ? row[x + n] : 0;
    return word_of(with_sides + 1, n);
}

// Says where the runs of rows y0 to y1 start and end, a bit for each pixel, and counts them.
i64 find(const int *image, i64 nx, u64 *begun, u64 *ended, i64 *count, i64 y0, i64 y1) {
    const i64 n_words = runs::words_of(nx);
    for (i64 y = y0; y < y1; ++y) {
        const int *row = image + y * nx;
        count[y] = 0;
        for (i64 w = 0; w < n_words; ++w) {
            const i64 x = w * runs::WORD, n = min(nx - x, runs::WORD);
            Word word = {0, 0};
            if (some_label(row + x, n))
                word = x && x + n < nx ? word_of(row + x, n) : word_at_an_end(row, x, n, nx);
            begun[y * n_words + w] = word.begun;
            ended[y * n_words + w] = word.ended;
            count[y] += runs::population(word.begun);
        }
    }
    return 0;
}

SKYSHED_KERNEL("segments.find", find);

// Writes down where the runs of rows y0 to y1 begin (flat indices), how long they are and their labels.
i64 record(
    const int *image, i64 nx, const u64 *begun, const u64 *ended, const i64 *row_start, i64 *begin,
    int *length, int *label, i64 y0, i64 y1) {
    const i64 n_words = runs::words_of(nx);
    for (i64 y = y0; y < y1; ++y) {
        i64 first = row_start[y], last = first;
        const i64 stop = row_start[y + 1];  // an image that changes meanwhile may have more ends
        if (first == stop) continue;
        for (i64 w = 0; w < n_words; ++w) {
            const i64 corner = y * nx + w * runs::WORD;
            for (u64 left = begun[y * n_words + w]; left && first < stop; left &= left - 1, ++first)
                begin[first] = corner + lowest_bit(left);
            for (u64 left = ended[y * n_words + w]; left && last < first; left &= left - 1, ++last)
                length[last] = int(corner + lowest_bit(left) - begin[last] + 1);
        }
        for (i64 run = row_start[y]; run < first; ++run) label[run] = image[begin[run]];
    }
    return 0;
}

SKYSHED_KERNEL("segments.record", record);

// Numbers the labels that occur, all of them below n_table, in their order, from 0: writes these labels
// down, and the number of each run's; returns how many there are. table is zero.
i64 rank(const int *label, i64 n_runs, i64 n_table, int *table, int *of_run, int *labels) {
    for (i64 run = 0; run < n_runs; ++run) table[label[run]] = 1;
    int n = 0;
    for (i64 each = 0; each < n_table; ++each) {
        labels[n] = int(each);
        const int occurs = table[each];
        table[each] = n;
        n += occurs;
    }
    for (i64 run = 0; run < n_runs; ++run) of_run[run] = table[label[run]];
    return n;
}

SKYSHED_KERNEL("segments.rank", rank);

// Sums areas, which are zero, and finds the boxes of the sources of runs, which come in raster order.
i64 measure(
    const i64 *begin, const int *length, const int *rank, i64 n_runs, i64 nx, i64 *area, i64 *bbox) {
    for (i64 run = 0; run < n_runs; ++run) {
        const i64 y = begin[run] / nx, x0 = begin[run] - y * nx, x1 = x0 + length[run];
        i64 *box = bbox + 4 * i64(rank[run]);
        if (!area[rank[run]]) box[0] = y, box[2] = x0, box[3] = x1;
        area[rank[run]] += length[run];
        box[1] = y + 1;
        box[2] = min(box[2], x0);
        box[3] = max(box[3], x1);
    }
    return 0;
}

SKYSHED_KERNEL("segments.measure", measure);

// Says where in the list of pixels each run begins; next is where each source begins, and then where
// it ends.
i64 place(const int *length, const int *rank, i64 n_runs, i64 *next, i64 *at) {
    for (i64 run = 0; run < n_runs; ++run) {
        at[run] = next[rank[run]];
        next[rank[run]] += length[run];
    }
    return 0;
}

SKYSHED_KERNEL("segments.place", place);

// Writes the pixels of runs run0 to run1.
i64 write(
    const i64 *begin, const int *length, const i64 *at, i64 *pixel, i64 run0, i64 run1) {
    for (i64 run = run0; run < run1; ++run)
        for (i64 i = 0; i < length[run]; ++i) pixel[at[run] + i] = begin[run] + i;
    return 0;
}

SKYSHED_KERNEL("segments.write", write);

// Copies rows i0 to i1 of those taken; size is that of an element.
i64 take(
    const unsigned char *pixel, i64 size, const i64 *start, const i64 *index, const i64 *new_start,
    unsigned char *out, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const i64 from = start[index[i]];
        if (i + 2 < i1) prefetch(pixel + size * start[index[i + 2]]);
        std::memcpy(
            out + size * new_start[i], pixel + size * from, size_t(size * (start[index[i] + 1] - from)));
    }
    return 0;
}

SKYSHED_KERNEL("segments.take", take);

}  // namespace
}  // namespace segments
