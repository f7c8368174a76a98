// Windowed centroids. A source's pixels are gathered once for each pixel that its position visits,
// neighbours replaced; a step then adds up plain rows, with a weight per row and a weight per column.

#include "skyshed/kernels/centroids/windowed.h"

#include "skyshed/kernels/apertures/rows.hpp"

namespace centroids {
namespace {

using apertures::Field;

// Columns first to end - 1 of a row.
struct Columns {
    i64 first, end;
};

// Those of a row of `width` pixels, dy from the centre, in the circle: tested as squares.
Columns columns_of(const Window &w, double dy, i64 width) {
    const double rest = w.square - dy * dy, x = w.centre.x;
    if (rest < 0.0) return {0, 0};
    const double half = sqrt(rest);
    const auto within = [&](i64 k) { return (double(k) - x) * (double(k) - x) + dy * dy <= w.square; };
    i64 first = max(i64(0), i64(ceil(x - half))), end = min(width, i64(floor(x + half)) + 1);
    while (first > 0 && within(first - 1)) --first;
    while (first < end && !within(first)) ++first;
    while (end < width && within(end)) ++end;
    while (end > first && !within(end - 1)) --end;
    return {first, end};
}

// The sums over a source's windows.
template <class Value, class Error> struct Sums {
    const Field<Value> &f;
    const Field<Error> of_errors;
    const int own;
    double *values, *weights;
    Box gathered;  // the values are those of this box

    template <class T> void gather(const Field<T> &from, const Box &box) {
        for (i64 y = box.y0, k = 0; y < box.y1; ++y, k += box.width())
            apertures::read_row(from, box, own, 0.0, y, box.x0, box.x1, values + k);
    }
    void weigh(const Window &w) {
        for (i64 k = 0; k < w.box.width(); ++k) {
            const double dx = double(k) - w.centre.x;
            weights[k] = exp(dx * dx * w.slope);
        }
    }

    First first(const Window &w) {
        if (!(w.box == gathered)) gather(f, gathered = w.box);
        weigh(w);
        const i64 width = w.box.width();
        First sums = {0.0, 0.0, 0.0};
        for (i64 row = 0; row < w.box.height(); ++row) {
            const double dy = double(row) - w.centre.y, *line = values + row * width;
            const Columns in = columns_of(w, dy, width);
            double total = 0.0, moment = 0.0;
            for (i64 k = in.first; k < in.end; ++k) {
                const double value = line[k] * weights[k];
                total += value;
                moment += value * (double(k) - w.centre.x);
            }
            const double of_row = exp(dy * dy * w.slope);
            sums.total += of_row * total;
            sums.x += of_row * moment;
            sums.y += of_row * dy * total;
        }
        return sums;
    }

    Second second(const Window &w) {
        const i64 width = w.box.width();
        Second sums = {0.0, 0.0, 0.0, 0.0};
        for (i64 row = 0; row < w.box.height(); ++row) {
            const double dy = double(row) - w.centre.y, *line = values + row * width;
            const Columns in = columns_of(w, dy, width);
            double s0 = 0.0, s1 = 0.0, s2 = 0.0;
            for (i64 k = in.first; k < in.end; ++k) {
                const double dx = double(k) - w.centre.x, value = line[k] * weights[k];
                s0 += value;
                s1 += value * dx;
                s2 += value * dx * dx;
            }
            const double of_row = exp(dy * dy * w.slope);
            sums.total += of_row * s0;
            sums.xx += of_row * s2;
            sums.yy += of_row * dy * dy * s0;
            sums.xy += of_row * dy * s1;
        }
        return sums;
    }

    Second errors(const Window &w) {
        gather(of_errors, w.box);
        for (i64 k = 0; k < w.box.size(); ++k) values[k] *= values[k];
        weigh(w);
        return second(w);
    }
};

// Searches the centroids of sources order[k0:k1].
template <class Value, class Error>
i64 windowed(
    const Value *data, const Error *error, const int *labels, const bool *mask, const i64 *where,
    const int *label, const double *windows, const double *ellipses, const double *plain, const i64 *order,
    double *centre, double *covariance, bool *fallback, bool *beyond, const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = apertures::field_of(data, labels, mask, where);
    i64 largest = 0, widest = 0;
    for (i64 k = k0; k < k1; ++k) {
        const i64 side = 2 * reach_of(f.at, windows[3 * order[k] + 2]) + 1;
        largest = max(largest, min(side, f.at.ny) * min(side, f.at.nx));
        widest = max(widest, min(side, f.at.nx));
    }
    Scratch<double> values(largest + apertures::LANES), weights(widest);
    if (!values || !weights) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        if (stopped(stop)) return STOPPED;
        const i64 i = order[k], reach = reach_of(f.at, windows[3 * i + 2]);
        double place[5] = {NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE};
        Sums<Value, Error> sums = {
            f, apertures::field_of(error, labels, mask, where), label[i], values.begin(), weights.begin(),
            {}};
        beyond[i] = false;
        const bool holds = reach >= 0 && search(
            sums, f.at, error, windows + 3 * i, ellipses + 3 * i, reach, place, beyond[i]);
        fallback[i] = !holds;
        write(holds, place, windows + 3 * i, plain + 3 * i, centre + 2 * i, covariance + 3 * i);
    }
    return 0;
}

SKYSHED_KERNEL("centroids.windowed", windowed<float, float>);
SKYSHED_KERNEL("centroids.windowed", windowed<float, double>);
SKYSHED_KERNEL("centroids.windowed", windowed<double, float>);
SKYSHED_KERNEL("centroids.windowed", windowed<double, double>);

}  // namespace
}  // namespace centroids
