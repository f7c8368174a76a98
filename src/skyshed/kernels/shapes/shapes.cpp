// Sums over shapes: a block of rows is weighed, then added up several pixels at a time. Only where a row has
// masked pixels, or the sum is not finite, pixels are looked at one by one.

#include "skyshed/kernels/shapes/circles.hpp"
#include "skyshed/kernels/shapes/rectangles.hpp"
#include "skyshed/kernels/apertures/weights.hpp"

namespace shapes {
namespace {

using apertures::EllipseWeights;
using apertures::Four;
using apertures::GATHERED;
using apertures::add_four;
using apertures::lanes_of;
using apertures::sum_of;

i64 rows_at_once(const Window &w) { return max(min(ROWS, GATHERED / (w.x1 - w.x0)), i64(1)); }

// The sizes that scratch memory follows from.
struct Largest {
    i64 width = 1, block = 1;  // pixels of a window's row, and of the rows of it that are added up at once

    void take(const Window &w) {
        if (!w.size()) return;
        width = max(width, w.x1 - w.x0);
        block = max(block, min(rows_at_once(w), w.y1 - w.y0) * (w.x1 - w.x0));
    }
    i64 room() const { return padded(block) + LANES; }
};

// The exact weights of a circle's or an ellipse's pixels.
class CurvedWeights {
  public:
    explicit CurvedWeights(const Largest &largest)
        : circle(largest.width, largest.block), ellipse(largest.width, largest.block) {}
    explicit operator bool() const { return circle && ellipse; }

    void start(const Outline &outline, double x, double y, const Window &w) {
        cells = outline.cells;
        if (!outline.drawn) return;
        if (cells) circle.start(outline.disc, x, y, w);
        else ellipse.start(outline.e, {}, x, y, {w.y0, w.y1, w.x0, w.x1, 0, 0});
    }

    // Writes the weights of rows y0 to y1, and returns the columns of them that have some.
    Block write(i64 y0, i64 y1, double *weights) {
        const Block block = cells ? circle.find_rows(y0, y1) : ellipse.find_rows(y0, y1);
        if (block.x0 >= block.x1) return block;
        if (cells) circle.write(block, weights);
        else ellipse.find_weights(block, weights);
        return block;
    }

    // Writes the weights of a block; what is not in it is left out.
    void write(const Block &block, double *weights) {
        if (cells) {
            circle.find_rows(block.y0, block.y1);
            circle.clip(block);
            circle.write(block, weights);
            return;
        }
        ellipse.find_rows(block.y0, block.y1);
        for (i64 k = 0; k < block.height(); ++k) clip(ellipse.rows[k], block);
        ellipse.find_weights(block, weights);
    }

  private:
    // Rounding may let an ellipse reach a pixel further than another one.
    static void clip(apertures::Row &row, const Block &block) {
        row.first = max(row.first, block.x0), row.end = min(row.end, block.x1);
        row.inner = min(max(row.inner, row.first), max(row.end, row.first));
        row.inner_end = max(min(row.inner_end, row.end), row.inner);
    }

    bool cells = false;
    CircleWeights circle;
    EllipseWeights ellipse;
};

// The weights of a window's rows.
class Weights {
  public:
    Weights(int family, i64 samples, const Largest &largest)
        : values(largest.room()), family(family), samples(samples), hole(largest.room()), outer(largest),
          inner(largest), rectangle(largest.block) {}
    explicit operator bool() const { return values && hole && outer && inner && rectangle; }

    Scratch<double> values;  // of the block that was found last

    void start(const Shape &shape, const Window &window) {
        s = &shape, w = window;
        if (samples || family == RECTANGLE) return;
        outer.start(s->outer, s->x, s->y, w);
        inner.start(s->inner, s->x, s->y, w);
    }

