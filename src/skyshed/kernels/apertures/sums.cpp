// Sums over elliptical apertures with exact pixel weights, block by block: pixels inside weigh 1; those on
// the rim are listed first and then computed together.

#include "skyshed/kernels/apertures/sums.h"
#include "skyshed/kernels/apertures/rows.hpp"

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

// Columns of a row of a block, half-open: those touched by the ellipse, and those inside it.
struct Row {
    i64 first, end, inner, inner_end;
};

Row row_of(const Touched &t, const Box &box, i64 x0) {
    if (!(t.first <= t.last)) return {box.x1, box.x1, box.x1, box.x1};
    const i64 first = max(box.x0, i64(t.first) - x0), end = min(box.x1, i64(t.last) - x0 + 1);
    if (!(t.inner_first <= t.inner_last)) return {first, end, end, end};
    const i64 inner = max(i64(t.inner_first) - x0, first);
    const i64 inner_end = min(i64(t.inner_last) - x0 + 1, end);
    if (inner >= inner_end) return {first, end, end, end};
    return {first, end, inner, inner_end};
}

// The pixels that an ellipse crosses: where the lines along their edges enter and leave it, relative to
// their corners, and where they are in the block.
struct Rim {
    Scratch<double> edge[8];
    Scratch<double> area;
    Scratch<i64> at;
    i64 n = 0;

    explicit Rim(i64 room)
        : edge{Scratch<double>(room), Scratch<double>(room), Scratch<double>(room), Scratch<double>(room),
               Scratch<double>(room), Scratch<double>(room), Scratch<double>(room), Scratch<double>(room)},
          area(room), at(room) {}
    explicit operator bool() const {
        bool all = area && at;
        for (const auto &each : edge) all = all && each;
        return all;
    }
    void add(i64 where, const Cell &cell) {
        const Chord c[] = {cell.below, cell.above, cell.left, cell.right};
        // The centre's pixel gets no chords: see `overlap`.
        const bool central = cell.holds_centre();
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
        double *out = area.begin();
        SKYSHED_INDEPENDENT
        for (i64 i = 0; i < end; ++i)
            out[i] = overlap_of_one_arc(
                e, {b0[i], b1[i]}, {t0[i], t1[i]}, {l0[i], l1[i]}, {r0[i], r1[i]});
    }
};

