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

// Cells that are computed together: edges along both axes, and what they share with the circle.
class CellList {
  public:
    explicit CellList(i64 room) : all(9 * (padded(room) + LANES)), room(padded(room) + LANES) {}
    explicit operator bool() const { return bool(all); }

    i64 n = 0;

    // Appends cells that lie beside each other: edges across are arrays. What is written beyond the last is
    // written over.
    void append(
        i64 count, const double *__restrict near, const double *__restrict far,
        const double *__restrict near_reach, const double *__restrict far_reach, const Edges &up) {
        double *__restrict to = all.begin() + n;
        const i64 end = padded(count), step = room;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            to[k] = near[k], to[k + step] = far[k];
            to[k + 2 * step] = near_reach[k], to[k + 3 * step] = far_reach[k];
            to[k + 4 * step] = up.near, to[k + 5 * step] = up.far;
            to[k + 6 * step] = up.near_reach, to[k + 7 * step] = up.far_reach;
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

    const double *shares() { return all.begin() + 8 * room; }

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
            row_line[k] = (double(y0 + k) - 0.5) - cy;
            row_reach[k] = reach_at(disc.radius, fabs(row_line[k]));
        }
        for (i64 k = 0; k < y1 - y0; ++k) {
            rows[k] = columns_of(row_line[k], row_line[k + 1], row_reach[k], row_reach[k + 1]);
            if (rows[k].first >= rows[k].end) continue;
            block.x0 = min(block.x0, w.x0 + rows[k].first), block.x1 = max(block.x1, w.x0 + rows[k].end);
        }
        return block;
    }

    // Writes the weights of a block, row by row, and a few beyond its end.
    void write(const Block &block, double *weights) {
        const i64 width = block.width(), end = padded(width);
        for (i64 k = 0; k < block.height(); ++k) {
            double *__restrict out = weights + k * width;
            const i64 inner = rows[k].inner - (block.x0 - w.x0), inner_end = rows[k].inner_end - (block.x0 - w.x0);
            SKYSHED_INDEPENDENT
            for (i64 j = 0; j < end; ++j) out[j] = (j >= inner) & (j < inner_end) ? 1.0 : 0.0;
        }
        list(block);
        const double *share = cells.shares();
        for (i64 k = 0; k < n_runs; ++k) {
            double *__restrict out = weights + runs[k].to;
            const i64 n = runs[k].n;
            for (i64 j = 0; j < n; ++j) out[j] += share[j];
            share += n;
        }
    }

    // Takes the circle from the weights of a block.
    void subtract(const Block &block, double *weights) {
        const i64 width = block.width(), offset = block.x0 - w.x0;
        for (i64 k = 0; k < block.height(); ++k) {
            double *out = weights + k * width;
            Row &row = rows[k];
            // Rounding may let it reach a pixel further than what it is taken from.
            row.first = max(row.first, offset), row.end = min(row.end, offset + width);
            if (row.inner < row.inner_end) {
                row.inner = max(row.inner, offset), row.inner_end = min(row.inner_end, offset + width);
                for (i64 j = row.inner - offset; j < row.inner_end - offset; ++j) out[j] = 0.0;
            }
        }
        list(block);
        const double *share = cells.shares();
        for (i64 k = 0; k < n_runs; ++k) {
            double *__restrict out = weights + runs[k].to;
            const i64 n = runs[k].n;
            for (i64 j = 0; j < n; ++j) out[j] = larger(out[j] - share[j], 0.0);
            share += n;
        }
    }

  private:
    // Cells that lie beside each other: how many, and where in the block their weights are.
    struct Run {
        i64 n, to;
    };

    // The lines along pixels' left edges, and along the last's right edge: distances from the centre to the right
    // and to the left, 0 on the other side, and where the circle leaves them.
    void find_lines(double first) {
        double *__restrict right = lines.begin(), *__restrict left = right + stride;
        double *__restrict right_reach = left + stride, *__restrict left_reach = right_reach + stride;
        const double radius = disc.radius;
        const i64 end = padded(w.x1 - w.x0 + 1);
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const double at = first + double(k), reach = reach_at(radius, fabs(at));
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
        cells.n = n_runs = 0;
        const i64 on_left = i64(middle + 1.0), on_right = i64(larger(middle, 0.0));
        for (i64 k = 0; k < block.height(); ++k) {
            const Row &row = rows[k];
            if (row.first >= row.end) continue;
            const bool none = row.inner >= row.inner_end;
            const i64 left_end = min(none ? row.end : row.inner, on_left);
            const i64 right = max(none ? row.first : row.inner_end, on_right);
            const i64 to = k * block.width() - (block.x0 - w.x0);
            const double low = row_line[k], high = row_line[k + 1];
            if (high > 0.0)
                list_half(row.first, left_end, right, row.end, to, {
                    larger(low, 0.0), high, low > 0.0 ? row_reach[k] : disc.radius, row_reach[k + 1]});
            if (low < 0.0)
                list_half(row.first, left_end, right, row.end, to, {
                    larger(0.0 - high, 0.0), 0.0 - low, high < 0.0 ? row_reach[k + 1] : disc.radius, row_reach[k]});
        }
        cells.measure(disc);
    }

    // The cells of a row, or of the part of it on one side of the centre.
    void list_half(i64 left, i64 left_end, i64 right, i64 right_end, i64 to, const Edges &up) {
        const double *to_right = lines.begin(), *to_left = to_right + stride;
        const double *right_reach = to_left + stride, *left_reach = right_reach + stride;
        if (left < left_end) {
            runs[n_runs++] = {left_end - left, to + left};
            cells.append(
                left_end - left, to_left + left + 1, to_left + left, left_reach + left + 1, left_reach + left, up);
        }
        if (right < right_end) {
            runs[n_runs++] = {right_end - right, to + right};
            cells.append(
                right_end - right, to_right + right, to_right + right + 1, right_reach + right,
                right_reach + right + 1, up);
        }
    }

    Disc disc = {};
    Window w = {};
    double cy = 0.0, centre = 0.0, middle = 0.0;
    Row rows[ROWS];
    double row_line[ROWS + 1], row_reach[ROWS + 1];
    Run runs[4 * ROWS];
    i64 n_runs = 0;
    Scratch<double> lines;
    const i64 stride;
    CellList cells;
};

}  // namespace shapes
