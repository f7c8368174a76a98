// Connected pixels (8 neighbours) in one pass over rows, each object as a chain of its pixels.
//
// The algorithm is Lutz's (1980, The Computer Journal 23, 262), as SourceExtractor uses it. The order of
// objects (an object is done when the row after its last one is read) and that of the pixels in a chain
// are part of the result: sums run in it, and random numbers are drawn in it.
#pragma once
#include "skyshed/kernels/sep/grown.hpp"

namespace sep {

// Pixels of an object, linked by `next`; `edge` if one is in the image's outer rows or columns.
struct Chain {
    i64 first, last, n;
    bool edge;
};

class Scan {
  public:
    Grown<i64> next;  // of each pixel number, or -1
    const int *stop = nullptr;  // a kernel's flag

    // Room for rows of `width` pixels.
    bool prepare(i64 width) {
        return marks.resize(width + 1) && kept.resize(width + 1) && open.resize(width + 2) &&
               begin.resize(width + 2) && end.resize(width + 2) && above.resize(2 * width + 4);
    }

    // Reads columns x0 to x1 of rows y0 to y1. `number(x, y, edge)` gives a pixel's number, or -1 where it
    // is not above the threshold, and sets `edge`; `done(chain)` takes an object. False: no memory, or stopped.
    template <class Number, class Done> bool run(i64 x0, i64 x1, i64 y0, i64 y1, Number number, Done done) {
        for (i64 x = 0; x <= x1 - x0; ++x) marks[x] = NOTHING;
        i64 depth = 0, top = 0;  // of the objects that are open in this row, and of the stack
        for (i64 y = y0; y <= y1; ++y) {  // one more row, which is empty, closes what is open
            if (stopped(stop)) return false;
            Row before = COMPLETE;
            bool inside = false;
            for (i64 x = x0; x <= x1; ++x) {
                const i64 c = x - x0;
                const Mark mark = marks[c];
                marks[c] = NOTHING;
                bool edge = false;
                const i64 pixel = x < x1 && y < y1 ? number(x, y, edge) : -1;
                if (pixel >= 0 && !inside) {
                    inside = true;
                    if (before == OBJECT) {
                        const bool first = begin[depth] == UNKNOWN;
                        marks[c] = first ? OBJECT_BEGINS : SEGMENT_BEGINS;
                        if (first) begin[depth] = c;
                    } else {
                        above[top++] = before, before = COMPLETE;
                        marks[c] = OBJECT_BEGINS;
                        begin[++depth] = c;
                        open[depth] = {-1, -1, 0, false};
                    }
                }
                if (mark == OBJECT_BEGINS) {
                    above[top++] = before;
                    if (inside) {
                        join(open[depth], kept[c]);
                    } else {
                        above[top++] = COMPLETE;
                        open[++depth] = kept[c];
                        begin[depth] = UNKNOWN;
                    }
                    before = OBJECT;
                } else if (mark == SEGMENT_BEGINS) {
                    if (inside && before == COMPLETE) {
                        --top;
                        const i64 here = begin[depth];
                        join(open[depth - 1], open[depth]);
                        --depth;
                        if (begin[depth] == UNKNOWN) begin[depth] = here;
                        else marks[here] = SEGMENT_BEGINS;
                    }
                    before = OBJECT;
                } else if (mark == SEGMENT_ENDS) {
                    before = INCOMPLETE;
                } else if (mark == OBJECT_ENDS) {
                    before = above[--top];
                    if (!inside && before == COMPLETE) {
                        if (begin[depth] == UNKNOWN) {
                            if (!done(open[depth])) return false;
                        } else {
                            marks[end[depth]] = OBJECT_ENDS;
                            kept[begin[depth]] = open[depth];
                        }
                        --depth;
                        before = above[--top];
                    }
                }
                if (pixel >= 0) {
                    next[pixel] = -1;
                    join(open[depth], {pixel, pixel, 1, edge});
                } else if (inside) {
                    inside = false;
                    if (before != COMPLETE) {
                        marks[c] = SEGMENT_ENDS;
                        end[depth] = c;
                    } else {
                        before = above[--top];
                        marks[c] = OBJECT_ENDS;
                        kept[begin[depth]] = open[depth];
                        --depth;
                    }
                }
            }
        }
        return true;
    }

  private:
    enum Mark : char { NOTHING, OBJECT_BEGINS, SEGMENT_BEGINS, SEGMENT_ENDS, OBJECT_ENDS };
    // What the row before has here: the object is complete, or goes on, or its segment is passed.
    enum Row : char { COMPLETE, INCOMPLETE, OBJECT };
    static constexpr i64 UNKNOWN = -1;

    void join(Chain &chain, const Chain &more) {
        chain.n += more.n;
        chain.edge = chain.edge || more.edge;
        if (chain.first < 0) chain.first = more.first, chain.last = more.last;
        else if (more.last >= 0) next[chain.last] = more.first, chain.last = more.last;
    }

    Grown<Mark> marks;
    Grown<Chain> kept, open;
    Grown<i64> begin, end;
    Grown<Row> above;
};

}  // namespace sep