    // Weighs rows y0 to y1, and returns the columns of them that have weights.
    Block find(i64 y0, i64 y1) {
        if (!s->outer.drawn) return {y0, y1, w.x1, w.x0};
        if (samples) return sampled_rows({y0, y1, w.x0, w.x1});
        if (family == RECTANGLE) return rectangles({y0, y1, w.x0, w.x1});
        const Block block = outer.write(y0, y1, values.begin());
        if (block.x0 >= block.x1 || !s->inner.drawn) return block;
        inner.write(block, hole.begin());
        subtract(padded(block.size()));
        return block;
    }

  private:
    void subtract(i64 n) {
        double *__restrict out = values.begin();
        const double *__restrict in = hole.begin();
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) out[k] = out[k] > in[k] ? out[k] - in[k] : 0.0;
    }

    Block rectangles(const Block &block) {
        rectangle.write(s->outer, s->x, s->y, block, values.begin());
        if (s->inner.drawn) {
            rectangle.write(s->inner, s->x, s->y, block, hole.begin());
            subtract(block.size());
        }
        fill_up(block);
        return block;
    }

    Block sampled_rows(const Block &block) {
        const i64 width = block.width();
        for (i64 y = block.y0; y < block.y1; ++y) {
            double *row = values.begin() + (y - block.y0) * width;
            if (samples == 1 && family == CIRCLE) centres(row, y, width);
            else for (i64 k = 0; k < width; ++k) row[k] = weight_of(*s, family, samples, y, w.x0 + k);
        }
        fill_up(block);
        return block;
    }

    void fill_up(const Block &block) {
        for (i64 k = block.size(); k < padded(block.size()); ++k) values[k] = 0.0;
    }

    // Pixels of a row by their centres; what `sampled` says of circles.
    void centres(double *row, i64 y, i64 width) const {
        const double dy = ((double(y) - 0.5) - s->y - 0.5) + 1.0, y2 = dy * dy;
        const double outer2 = s->outer.a * s->outer.a;
        const double inner2 = s->inner.drawn ? s->inner.a * s->inner.a : 0.0;
        const double x0 = double(w.x0) - 0.5, cx = s->x;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < width; ++k) {
            const double dx = ((x0 + whole(k)) - cx - 0.5) + 1.0, r2 = dx * dx + y2;
            row[k] = (r2 < outer2) & (r2 >= inner2) ? 1.0 : 0.0;
        }
    }

    const int family;
    const i64 samples;
    const Shape *s = nullptr;
    Window w = {};
    Scratch<double> hole;
    CurvedWeights outer, inner;
    RectangleWeights rectangle;
};

// Asks for the pixels of a window that is measured next.
template <class Value, class Error> void prefetch_window(const Images<Value, Error> &f, const Window &w) {
    if (!w.size()) return;
    for (i64 y = w.y0; y < min(w.y1, w.y0 + ROWS); ++y) {
        const i64 first = y * f.nx + w.x0, last = first + (w.x1 - w.x0) - 1;
        for (i64 p = first; p < last + 15; p += 16) {
            prefetch<2>(f.data + min(p, last));
            if (f.error) prefetch<2>(f.error + min(p, last));
            if (f.labels) prefetch<2>(f.labels + min(p, last));
        }
        for (i64 p = first; f.mask && p < last + 63; p += 64) prefetch<2>(f.mask + min(p, last));
    }
}

