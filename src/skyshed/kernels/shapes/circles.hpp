// The exact weights of a circle's pixels on the CPU, block by block. Pixels inside weigh 1. Those on the rim are
// taken row by row, on each side of the centre from the innermost outwards, and computed together.
#pragma once
#include "skyshed/kernels/apertures/weights.hpp"
#include "skyshed/kernels/shapes/shapes.h"

namespace shapes {

using apertures::Block;
using apertures::LANES;
using apertures::ROWS;
using apertures::Row;
using apertures::padded;

// Writes n values, and up to three beyond them, which are written over: there is little to decide about the end.
inline void copy(const double *in, i64 n, double *out) {
    for (i64 k = 0; k < n; k += 4) std::memcpy(out + k, in + k, 4 * sizeof *in);
}
inline void fill(double value, i64 n, double *out) {
    const apertures::Four four = {value, value, value, value};
    for (i64 k = 0; k < n; k += 4) std::memcpy(out + k, &four, sizeof four);
}

// Cells that are computed together: edges along both axes, and what they share with the circle.
class CellList {
  public:
    explicit CellList(i64 room) : all(9 * (padded(room) + LANES)), room(padded(room) + LANES) {}
    explicit operator bool() const { return bool(all); }

    i64 n = 0;

    // Appends cells that lie beside each other: edges across are arrays. What is written beyond the last is
    // written over.
    void append(
        i64 count, const double *near, const double *far, const double *near_reach, const double *far_reach,
        const Edges &up) {
        double *to = all.begin() + n;
        const apertures::Four along[] = {
            {up.near, up.near, up.near, up.near}, {up.far, up.far, up.far, up.far},
            {up.near_reach, up.near_reach, up.near_reach, up.near_reach},
            {up.far_reach, up.far_reach, up.far_reach, up.far_reach}};
        const double *across[] = {near, far, near_reach, far_reach};
        for (i64 k = 0; k < count; k += 4)
            for (i64 i = 0; i < 4; ++i) {
                std::memcpy(to + k + i * room, across[i] + k, sizeof along[i]);
                std::memcpy(to + k + (4 + i) * room, along + i, sizeof along[i]);
            }
        n += count;
    }

    SKYSHED_FLAT void measure(const Disc &disc) {
        const double *__restrict in = all.begin();
        double *__restrict out = all.begin() + 8 * room;
        const i64 end = padded(n), step = room;
        const Disc of = disc;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k)
            out[k] = cell_share(
                of, {in[k], in[k + step], in[k + 2 * step], in[k + 3 * step]},
                {in[k + 4 * step], in[k + 5 * step], in[k + 6 * step], in[k + 7 * step]});
    }

    double *shares() { return all.begin() + 8 * room; }

  private:
    Scratch<double> all;
    const i64 room;
};

// A circle with cells about (x, y), and the weights of a window's pixels.
class CircleWeights {
  public:
    // `widest` is the width of the widest window, `room` the pixels of the largest block.
    CircleWeights(i64 widest, i64 room)
        : lines(4 * (widest + 1 + 2 * LANES)), stride(widest + 1 + 2 * LANES),
          cells(2 * room + 4 * ROWS + 2 * LANES) {}
    explicit operator bool() const { return lines && cells; }

    void start(const Disc &circle, double x, double y, const Window &of) {
        disc = circle, cy = y, w = of;
        const double first = (double(w.x0) - 0.5) - x, last = double(w.x1 - w.x0);
        // The pixel that holds the centre is on both sides.
        middle = smaller(larger(floor(0.0 - first), -1.0), last);
        centre = 0.0 - first;
        find_lines(first);
    }

    // The rows of a block, and the columns of it that the circle touches.
    Block find_rows(i64 y0, i64 y1) {
        Block block = {y0, y1, w.x1, w.x0};
        for (i64 k = 0; k <= y1 - y0; ++k) {
            row_line[k] = (whole(y0 + k) - 0.5) - cy;
            row_reach[k] = reach_at(disc.radius, fabs(row_line[k]));
        }
        for (i64 k = 0; k < y1 - y0; ++k) {
            rows[k] = columns_of(row_line[k], row_line[k + 1], row_reach[k], row_reach[k + 1]);
            if (rows[k].first >= rows[k].end) continue;
            block.x0 = min(block.x0, w.x0 + rows[k].first), block.x1 = max(block.x1, w.x0 + rows[k].end);
        }
        return block;
    }

    // Leaves out what is not in a block: rounding may let a circle reach a pixel further than another one.
    void clip(const Block &block) {
        const i64 first = block.x0 - w.x0, end = block.x1 - w.x0;
        for (i64 k = 0; k < block.height(); ++k) {
            Row &row = rows[k];
            row.first = max(row.first, first), row.end = min(row.end, end);
            if (row.inner < row.inner_end) row.inner = max(row.inner, first), row.inner_end = min(row.inner_end, end);
        }
    }

