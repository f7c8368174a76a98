// The values of every source, their range and peaks; and label images from sources and children.

#include "skyshed/kernels/deblending/cells.hpp"
#include "skyshed/kernels/deblending/values.h"

namespace deblending {
namespace {

// How far ahead pixels are asked for.
constexpr i64 AHEAD = 128;

template <class Value> struct Range {
    Value least, most;
};

// The extremes of n values without NaN.
template <class Value> Range<Value> range_of(const Value *values, i64 n) {
    constexpr int LANES = 16;
    Value least[LANES], most[LANES];
    std::fill(least, least + LANES, Value(INF_VALUE));
    std::fill(most, most + LANES, -Value(INF_VALUE));
    i64 k = 0;
    for (; k + LANES <= n; k += LANES) {
        for (int j = 0; j < LANES; ++j) {
            least[j] = values[k + j] < least[j] ? values[k + j] : least[j];
            most[j] = values[k + j] > most[j] ? values[k + j] : most[j];
        }
    }
    for (; k < n; ++k) {
        least[0] = values[k] < least[0] ? values[k] : least[0];
        most[0] = values[k] > most[0] ? values[k] : most[0];
    }
    for (int j = 1; j < LANES; ++j) {
        least[0] = least[j] < least[0] ? least[j] : least[0];
        most[0] = most[j] > most[0] ? most[j] : most[0];
    }
    // -0 is 0, whichever came first.
    return {least[0] + 0, most[0] + 0};
}

// How many pixels have no brighter neighbour, counting up to 2. NaN, as which cells without a pixel
// have, is no peak.
template <class Cells, class Value> i64 count_peaks(const Cells cells, const Value *value) {
    constexpr int BLOCK = 256;
    int peaks = 0;
    for (int begin = cells.first; begin < cells.stop && peaks < 2; begin += BLOCK) {
        const int stop = min(begin + BLOCK, cells.stop);
        for (int k = begin; k < stop; ++k) {
            int topped = value[k] != value[k];
            for (int w = 0; w < Cells::WAYS; ++w) topped |= tops(value[cells.near(k, w)], value[k]);
            peaks += !topped;
        }
    }
    return min(peaks, 2);
}

template <int WAYS, class Value>
i64 count_peaks(const i64 *pixel, i64 nx, Source<Value> &source) {
    if (source.shape.row) return count_peaks(Box<WAYS>(source.shape), source.value.begin());
    if (!source.table.hold(8 * i64(source.n))) return NO_MEMORY;
    find_neighbours(pixel, source.n, nx, source.table.begin());
    return count_peaks(Table<WAYS>(source.shape, source.table.begin()), source.value.begin());
}

// Gathers the values of sources i0 to i1, their extremes and their peaks.
template <class Value>
i64 survey(
    const Value *data, const i64 *pixel, const i64 *start, const i64 *bbox, i64 nx, bool corners,
    const int *flag, Value *values, Value *smallest, Value *largest, i64 *peaks, i64 i0, i64 i1) {
    Source<Value> source;
    const i64 last = start[i1] - 1;
    for (i64 k = start[i0]; k < min(start[i0] + AHEAD, last); ++k) prefetch(data + pixel[k]);
    for (i64 i = i0; i < i1; ++i) {
        const i64 begin = start[i], n = start[i + 1] - begin;
        source.shape = shape_of(bbox + 4 * i, n);
        source.n = int(n);
        if (!source.run.hold(n) || !source.value.hold(source.shape.size)) return NO_MEMORY;
        Value *value = source.value.begin(), *of_source = values + begin;
        const i64 *place = pixel + begin;
        std::fill(value, value + source.shape.size, Value(NAN_VALUE));
        for_pixels(source, place, nx, bbox + 4 * i, [=](int k, int cell) {
            prefetch(data + place[min(k + AHEAD, last - begin)]);
            value[cell] = of_source[k] = data[place[k]];
        });
        if (stopped(flag)) return STOPPED;
        const Range<Value> range = range_of(of_source, n);
        smallest[i] = range.least, largest[i] = range.most;
        peaks[i] = 0;
        if (!(range.least < range.most)) continue;
        peaks[i] = corners ? count_peaks<8>(place, nx, source) : count_peaks<4>(place, nx, source);
        if (peaks[i] < 0) return peaks[i];
    }
    return 0;
}

SKYSHED_KERNEL("deblending.survey", survey<float>);
SKYSHED_KERNEL("deblending.survey", survey<double>);

// Draws sources i0 to i1 into an image of zeros.
i64 paint(
    const i64 *pixel, const i64 *start, const int *base, const i64 *child_start, const int *child,
    int *out, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const i64 begin = start[i], n = start[i + 1] - begin;
        const int *of_source = child_start[i] < 0 ? nullptr : child + child_start[i];
        for (i64 k = 0; k < n; ++k)
            out[pixel[begin + k]] = painted(base[i], of_source ? of_source[k] : 0);
    }
    return 0;
}

SKYSHED_KERNEL("deblending.paint", paint);

// Labels, sizes and boxes of what the sources i0 to i1 were split into: `count` parts each, 1 where one
// stays whole, of which the first is number `first`.
i64 measure_parts(
    const i64 *pixel, const i64 *start, const i64 *child_start, const int *child, const i64 *first, i64 nx,
    const i64 *bbox, const int *base, const i64 *count, int *labels, i64 *area, i64 *boxes, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const i64 *box = bbox + 4 * i;
        i64 *of_part = boxes + 4 * first[i];
        if (child_start[i] < 0) {
            labels[first[i]] = painted(base[i], 0);
            area[first[i]] = start[i + 1] - start[i];
            std::copy_n(box, 4, of_part);
            continue;
        }
        for (i64 k = 0; k < count[i]; ++k) {
            labels[first[i] + k] = painted(base[i], int(k) + 1);
            area[first[i] + k] = 0;
            of_part[4 * k] = box[1], of_part[4 * k + 1] = box[0];
            of_part[4 * k + 2] = box[3], of_part[4 * k + 3] = box[2];
        }
        i64 y = box[0], row = y * nx;
        for (i64 j = start[i]; j < start[i + 1]; ++j) {
            for (; pixel[j] >= row + nx; row += nx) ++y;
            const i64 k = child[child_start[i] + j - start[i]] - 1, x = pixel[j] - row;
            i64 *b = of_part + 4 * k;
            ++area[first[i] + k];
            b[0] = min(b[0], y), b[1] = y + 1, b[2] = min(b[2], x), b[3] = max(b[3], x + 1);
        }
    }
    return 0;
}

SKYSHED_KERNEL("deblending.measure_parts", measure_parts);

// Lists the pixels of the parts of sources i0 to i1; next_at is where each part's begin, then where they
// end.
i64 write_parts(
    const i64 *pixel, const i64 *start, const i64 *child_start, const int *child, const i64 *first,
    i64 *next_at, i64 *out, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        const i64 begin = start[i], n = start[i + 1] - begin;
        if (child_start[i] < 0) {
            std::copy_n(pixel + begin, n, out + next_at[first[i]]);
            continue;
        }
        for (i64 j = 0; j < n; ++j)
            out[next_at[first[i] + child[child_start[i] + j] - 1]++] = pixel[begin + j];
    }
    return 0;
}

SKYSHED_KERNEL("deblending.write_parts", write_parts);

}  // namespace
}  // namespace deblending
