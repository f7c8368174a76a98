// Sums over elliptical apertures with exact pixel weights, block by block: pixels inside weigh 1; those on
// the rim are listed first and then computed together.

#include "skyshed/kernels/apertures/kept.hpp"
#include "skyshed/kernels/apertures/sums.h"

namespace apertures {
namespace {

struct Outline {
    Aperture of;
    Ellipse e;
    Box box;    // empty where there is nothing to add up
    int seen;
};

Outline outline_at(const Place &at, const double *ellipses, i64 i, double sky) {
    Outline found = {aperture_at(ellipses, i), {}, {}, UNMEASURED};
    if (!found.of.valid(sky)) return found;
    found.e = found.of.scaled(1.0);
    found.seen = seen_without_pixels(at, found.of, found.e, sky);
    found.box = box_of(at, found.of.x, found.of.y, found.e.width, found.e.height);
    return found;
}

// Whether a pixel of row y of a block may be masked or another source's, where weights are computed.
template <class Value>
bool has_special(const EllipseWeights &, const Field<Value> &f, const Block &block, int own, i64 y) {
    return any_special(f, own, y * f.at.nx + block.x0, block.width());
}

// The same where they are kept, and with them whether any is another source's.
template <class Value>
bool has_special(const KeptWeights &kept, const Field<Value> &f, const Block &block, int, i64 y) {
    return kept.has_others(y - block.y0) ||
           (f.mask && any_masked(f.mask + y * f.at.nx + block.x0, block.width()));
}

// A source's aperture, and what its pixels are gathered in.
template <class Value, class Error, class Weights> class Sum {
  public:
    Sum(const Field<Value> &field, const Error *error, const bool *given, Weights &outline, i64 widest)
        : f(field), error(error), given(given), outline(outline), weights(max(GATHERED, widest) + LANES),
          values(max(GATHERED, widest) + LANES), variances(max(GATHERED, widest) + LANES) {
        if (variances && !error) std::fill_n(variances.begin(), max(GATHERED, widest) + LANES, 0.0);
    }
    explicit operator bool() const { return weights && values && variances; }

    double total, variance;
    int seen;

    // The aperture is the one that the weights were started with.
    bool measure(const Outline &now, const Box &next, int own, double sky, const int *stop) {
        total = variance = 0.0;
        seen = 0;
        const i64 step = rows_at_once(now.box);
        for (i64 y0 = now.box.y0; y0 < now.box.y1; y0 += step) {
            if (stopped(stop)) return false;
            const Block block = outline.find_rows(y0, min(y0 + step, now.box.y1));
            if (block.x0 >= block.x1) continue;
            outline.find_weights(block, weights.begin());
            for (i64 y = block.y0; y < block.y1; ++y) {
                prefetch_ahead(f, error, now.box, next, y);
                add_row(now.box, block, own, sky, y);
            }
            const Two sums = add_up(values.begin(), variances.begin(), block.size());
            total += sums.first, variance += sums.second;
        }
        return true;
    }

  private:
    // Writes weighted values and variances of a row of the block.
    void add_row(const Box &box, const Block &block, int own, double sky, i64 y) {
        const i64 n = block.width(), first = y * f.at.nx + block.x0, at = (y - block.y0) * n;
        const i64 end = lanes_of(n, f.at.ny * f.at.nx - first);
        double *value = values.begin() + at, *sigma = variances.begin() + at;
        double *weight = weights.begin() + at;
        const Row &row = outline.rows[y - block.y0];
        if (has_special(outline, f, block, own, y)) {
            weigh_special(box, row, own, sky, y, block.x0, end, weight, value, sigma);
            return;
        }
        if (!(seen & USABLE))
            for (i64 k = row.first - block.x0; k < row.end - block.x0; ++k)
                if (weight[k] > 0.0) seen |= USABLE | PIXEL;
        weigh(f.data + first, sky, end, weight, value);
        if (error) weigh_squared(error + first, end, weight, sigma);
    }

    // The same where pixels are masked or another source's.
    void weigh_special(
        const Box &box, const Row &row, int own, double sky, i64 y, i64 x0, i64 end, double *weight,
        double *value, double *sigma) {
        const i64 first = y * f.at.nx + x0;
        for (i64 k = 0; k < end; ++k) value[k] = double(f.data[first + k]);
        for (i64 k = 0; error && k < end; ++k) sigma[k] = double(error[first + k]);
        for (i64 k = row.first - x0; k < row.end - x0; ++k) {
            i64 p;
            if (!(weight[k] > 0.0)) continue;
            switch (weighed(f, given, box, own, y, x0 + k, p, seen)) {
                case LEFT_OUT: weight[k] = 0.0; break;
                case AS_ZERO:
                    value[k] = sky;
                    if (error) sigma[k] = 0.0;
                    break;
                case FROM:
                    value[k] = double(f.data[p]);
                    if (error) sigma[k] = double(error[p]);
            }
        }
        weigh(value, sky, end, weight, value);
        if (error) weigh_squared(sigma, end, weight, sigma);
    }

    // What n pixels come to, less the sky; those without weight may be no number.
    template <class Pixel>
    static void weigh(const Pixel *pixels, double sky, i64 n, const double *weight, double *out) {
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double weighted = weight[k] * (double(pixels[k]) - sky);
            out[k] = weight[k] > 0.0 ? weighted : 0.0;
        }
    }