    // Writes the weights of a block, row by row, and a few beyond its end. Nothing that was just written is
    // read: where such writes overlap, a core waits.
    void write(const Block &block, double *weights) {
        list(block);
        const i64 width = block.width(), offset = block.x0 - w.x0;
        double *share = cells.shares();
        for (i64 k = 0; k < block.height(); ++k) {
            double *out = weights + k * width - offset;
            const Row &row = rows[k];
            const Runs &of = runs[k];
            if (row.first >= row.end) {
                fill(0.0, width, out + offset);
                continue;
            }
            if (of.again) add(share + of.again, of.left.n + of.right.n, share + of.left.at);
            // The pixel that holds the centre has a cell on both sides.
            if (of.left.n && of.right.n && of.left.to + of.left.n > of.right.to)
                share[of.right.at] += share[of.left.at + of.left.n - 1];
            fill(0.0, row.first - offset, out + offset);
            copy(share + of.left.at, of.left.n, out + of.left.to);
            fill(1.0, row.inner_end - row.inner, out + row.inner);
            copy(share + of.right.at, of.right.n, out + of.right.to);
            fill(0.0, max(offset + width - row.end, i64(1)), out + row.end);
        }
    }

  private:
    // Cells that lie beside each other: how many, where they are in the list, and their first column.
    struct Run {
        i64 n, at, to;
    };
    // Of a row those on both sides of the centre; and, of the row that holds the centre, where in the list
    // those of its other half begin.
    struct Runs {
        Run left, right;
        i64 again;
    };

    static void add(const double *__restrict in, i64 n, double *__restrict out) {
        for (i64 j = 0; j < n; ++j) out[j] += in[j];
    }

    // The lines along pixels' left edges, and along the last's right edge: distances from the centre to the right
    // and to the left, 0 on the other side, and where the circle leaves them.
    void find_lines(double first) {
        double *__restrict right = lines.begin(), *__restrict left = right + stride;
        double *__restrict right_reach = left + stride, *__restrict left_reach = right_reach + stride;
        const double radius = disc.radius;
        const i64 end = padded(w.x1 - w.x0 + 1);
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const double at = first + whole(k), reach = reach_at(radius, fabs(at));
            right[k] = larger(at, 0.0), left[k] = larger(0.0 - at, 0.0);
            right_reach[k] = at > 0.0 ? reach : radius, left_reach[k] = at < 0.0 ? reach : radius;
        }
    }

    // The columns, counted from the window's first, that the circle touches between two lines, and those inside.
    Row columns_of(double low, double high, double low_reach, double high_reach) const {
        const bool central = low < 0.0 && high > 0.0;
        const double near = central ? disc.radius : larger(low_reach, high_reach);
        const double far = smaller(low_reach, high_reach);
        const i64 first = column(centre - near), end = near > 0.0 ? column(centre + near + 1.0) : 0;
        i64 inner = column(centre - far);
        inner += double(inner) < centre - far;
        const i64 inner_end = column(centre + far);
        if (!(far > 0.0) || inner >= inner_end) return {first, end, 0, 0};
        return {first, end, inner, inner_end};
    }
    i64 column(double at) const { return i64(smaller(larger(at, 0.0), double(w.x1 - w.x0))); }

    void list(const Block &block) {
        cells.n = 0;
        const i64 on_left = i64(middle + 1.0), on_right = i64(larger(middle, 0.0));
        for (i64 k = 0; k < block.height(); ++k) {
            const Row &row = rows[k];
            if (row.first >= row.end) continue;
            const bool none = row.inner >= row.inner_end;
            const i64 left_end = min(none ? row.end : row.inner, on_left);
            const i64 right = max(none ? row.first : row.inner_end, on_right);
            Runs &of = runs[k];
            of.left = {max(left_end - row.first, i64(0)), cells.n, row.first};
            of.right = {max(row.end - right, i64(0)), cells.n + of.left.n, right};
            of.again = 0;
            const double low = row_line[k], high = row_line[k + 1];
            const Edges above = {
                larger(low, 0.0), high, low > 0.0 ? row_reach[k] : disc.radius, row_reach[k + 1]};
            const Edges below = {
                larger(0.0 - high, 0.0), 0.0 - low, high < 0.0 ? row_reach[k + 1] : disc.radius, row_reach[k]};
            list_half(of, high > 0.0 ? above : below);
            if (high > 0.0 && low < 0.0) {
                of.again = cells.n;
                list_half(of, below);
            }
        }
        cells.measure(disc);
    }

    // The cells of a row, or of the part of it on one side of the centre.
    void list_half(const Runs &of, const Edges &up) {
        const double *to_right = lines.begin() + of.right.to, *to_left = lines.begin() + stride + of.left.to;
        const double *right_reach = to_right + 2 * stride, *left_reach = to_left + 2 * stride;
        cells.append(of.left.n, to_left + 1, to_left, left_reach + 1, left_reach, up);
        cells.append(of.right.n, to_right, to_right + 1, right_reach, right_reach + 1, up);
    }

    Disc disc = {};
    Window w = {};
    double cy = 0.0, centre = 0.0, middle = 0.0;
    Row rows[ROWS];
    double row_line[ROWS + 1], row_reach[ROWS + 1];
    Runs runs[ROWS];
    Scratch<double> lines;
    const i64 stride;
    CellList cells;
};

}  // namespace shapes
