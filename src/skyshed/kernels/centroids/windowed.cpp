// Windowed centroids. A source's pixels are gathered once for each pixel that its position visits,
// neighbours replaced; a step then adds up plain rows, columns side by side.

#include "skyshed/kernels/centroids/windowed.h"

#include "skyshed/kernels/apertures/rows.hpp"

namespace centroids {
namespace {

using apertures::Field;

using apertures::LANES;

// Makes weights of their logarithms, as `weight_of`. In one loop compilers would ask of each whether it counts,
// and do one at a time.
SKYSHED_FLAT inline void weigh(double (&weights)[TILE]) {
    double counts[TILE];
    for (i64 k = 0; k < TILE; ++k) counts[k] = counted(weights[k]);
    for (i64 k = 0; k < TILE; ++k) weights[k] = within(weights[k]);
    for (i64 k = 0; k < TILE; ++k) weights[k] = counts[k] * falling(weights[k]);
}

// The sums of the columns of a tile, side by side, and what they are weighted with. What lies beyond the
// `width` columns of the tile, up to a multiple of LANES, is computed too, and counts as outside.
class Tile {
  public:
    // The columns from `left`.
    Tile(const Window &w, i64 left) : width(min(w.box.width() - left, i64(TILE))), square(w.square) {
        for (i64 k = 0; k < TILE; ++k) {
            dx[k] = whole(left + k) - w.centre.x;
            square_of[k] = k < width ? dx[k] * dx[k] : INF_VALUE;
            weight[k] = square_of[k] * w.slope;
            total[k] = y[k] = yy[k] = 0.0;
        }
        weigh(weight);
    }

    // Adds a row, its values from the tile's first column.
    SKYSHED_FLAT void add_row(const double *__restrict values, double of_row, double dy) {
        const double beside = dy * dy, most = square;
        // A loop over LANES within another one GCC takes for so many lines, one after the other.
        const i64 end = apertures::padded(width);
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const double value = square_of[k] + beside <= most ? values[k] : 0.0;
            Column column = {total[k], y[k], yy[k]};
            column.add(value, of_row, dy);
            total[k] = column.total, y[k] = column.y, yy[k] = column.yy;
        }
    }

    Moments moments() const {
        // Sum by sum: a CPU adds several columns at a time.
        double of[6][TILE];
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < TILE; ++k) {
            const Moments m = moments_of({total[k], y[k], yy[k]}, weight[k], dx[k]);
            const bool there = k < width;
            of[0][k] = there ? m.total : 0.0, of[1][k] = there ? m.x : 0.0, of[2][k] = there ? m.y : 0.0;
            of[3][k] = there ? m.xx : 0.0, of[4][k] = there ? m.yy : 0.0, of[5][k] = there ? m.xy : 0.0;
        }
        for (auto &sum : of) add_halves(sum);
        return {of[0][0], of[1][0], of[2][0], of[3][0], of[4][0], of[5][0]};
    }

  private:
    static void add_halves(double *sum) {
        for (i64 half = TILE / 2; half; half /= 2) {
            SKYSHED_INDEPENDENT
            for (i64 k = 0; k < half; ++k) sum[k] += sum[k + half];
        }
    }

    const i64 width;
    const double square;
    double dx[TILE], square_of[TILE], weight[TILE], total[TILE], y[TILE], yy[TILE];
};

// The sums over a source's windows.
template <class Value, class Error> struct Sums {
    const Field<Value> &f;
    const Field<Error> of_errors;
    const int own;
    double *values;
    Box gathered;  // the values are those of this box
    Moments m;

    template <class T> void gather(const Field<T> &from, const Box &box) {
        for (i64 y = box.y0, k = 0; y < box.y1; ++y, k += box.width())
            apertures::read_row(from, box, own, 0.0, y, box.x0, box.x1, values + k);
    }

    // The rows of a tile: how far from the centre, and what they weigh.
    static void weigh_rows(const Window &w, i64 top, double (&dy)[TILE], double (&of_row)[TILE]) {
        for (i64 row = 0; row < TILE; ++row) dy[row] = whole(top + row) - w.centre.y;
        for (i64 row = 0; row < TILE; ++row) of_row[row] = dy[row] * dy[row] * w.slope;
        weigh(of_row);
    }

    void add_up(const Window &w) {
        const i64 width = w.box.width(), height = w.box.height();
        m = {};
        for (i64 top = 0; top < height; top += TILE) {
            const i64 n = min(height - top, i64(TILE));
            double dy[TILE], of_row[TILE];
            weigh_rows(w, top, dy, of_row);
            for (i64 left = 0; left < width; left += TILE) {
                Tile tile(w, left);
                const double *line = values + top * width + left;
                for (i64 row = 0; row < n; ++row, line += width)
                    if (dy[row] * dy[row] <= w.square) tile.add_row(line, of_row[row], dy[row]);
                add(m, tile.moments());
            }
        }
    }

    First first(const Window &w) {
        if (!(w.box == gathered)) gather(f, gathered = w.box);
        add_up(w);
        return m.first();
    }
    Second second(const Window &) const { return m.second(); }
    Second errors(const Window &w) {
        gather(of_errors, w.box);
        for (i64 k = 0; k < w.box.size(); ++k) values[k] *= values[k];
        add_up(w);
        return m.second();
    }
};

// Searches the centroids of sources order[k0:k1].
template <class Value, class Error>
i64 windowed(
    const Value *data, const Error *error, const int *labels, const bool *mask, const i64 *where,
    const int *label, const double *windows, const double *ellipses, const double *plain, const i64 *order,
    double *centre, double *covariance, double *light, bool *fallback, bool *beyond, const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = apertures::field_of(data, labels, mask, where);
    i64 largest = 0;
    for (i64 k = k0; k < k1; ++k) {
        const i64 side = 2 * reach_of(f.at, windows[3 * order[k] + 2]) + 1;
        largest = max(largest, min(side, f.at.ny) * min(side, f.at.nx));
    }
    Scratch<double> values(largest + LANES);
    if (!values) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        if (stopped(stop)) return STOPPED;
        const i64 i = order[k], reach = reach_of(f.at, windows[3 * i + 2]);
        Found found;
        Sums<Value, Error> sums = {
            f, apertures::field_of(error, labels, mask, where), label[i], values.begin(), {}, {}};
        beyond[i] = false;
        const bool holds = reach >= 0 && search(
            sums, f.at, error, windows + 3 * i, ellipses + 3 * i, reach, found, beyond[i]);
        fallback[i] = !holds;
        write(
            holds, found, windows + 3 * i, plain + 3 * i, centre + 2 * i, covariance + 3 * i, light + 4 * i);
    }
    return 0;
}

SKYSHED_KERNEL("centroids.windowed", windowed<float, float>);
SKYSHED_KERNEL("centroids.windowed", windowed<float, double>);
SKYSHED_KERNEL("centroids.windowed", windowed<double, float>);
SKYSHED_KERNEL("centroids.windowed", windowed<double, double>);

}  // namespace
}  // namespace centroids
