// The exact weights of an ellipse's pixels on the CPU, block by block: pixels inside weigh 1; those on the
// rim are listed first and then computed together.
#pragma once
#include "skyshed/kernels/apertures/rows.hpp"
#include "skyshed/kernels/apertures/sums.h"

namespace apertures {

// Columns of a row of a block, half-open: those touched by the ellipse, and those inside it.
struct Row {
    i64 first, end, inner, inner_end;
};

inline Row row_of(const Touched &t, const Box &box, i64 x0) {
    if (!(t.first <= t.last)) return {box.x1, box.x1, box.x1, box.x1};
    const i64 first = max(box.x0, i64(t.first) - x0), end = min(box.x1, i64(t.last) - x0 + 1);
    if (!(t.inner_first <= t.inner_last)) return {first, end, end, end};
    const i64 inner = max(i64(t.inner_first) - x0, first);
    const i64 inner_end = min(i64(t.inner_last) - x0 + 1, end);
    if (inner >= inner_end) return {first, end, end, end};
    return {first, end, inner, inner_end};
}

// An ellipse's area is at most pi times its larger half-extent times sqrt(2) times its semi-minor axis: where
// that would be this long, in pixels, the axis is longer than 2, and the centre's pixel lies well inside.
constexpr double LARGE = 3.0;

// Writes the weights of n pixels of a row: 1 of those inside, and 0.
inline void weigh_inside(i64 inner, i64 inner_end, i64 n, double *weights) {
    for (i64 k = 0; k < n; ++k) weights[k] = (k >= inner) & (k < inner_end) ? 1.0 : 0.0;
}

// The pixels that an ellipse crosses: where the lines along their edges enter and leave it, relative to
// their corners, and where they are in the block.
struct Rim {
    Scratch<double> edge[8];
    Scratch<double> twice, square, area;  // see OneArc
    Scratch<i64> at;
    i64 n = 0;
    bool small = true;  // whether the centre's pixel may be one of them

    explicit Rim(i64 room)
        : edge{Scratch<double>(room), Scratch<double>(room), Scratch<double>(room), Scratch<double>(room),
               Scratch<double>(room), Scratch<double>(room), Scratch<double>(room), Scratch<double>(room)},
          twice(room), square(room), area(room), at(room) {}
    explicit operator bool() const {
        bool all = twice && square && area && at;
        for (const auto &each : edge) all = all && each;
        return all;
    }
    void add(i64 where, const Cell &cell) {
        const Chord c[] = {cell.below, cell.above, cell.left, cell.right};
        // The centre's pixel gets no chords: see `overlap`.
        const bool central = small && cell.holds_centre();
        for (int k = 0; k < 4; ++k) {
            const double origin = k < 2 ? cell.corner.x : cell.corner.y;
            edge[2 * k][n] = central ? 0.0 : c[k].low - origin;
            edge[2 * k + 1][n] = central ? 0.0 : c[k].high - origin;
        }
        at[n++] = where;
    }
    void measure(const Ellipse &e) {
        const i64 end = padded(n);
        for (int k = 0; k < 8; ++k)
            for (i64 i = n; i < end; ++i) edge[k][i] = 0.0;
        const double *b0 = edge[0].begin(), *b1 = edge[1].begin(), *t0 = edge[2].begin(),
                     *t1 = edge[3].begin(), *l0 = edge[4].begin(), *l1 = edge[5].begin(),
                     *r0 = edge[6].begin(), *r1 = edge[7].begin();
        double *twices = twice.begin(), *squares = square.begin(), *out = area.begin();
        SKYSHED_INDEPENDENT
        for (i64 i = 0; i < end; ++i) {
            const OneArc arc = one_arc(e, {b0[i], b1[i]}, {t0[i], t1[i]}, {l0[i], l1[i]}, {r0[i], r1[i]});
            twices[i] = arc.twice, squares[i] = arc.square;
        }
        // A loop of its own: its roots and quotients take long, and a core begins the next ones meanwhile.
        SKYSHED_INDEPENDENT
        for (i64 i = 0; i < end; ++i) out[i] = area_of(e, {twices[i], squares[i]});
    }
};

// An ellipse about (cx, cy), in the whole image, and the weights of a box's pixels.
class EllipseWeights {
  public:
    explicit EllipseWeights(i64 widest) : EllipseWeights(widest, max(GATHERED, widest)) {}
    // `room` is for the pixels of the largest block.
    EllipseWeights(i64 widest, i64 room)
        : low(widest + 1 + LANES), high(widest + 1 + LANES), rim(room + LANES) {}
    explicit operator bool() const { return low && high && rim; }

