// Weights of ellipses' pixels that are kept, for images of the same pixels that are measured one after the
// other: which columns of each row are touched and inside, and how much those on the rim count.
#pragma once
#include <algorithm>

#include "skyshed/kernels/apertures/weights.hpp"

namespace apertures {

// A row of an aperture: columns relative to its box's first, and whether a pixel that the ellipse touches is
// another source's.
struct KeptRow {
    int first, end, inner, inner_end, others;

    i64 on_rim() const { return (inner - first) + (end - inner_end); }
};
static_assert(sizeof(KeptRow) == 5 * sizeof(int));

// What is kept: the rows of source i from row_start[i] on, and the weights of its rims from rim_start[i] on,
// row by row from left to right.
struct Kept {
    const i64 *row_start, *rim_start;
    const KeptRow *row;
    const double *rim;
};

// Does what `EllipseWeights` does, with weights that are kept.
class KeptWeights {
  public:
    explicit KeptWeights(const Kept &all) : all(all) {}

    Row rows[ROWS];

    void start(i64 i, const Box &of) {
        box = of;
        from = all.row + all.row_start[i];
        rim = all.rim + all.rim_start[i];
    }

    Block find_rows(i64 y0, i64 y1) {
        Block block = {y0, y1, box.x1, box.x0};
        found = from + (y0 - box.y0);
        for (i64 k = 0; k < y1 - y0; ++k) {
            const KeptRow &row = found[k];
            rows[k] = {box.x0 + row.first, box.x0 + row.end, box.x0 + row.inner, box.x0 + row.inner_end};
            if (row.first >= row.end) continue;
            block.x0 = min(block.x0, rows[k].first), block.x1 = max(block.x1, rows[k].end);
        }
        return block;
    }

    // Weights of blocks are asked for in their order.
    void find_weights(const Block &block, double *weights) {
        const i64 width = block.width(), end = padded(width);
        for (i64 k = 0; k < block.height(); ++k) {
            const Row &row = rows[k];
            double *out = weights + k * width;
            const i64 inner = row.inner - block.x0, inner_end = row.inner_end - block.x0;
            weigh_inside(inner, inner_end, end, out);
            for (i64 x = row.first - block.x0; x < inner; ++x) out[x] = *rim++;
            for (i64 x = inner_end; x < row.end - block.x0; ++x) out[x] = *rim++;
        }
    }

    // Whether a pixel of row k of the block may be another source's.
    bool has_others(i64 k) const { return found[k].others; }

  private:
    const Kept all;
    Box box = {};
    const KeptRow *from = nullptr, *found = nullptr;
    const double *rim = nullptr;
};

}  // namespace apertures