// A source's aperture, and what its pixels are gathered in.
template <class Value, class Error> class Sum {
  public:
    Sum(const Field<Value> &field, const Error *error, const bool *given, i64 widest)
        : f(field), error(error), given(given), low(widest + 1 + LANES), high(widest + 1 + LANES),
          rim(max(GATHERED, widest) + LANES), weights(max(GATHERED, widest) + LANES),
          values(max(GATHERED, widest) + LANES), variances(max(GATHERED, widest) + LANES) {}
    explicit operator bool() const { return low && high && rim && weights && values && variances; }

    double total, variance;
    int seen;

    bool measure(const Outline &now, const Box &next, int own, double sky, const int *stop) {
        total = variance = 0.0;
        seen = 0;
        find_columns(now);
        const i64 step = rows_at_once(now.box);
        for (i64 y0 = now.box.y0; y0 < now.box.y1; y0 += step) {
            if (stopped(stop)) return false;
            const Block block = find_rows(now, y0, min(y0 + step, now.box.y1));
            if (block.x0 >= block.x1) continue;
            find_weights(now, block);
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
    // The chords of the lines along the left edges of a box's pixels, and along the last's right edge.
    void find_columns(const Outline &now) {
        const double left = double(now.box.x0 + f.at.x0);
        double *lows = low.begin(), *highs = high.begin();
        const i64 end = padded(now.box.width() + 1);
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const Chord chord = column_chord(now.e, (double(k) + left) - 0.5 - now.of.x);
            lows[k] = chord.low, highs[k] = chord.high;
        }
    }

    Chord line(i64 k) const { return {line_low[k], line_high[k]}; }

    double edge_of(const Outline &now, i64 y) const { return double(y + f.at.y0) - 0.5 - now.of.y; }

    // The rows of a block, and the columns of it that the ellipse touches.
    Block find_rows(const Outline &now, i64 y0, i64 y1) {
        Block block = {y0, y1, now.box.x1, now.box.x0};
        const Chord first = row_chord(now.e, edge_of(now, y0));
        line_low[0] = first.low, line_high[0] = first.high;
        for (i64 k = 0; k < ROWS; ++k) {
            const Chord chord = row_chord(now.e, edge_of(now, y0 + k) + 1.0);
            line_low[k + 1] = chord.low, line_high[k + 1] = chord.high;
        }
        for (i64 k = 0; k < y1 - y0; ++k) {
            const double edge = edge_of(now, y0 + k);
            rows[k] = row_of(
                touched_by(now.e, now.of.x, edge, line(k), line(k + 1)), now.box, f.at.x0);
            if (rows[k].first >= rows[k].end) continue;
            block.x0 = min(block.x0, rows[k].first), block.x1 = max(block.x1, rows[k].end);
        }
        return block;
    }

    Cell cell_at(const Outline &now, const Block &block, i64 y, i64 x) {
        const i64 k = y - block.y0, c = x - now.box.x0;
        return {{double(x + f.at.x0) - 0.5 - now.of.x, edge_of(now, y)}, line(k), line(k + 1),
                {low[c], high[c]}, {low[c + 1], high[c + 1]}};
    }

    void find_weights(const Outline &now, const Block &block) {
        const i64 width = block.width(), end = padded(width);
        rim.n = 0;
        for (i64 y = block.y0; y < block.y1; ++y) {
            const Row &row = rows[y - block.y0];
            double *out = weights.begin() + (y - block.y0) * width;
            const i64 inner = row.inner - block.x0, inner_end = row.inner_end - block.x0;
            for (i64 k = 0; k < end; ++k) out[k] = (k >= inner) & (k < inner_end) ? 1.0 : 0.0;
            const i64 corner = (y - block.y0) * width - block.x0;
            for (i64 x = row.first; x < row.inner; ++x) rim.add(corner + x, cell_at(now, block, y, x));
            for (i64 x = row.inner_end; x < row.end; ++x) rim.add(corner + x, cell_at(now, block, y, x));
        }
        rim.measure(now.e);
        for (i64 i = 0; i < rim.n; ++i) {
            double area = rim.area[i];
            if (isnan(area)) {
                const i64 k = rim.at[i] / width;
                area = overlap_of_arcs(
                    now.e, cell_at(now, block, block.y0 + k, block.x0 + rim.at[i] - k * width));
            }
            weights[rim.at[i]] = larger(area, 0.0);
        }
    }

    // Turns a row of the block into weighted values and variances.
    void add_row(const Box &box, const Block &block, int own, double sky, i64 y) {
        const i64 n = block.width(), first = y * f.at.nx + block.x0, at = (y - block.y0) * n;
        const i64 room = f.at.ny * f.at.nx - first, end = padded(n);
        double *value = values.begin() + at, *sigma = variances.begin() + at;
        double *weight = weights.begin() + at;
        widen(f.data + first, n, room, sky, value);
        if (error) widen(error + first, n, room, 0.0, sigma);
        else std::fill(sigma, sigma + n, 0.0);
        const Row &row = rows[y - block.y0];
        if (any_special(f.labels + first, f.mask ? f.mask + first : nullptr, own, n, room)) {
            for (i64 x = row.first; x < row.end; ++x) {
                const i64 k = x - block.x0;
                i64 p;
                if (!(weight[k] > 0.0)) continue;
                switch (weighed(f, given, box, own, y, x, p, seen)) {
                    case LEFT_OUT: weight[k] = 0.0; break;
                    case AS_ZERO: value[k] = sigma[k] = 0.0; break;
                    case FROM:
                        value[k] = double(f.data[p]) - sky;
                        if (error) sigma[k] = double(error[p]);
                }
            }
        } else if (!(seen & USABLE)) {
            for (i64 k = row.first - block.x0; k < row.end - block.x0; ++k)
                if (weight[k] > 0.0) seen |= USABLE | PIXEL;
        }
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const double weighted = weight[k] * value[k], spread = weight[k] * sigma[k];
            value[k] = weight[k] > 0.0 ? weighted : 0.0;
            sigma[k] = weight[k] > 0.0 ? spread * spread : 0.0;
        }
    }

    const Field<Value> f;
    const Error *const error;
    const bool *const given;
    double line_low[ROWS + 1], line_high[ROWS + 1];  // chords of the lines between a block's rows
    Row rows[ROWS];
    Scratch<double> low, high;
    Rim rim;
    Scratch<double> weights, values, variances;
};

// The sums over sources order[k0:k1]. `error` and `given`, the part of the mask that the caller gave,
// may be null.
template <class Value, class Error>
i64 aperture_sums(
    const Value *data, const Error *error, const bool *given, const int *labels, const bool *mask,
    const i64 *where, const int *label, const double *ellipses, const double *background, const i64 *order,
    double *totals, double *variances, int *seen, const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = field_of(data, labels, mask, where);
    Scratch<Outline> outlines(k1 - k0);
    if (!outlines) return NO_MEMORY;
    i64 widest = 0;
    for (i64 k = k0; k < k1; ++k) {
        outlines[k - k0] = outline_at(f.at, ellipses, order[k], background[order[k]]);
        widest = max(widest, outlines[k - k0].box.width());
    }
    Sum<Value, Error> sum(f, error, given, widest);
    if (!sum) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Outline &now = outlines[k - k0];
        totals[i] = variances[i] = NAN_VALUE;
        seen[i] = now.seen;
        if (now.box.empty()) continue;
        const Box &next = outlines[min(k + 1, k1 - 1) - k0].box;
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

SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<float, float>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<float, double>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<double, float>);
SKYSHED_KERNEL("apertures.aperture_sums", aperture_sums<double, double>);

}  // namespace
}  // namespace apertures