    Row rows[ROWS];  // of the block that was found last

    void start(const Ellipse &ellipse, const Place &place, double x, double y, const Box &of) {
        e = ellipse, at = place, cx = x, cy = y, box = of;
        rim.small = !(e.ab > LARGE * larger(e.width, e.height));
        find_columns();
    }

    // The rows of a block, and the columns of it that the ellipse touches.
    Block find_rows(i64 y0, i64 y1) {
        Block block = {y0, y1, box.x1, box.x0};
        const Chord first = row_chord(e, edge_of(y0));
        line_low[0] = first.low, line_high[0] = first.high;
        for (i64 k = 0; k < ROWS; ++k) {
            const Chord chord = row_chord(e, edge_of(y0 + k) + 1.0);
            line_low[k + 1] = chord.low, line_high[k + 1] = chord.high;
        }
        for (i64 k = 0; k < y1 - y0; ++k) {
            const double edge = edge_of(y0 + k);
            rows[k] = row_of(
                touched_by(e, cx, edge, line(k), line(k + 1)), box, at.x0);
            if (rows[k].first >= rows[k].end) continue;
            block.x0 = min(block.x0, rows[k].first), block.x1 = max(block.x1, rows[k].end);
        }
        return block;
    }

    // Writes the weights of a block, row by row, and a few beyond its end.
    void find_weights(const Block &block, double *weights) {
        const i64 width = block.width(), end = padded(width);
        rim.n = 0;
        for (i64 y = block.y0; y < block.y1; ++y) {
            const Row &row = rows[y - block.y0];
            double *out = weights + (y - block.y0) * width;
            const i64 inner = row.inner - block.x0, inner_end = row.inner_end - block.x0;
            weigh_inside(inner, inner_end, end, out);
            const i64 corner = (y - block.y0) * width - block.x0;
            for (i64 x = row.first; x < row.inner; ++x) rim.add(corner + x, cell_at(block, y, x));
            for (i64 x = row.inner_end; x < row.end; ++x) rim.add(corner + x, cell_at(block, y, x));
        }
        rim.measure(e);
        for (i64 i = 0; i < rim.n; ++i) {
            double area = rim.area[i];
            if (isnan(area)) {
                const i64 k = rim.at[i] / width;
                area = overlap_of_arcs(
                    e, cell_at(block, block.y0 + k, block.x0 + rim.at[i] - k * width));
            }
            weights[rim.at[i]] = larger(area, 0.0);
        }
    }

  private:
    // The chords of the lines along the left edges of a box's pixels, and along the last's right edge.
    void find_columns() {
        const double left = double(box.x0 + at.x0);
        double *lows = low.begin(), *highs = high.begin();
        const i64 end = padded(box.width() + 1);
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const Chord chord = column_chord(e, (whole(k) + left) - 0.5 - cx);
            lows[k] = chord.low, highs[k] = chord.high;
        }
    }

    Chord line(i64 k) const { return {line_low[k], line_high[k]}; }

    double edge_of(i64 y) const { return whole(y + at.y0) - 0.5 - cy; }

    Cell cell_at(const Block &block, i64 y, i64 x) {
        const i64 k = y - block.y0, c = x - box.x0;
        return {{double(x + at.x0) - 0.5 - cx, edge_of(y)}, line(k), line(k + 1),
                {low[c], high[c]}, {low[c + 1], high[c + 1]}};
    }

    Ellipse e;
    Place at;
    double cx, cy;
    Box box;
    double line_low[ROWS + 1], line_high[ROWS + 1];  // chords of the lines between a block's rows
    Scratch<double> low, high;
    Rim rim;
};

}  // namespace apertures