    template <class Pixel>
    static void weigh_squared(const Pixel *pixels, i64 n, const double *weight, double *out) {
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double weighted = weight[k] * double(pixels[k]);
            out[k] = weight[k] > 0.0 ? weighted * weighted : 0.0;
        }
    }

    const Field<Value> f;
    const Error *const error;
    const bool *const given;
    Weights &outline;
    Scratch<double> weights, values, variances;
};

// What is the same for all sources of a range.
template <class Value, class Error> struct Range {
    const Field<Value> f;
    const Error *error;
    const bool *given;
    const int *label;
    const double *background;
    const i64 *order;
    double *totals, *variances;
    int *seen;
    const int *stop;
    i64 k0, k1, widest;
    Outline *outlines;

    // Adds up with weights, which start(now, i) starts for an aperture.
    template <class Weights, class Start> i64 add_up(Weights &weights, Start start) const {
        Sum<Value, Error, Weights> sum(f, error, given, weights, widest);
        if (!sum) return NO_MEMORY;
        for (i64 k = k0; k < k1; ++k) {
            const i64 i = order[k];
            const Outline &now = outlines[k - k0];
            totals[i] = variances[i] = NAN_VALUE;
            seen[i] = now.seen;
            if (now.box.empty()) continue;
            const Box &next = outlines[min(k + 1, k1 - 1) - k0].box;
            start(now, i);
            if (!sum.measure(now, next, label[i], background[i], stop)) return STOPPED;
            if (sum.seen & USABLE) {
                totals[i] = sum.total;
                if (error) variances[i] = sum.variance;
            }
            seen[i] = seen_in_all(
                sum.seen, error, sum.variance, beyond_edge(f.at, now.of.x, now.of.y, now.e));
        }
        return 0;
    }
};

// The sums over sources order[k0:k1]. `error`, `given`, the part of the mask that the caller gave, and what is
// kept of the weights may be null.
template <class Value, class Error>
i64 aperture_sums(
    const Value *data, const Error *error, const bool *given, const int *labels, const bool *mask,
    const i64 *where, const int *label, const double *ellipses, const double *background, const i64 *order,
    const i64 *row_start, const i64 *rim_start, const int *rows, const double *rims, double *totals,
    double *variances, int *seen, const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = field_of(data, labels, mask, where);
    Scratch<Outline> outlines(k1 - k0);
    if (!outlines) return NO_MEMORY;
    i64 widest = 0;
    for (i64 k = k0; k < k1; ++k) {
        outlines[k - k0] = outline_at(f.at, ellipses, order[k], background[order[k]]);
        widest = max(widest, outlines[k - k0].box.width());
    }
    const Range<Value, Error> range = {f, error, given, label, background, order, totals, variances,
                                       seen, stop, k0, k1, widest, outlines.begin()};
    if (rows) {
        KeptWeights kept({row_start, rim_start, reinterpret_cast<const KeptRow *>(rows), rims});
        return range.add_up(kept, [&](const Outline &now, i64 i) { kept.start(i, now.box); });
    }
    EllipseWeights weights(widest);
    if (!weights) return NO_MEMORY;
    return range.add_up(weights, [&](const Outline &now, i64) {
        weights.start(now.e, f.at, now.of.x, now.of.y, now.box);
    });
}

SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<float, float>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<float, double>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<double, float>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<double, double>);

}  // namespace
}  // namespace apertures
