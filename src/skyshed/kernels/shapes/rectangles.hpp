// The exact weights of a rectangle's pixels on the CPU, row by row: of pixels that one side cuts at most,
// several at a time; the few that more sides cut are listed, and then computed together.
#pragma once
#include "skyshed/kernels/apertures/rows.hpp"
#include "skyshed/kernels/shapes/shapes.h"

namespace shapes {

class RectangleWeights {
  public:
    // `room` is for the pixels of the largest block.
    explicit RectangleWeights(i64 room)
        : again(room + apertures::LANES), left(room + apertures::LANES), low(room + apertures::LANES),
          at(room + apertures::LANES) {}
    explicit operator bool() const { return again && left && low && at; }

    // Writes the weights of a block, row by row.
    void write(const Outline &o, double x, double y, const apertures::Block &block, double *weights) {
        n = 0;
        const i64 width = block.width();
        for (i64 k = 0; k < block.height(); ++k)
            row(o, (double(block.x0) - 0.5) - x, (double(block.y0 + k) - 0.5) - y, width, weights + k * width, k * width);
        corners(o.roof);
        for (i64 k = 0; k < n; ++k) weights[at[k]] = left[k];
    }

  private:
    SKYSHED_FLAT void row(const Outline &o, double first, double lower, i64 width, double *__restrict out, i64 to) {
        const Roof r = o.roof;
        const double a = o.a, b = o.b, c = o.cosine, s = o.sine;
        const double ys = (lower + 0.5) * s, yc = (lower + 0.5) * c;
        double *__restrict cut = again.begin();
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < width; ++k) {
            const double x = (first + whole(k)) + 0.5;
            const Inside in = inside_of(a, b, ys + x * c, yc - x * s);
            out[k] = beside_one(r, in.nearest);
            cut[k] = cut_again(r, in) ? 1.0 : 0.0;
        }
        i64 next = n;
        for (i64 k = 0; k < width; ++k) {
            at[next] = to + k, left[next] = first + double(k), low[next] = lower;
            next += cut[k] > 0.0;
        }
        n = next;
    }

    SKYSHED_FLAT void corners(const Roof &roof) {
        const Roof r = roof;
        double *__restrict x = left.begin();
        const double *__restrict y = low.begin();
        const i64 all = n;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < all; ++k) x[k] = under_and_above(r, x[k], y[k]);
    }

    i64 n = 0;
    Scratch<double> again, left, low;
    Scratch<i64> at;
};

}  // namespace shapes