template <class Value, class Error> class Adder {
  public:
    Adder(
        const Images<Value, Error> &images, i64 n_pixels, int family, i64 samples, i64 power,
        const Largest &largest)
        : f(images), n_pixels(n_pixels), power(power), weights(family, samples, largest),
          values(largest.room()), variances(f.error ? largest.room() : 0) {}
    explicit operator bool() const { return weights && values && variances; }

    Sums sums;

    bool measure(const Shape &s, const Window &w, int own, double sky, const int *stop) {
        if (!go(s, w, own, sky, false, stop)) return false;
        // Something is not finite: which, is seen pixel by pixel.
        const bool whole = finite(sums.total) && finite(sums.variance);
        return whole || go(s, w, own, sky, true, stop);
    }

  private:
    bool go(const Shape &s, const Window &w, int own, double sky, bool one_by_one, const int *stop) {
        sums = {0.0, 0.0, 0.0, 0.0, 0};
        weights.start(s, w);
        const i64 step = rows_at_once(w);
        for (i64 y0 = w.y0; y0 < w.y1; y0 += step) {
            if (stopped(stop)) return false;
            const Block block = weights.find(y0, min(y0 + step, w.y1));
            if (block.x0 >= block.x1) continue;
            if (one_by_one || any_special(block, own)) add_each(s, w, block, own, sky);
            else add_all(block, sky);
        }
        return true;
    }

    // Whether one of a block's pixels is masked or has a label that matters.
    bool any_special(const Block &b, int own) const {
        const bool by_label = f.rule != NONE && own != ANY;
        if (!f.mask && !by_label) return false;
        for (i64 y = b.y0; y < b.y1; ++y) {
            const i64 first = y * f.nx + b.x0, n = b.width();
            if (f.mask) {
                const unsigned char *mask = bytes_of(f.mask) + first;
                unsigned char any = 0;
                for (i64 k = 0; k < n; ++k) any |= mask[k];
                if (any) return true;
            }
            if (by_label) {
                const int *labels = f.labels + first;
                int any = 0;
                if (own > 0) for (i64 k = 0; k < n; ++k) any |= int(labels[k] > 0) & int(labels[k] != own);
                else for (i64 k = 0; k < n; ++k) any |= int(labels[k] != -own);
                if (any) return true;
            }
        }
        return false;
    }

    void add_each(const Shape &s, const Window &w, const Block &b, int own, double sky) {
        const double *weight = weights.values.begin();
        for (i64 y = b.y0; y < b.y1; ++y)
            for (i64 x = b.x0; x < b.x1; ++x, ++weight)
                if (*weight > 0.0) add_pixel(sums, f, w, s, own, sky, power, y, x, *weight);
    }

    void add_all(const Block &b, double sky) {
        const i64 n = b.width(), all = b.size(), end = padded(all);
        double *weight = weights.values.begin();
        std::fill(weight + all, weight + end, 0.0);
        for (i64 y = b.y0; y < b.y1; ++y) {
            const i64 first = y * f.nx + b.x0, at = (y - b.y0) * n, room = n_pixels - first;
            weigh(f.data + first, weight + at, lanes_of(n, room), sky, values.begin() + at);
            if (f.error) spread(f.error + first, weight + at, lanes_of(n, room), variances.begin() + at);
        }
        std::fill(values.begin() + all, values.begin() + end, 0.0);
        sums.total += add_up(values.begin(), end);
        const double area = add_up(weight, end);
        if (area > 0.0) sums.seen |= PIXEL | USED;
        sums.area += area;
        if (!f.error) return;
        std::fill(variances.begin() + all, variances.begin() + end, 0.0);
        sums.variance += add_up(variances.begin(), end);
    }

    // Adds up n values, a multiple of LANES: eight sums, that a core has no need to wait for the last one.
    static double add_up(const double *values, i64 n) {
        Four a = {}, b = {};
        for (i64 k = 0; k < n; k += LANES) add_four(a, values + k), add_four(b, values + k + 4);
        return sum_of(a) + sum_of(b);
    }

    static void weigh(const Value *pixel, const double *weight, i64 n, double sky, double *__restrict out) {
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double weighted = weight[k] * (double(pixel[k]) - sky);
            out[k] = weight[k] > 0.0 ? weighted : 0.0;
        }
    }

    void spread(const Error *error, const double *weight, i64 n, double *__restrict out) const {
        const bool squared = power == 2;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double by = squared ? weight[k] * weight[k] : weight[k], sigma = double(error[k]);
            const double weighted = by * (sigma * sigma);
            out[k] = weight[k] > 0.0 ? weighted : 0.0;
        }
    }

    const Images<Value, Error> f;
    const i64 n_pixels, power;
    Weights weights;
    Scratch<double> values, variances;
};

