// Where the pixels of one source lie while it is split.
//
// Mostly in its box, with a margin: neighbours are at fixed distances, and steps that look at all pixels
// run in vectors. A cell of the box that is none of the source's pixels has the value -inf and the
// label OUTSIDE. A source that fills too little of its box, a thin arc say, has a cell for each pixel and
// a table of neighbours instead. Cells are in raster order either way.
#pragma once
#include "skyshed/kernels/cpu.h"
#include "skyshed/kernels/deblending/flood.h"

namespace deblending {

constexpr int OUTSIDE = -1;
// Arrays of cells have room for whole blocks of so many.
constexpr i64 BLOCK = 64;
// The most cells of a box per pixel of a source, beyond what the smallest have anyway.
constexpr i64 BOX_PER_PIXEL = 4, SMALL_BOX = 256;

// Room that sources use one after the other: it grows to what the largest needs. What it holds is lost
// when it grows.
template <class T> class Room {
  public:
    Room() = default;
    ~Room() { std::free(at); }
    Room(const Room &) = delete;
    Room &operator=(const Room &) = delete;

    // Whether there is room for n elements.
    bool hold(i64 n) {
        if (n <= room) return true;
        std::free(at);
        at = static_cast<T *>(std::malloc(sizeof(T) * size_t(n)));
        room = at ? n : 0;
        return at;
    }
    // The same, with the elements that there are.
    bool extend(i64 n) {
        if (n <= room) return true;
        T *more = static_cast<T *>(std::realloc(at, sizeof(T) * size_t(max(n, 2 * room))));
        if (more) at = more, room = max(n, 2 * room);
        return more;
    }
    T &operator[](i64 i) { return at[i]; }
    T *begin() { return at; }

  private:
    T *at = nullptr;
    i64 room = 0;
};

// Pixels of a source that are side by side: from place `at` of the source and from a cell on.
struct Run {
    int at, cell, length;
};

// The cells first..stop-1 hold all pixels; size counts those beside them, too.
struct Shape {
    int first, stop, size, row;  // row: from a cell to that below it; 0 for a table
};

// One source.
template <class Value> struct Source {
    Shape shape;
    int n, n_runs;
    Room<Run> run;
    Room<Value> value;
    Room<int> label;            // OUTSIDE, 0 for none
    Room<int> top, level;       // the peak that a cell leads up to; how many thresholds it exceeds
    Room<unsigned char> mask;
    Room<int> table;

    // Whether there is room for n pixels and so many cells.
    bool hold(i64 pixels, i64 size) {
        const i64 cells = size + BLOCK;
        return run.hold(pixels) && value.hold(cells) && label.hold(cells) && top.hold(cells) &&
               level.hold(cells) && mask.hold(cells);
    }
};

// Neighbours at fixed distances.
template <int N> struct Box {
    static constexpr int WAYS = N;
    int first, stop, way[8];

    explicit Box(const Shape &shape)
        : first(shape.first), stop(shape.stop),
          way{-shape.row, -1, 1, shape.row, -shape.row - 1, -shape.row + 1, shape.row - 1, shape.row + 1} {}
    int near(int k, int w) const { return k + way[w]; }
};

// Neighbours from a table of 8 columns; where there is none, the cell after all pixels.
template <int N> struct Table {
    static constexpr int WAYS = N;
    int first, stop;
    const int *place;

    Table(const Shape &shape, const int *table) : first(shape.first), stop(shape.stop), place(table) {}
    int near(int k, int w) const { return place[8 * i64(k) + w]; }
};

// Fills the table for n pixels, flat indices into an image nx wide.
inline void find_neighbours(const i64 *pixel, int n, i64 nx, int *place) {
    for (i64 i = 0; i < 8 * i64(n); ++i) place[i] = n;
    int above = 0, above_stop = 0;
    i64 last_row = -2;
    for (int begin = 0; begin < n;) {
        const i64 row = pixel[begin] / nx, row_end = (row + 1) * nx;
        if (row != last_row + 1) above = above_stop;
        int k = begin;
        for (; k < n && pixel[k] < row_end; ++k) {
            const i64 here = pixel[k], over = here - nx;
            if (k > begin && pixel[k - 1] == here - 1) {
                place[8 * i64(k) + LEFT] = k - 1;
                place[8 * i64(k - 1) + RIGHT] = k;
            }
            while (above < above_stop && pixel[above] < over - 1) ++above;
            for (int up = above; up < above_stop && pixel[up] <= over + 1; ++up) {
                const bool left = pixel[up] < over, same = pixel[up] == over;
                place[8 * i64(k) + (left ? UP_LEFT : same ? UP : UP_RIGHT)] = up;
                place[8 * i64(up) + (left ? DOWN_RIGHT : same ? DOWN : DOWN_LEFT)] = k;
            }
        }
        above = begin, above_stop = k;
        begin = k;
        last_row = row;
    }
}

// The shape for n pixels in a box: y0, y1, x0, x1. Cells are counted from the one that the margin has
// at the upper left.
inline Shape shape_of(const i64 *bbox, i64 n) {
    const i64 row = bbox[3] - bbox[2] + 1, rows = bbox[1] - bbox[0], size = row * (rows + 2) + 1;
    if (size > max(BOX_PER_PIXEL * n, SMALL_BOX) || size > 0x7fffffff - BLOCK)
        return {0, int(n), int(n) + 1, 0};
    return {int(row) + 1, int(row * (rows + 1)), int(size), int(row)};
}

// Calls each(k, cell) for a source's pixels, flat indices into an image nx wide, and notes their runs.
template <class Value, class Each>
void for_pixels(Source<Value> &source, const i64 *pixel, i64 nx, const i64 *bbox, Each each) {
    const i64 row = source.shape.row;
    i64 y = bbox[0], begin = y * nx;
    source.n_runs = 0;
    for (int k = 0; k < source.n;) {
        const i64 p = pixel[k];
        if (p >= begin + nx) {
            y = p < begin + 2 * nx ? y + 1 : p / nx;
            begin = y * nx;
        }
        const int at = k, cell = row ? int((y - bbox[0] + 1) * row + p - begin - bbox[2] + 1) : k;
        do {
            each(k, cell + (k - at));
            ++k;
        } while (k < source.n && pixel[k] == p + (k - at) && pixel[k] < begin + nx);
        source.run[source.n_runs++] = {at, cell, k - at};
    }
}

// Calls visit(k) for the cells of `mask`, bytes for first..stop-1, that aren't 0, in order. There are 8
// more bytes of room.
template <class Visit>
inline void for_marked(unsigned char *mask, int first, int stop, Visit visit) {
    std::memset(mask + stop, 0, 8);
    for (int k = first; k < stop; k += 8) {
        u64 word;
        std::memcpy(&word, mask + k, 8);
        while (word) {
            const int byte = lowest_bit(word) >> 3;
            visit(k + byte);
            word &= ~(u64(0xff) << (8 * byte));
        }
    }
}

}  // namespace deblending