// How many shapes ahead the tables' rows are asked for.
constexpr i64 AHEAD = 4;

// The sums over shapes order[k0:k1]; `out` has four for each.
template <class Value, class Error>
i64 add_up_shapes(
    const Value *data, const Error *error, const bool *mask, const int *labels, i64 ny, i64 nx,
    const double *rows, const i64 *boxes, const int *label, const double *background, i64 family, i64 samples,
    i64 rule, i64 power, bool finite_only, const i64 *order, double *out, int *seen, const int *stop, i64 k0,
    i64 k1) {
    Largest largest;
    for (i64 k = k0; k < k1; ++k) largest.take(window_at(boxes, order[k]));
    const Images<Value, Error> f = {data, error, mask, labels, nx, int(rule), finite_only};
    Adder<Value, Error> adder(f, ny * nx, int(family), samples, power, largest);
    if (!adder) return NO_MEMORY;
    Shape s = {};
    const double *known = nullptr;  // the row that its outlines are of
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Window w = window_at(boxes, i);
        if (k + 1 < k1) prefetch_window(f, window_at(boxes, order[k + 1]));
        // The order is that of the image, so that rows of the tables are far apart.
        const i64 soon = order[min(k + AHEAD, k1 - 1)];
        prefetch(rows + NUMBERS * soon), prefetch(rows + NUMBERS * soon + NUMBERS - 1);
        prefetch(boxes + 4 * soon), prefetch_to_write(out + 4 * soon), prefetch_to_write(seen + soon);
        adder.sums = {0.0, 0.0, 0.0, 0.0, 0};
        if (w.size()) {
            const double *row = rows + NUMBERS * i;
            // Apertures at many places have one shape, mostly.
            if (known && std::equal(row + 2, row + NUMBERS, known + 2)) s.x = row[0], s.y = row[1];
            else s = shape_at(int(family), rows, i);
            known = row;
            if (!adder.measure(s, w, label ? label[i] : ANY, background ? background[i] : 0.0, stop)) return STOPPED;
        }
        const Sums &sums = adder.sums;
        out[4 * i] = sums.total, out[4 * i + 1] = sums.variance;
        out[4 * i + 2] = sums.area, out[4 * i + 3] = sums.left_out;
        seen[i] = sums.seen;
    }
    return 0;
}

// The weights of shapes i0 to i1: rows of a table, which have room for a window's pixels.
i64 weights(
    const double *rows, const i64 *boxes, i64 family, i64 samples, i64 width, double *out, const int *stop,
    i64 i0, i64 i1) {
    Largest largest;
    for (i64 i = i0; i < i1; ++i) largest.take(window_at(boxes, i));
    Weights found(int(family), samples, largest);
    if (!found) return NO_MEMORY;
    for (i64 i = i0; i < i1; ++i) {
        const Window w = window_at(boxes, i);
        double *const row = out + i * width;
        std::fill(row, row + width, 0.0);
        if (!w.size()) continue;
        const Shape s = shape_at(int(family), rows, i);
        found.start(s, w);
        const i64 step = rows_at_once(w), across = w.x1 - w.x0;
        for (i64 y0 = w.y0; y0 < w.y1; y0 += step) {
            if (stopped(stop)) return STOPPED;
            const Block b = found.find(y0, min(y0 + step, w.y1));
            if (b.x0 >= b.x1) continue;
            const double *value = found.values.begin();
            for (i64 y = b.y0; y < b.y1; ++y, value += b.width())
                std::copy(value, value + b.width(), row + (y - w.y0) * across + (b.x0 - w.x0));
        }
    }
    return 0;
}

SKYSHED_KERNEL("shapes.sums", add_up_shapes<float, float>);
SKYSHED_KERNEL("shapes.sums", add_up_shapes<double, double>);
SKYSHED_KERNEL("shapes.weights", weights);

}  // namespace
}  // namespace shapes
