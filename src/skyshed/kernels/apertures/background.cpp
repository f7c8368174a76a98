// The clipped mode of the pixels in a rectangular annulus around each source. Loops over values have no
// conditions, which would be unpredictable.

#include "skyshed/kernels/apertures/background.h"

#include "skyshed/kernels/cpu.h"

namespace apertures {
namespace {

// A median is looked for within this many standard deviations of the mean or of the last median.
constexpr double NEAR = 0.15;

// Moves those of values[low:high] of which is(value) is true to the front; returns where they end.
template <class Is> i64 partition(double *values, i64 low, i64 high, Is is) {
    i64 end = low;
    for (i64 k = low; k < high; ++k) {
        const double value = values[k];
        values[k] = values[end];
        values[end] = value;
        end += is(value);
    }
    return end;
}

// The value of a rank among the first n; those before it are then no larger.
double select(double *values, i64 n, i64 rank) {
    i64 low = 0, high = n;
    while (high - low > 1) {
        const double a = values[low], b = values[(low + high) / 2], c = values[high - 1];
        const double pivot = larger(smaller(a, b), smaller(larger(a, b), c));
        const i64 end = partition(values, low, high, [=](double value) { return value < pivot; });
        if (rank < end) {
            high = end;
            continue;
        }
        low = partition(values, end, high, [=](double value) { return value <= pivot; });
        if (rank < low) return pivot;
    }
    return values[rank];
}

// The values of an annulus, those that are kept first, and as much room beside them.
struct Values {
    double *values, *scratch;
    i64 n, kept;
    const int *stop;

    Spread spread(double near) const {
        double sum = 0.0, square = 0.0;
        for (i64 k = 0; k < kept; ++k) {
            const double difference = values[k] - near;
            sum += difference;
            square += difference * difference;
        }
        return spread_of(kept, sum, square, near);
    }

    double median(double near, double std) const {
        const double low = near - NEAR * std, high = near + NEAR * std;
        i64 below = 0, inside = 0;
        for (i64 k = 0; k < kept; ++k) {
            const double value = values[k];
            scratch[inside] = value;
            inside += (value >= low) & (value <= high);
            below += value < low;
        }
        const i64 lower = (kept - 1) / 2, upper = kept / 2;
        if (lower < below || upper >= below + inside) {
            std::copy(values, values + kept, scratch);
            below = 0, inside = kept;
        }
        const double found = select(scratch, inside, upper - below);
        if (lower == upper) return found;
        double other = scratch[0];
        for (i64 k = 1; k < upper - below; ++k) other = larger(other, scratch[k]);
        return 0.5 * (found + other);
    }

    // Of values[from:to] moves those within limits to the front; says whether `kept` changes to where
    // they end.
    bool take(i64 from, i64 to, double low, double high, double near, Spread &s) {
        const i64 end = stopped(stop) ? kept : partition(values, from, to, [=](double value) {
            return (value >= low) & (value <= high);
        });
        if (end == kept) return false;
        kept = end;
        s = spread(near);
        return true;
    }
    bool keep(double low, double high, double near, Spread &s) { return take(0, kept, low, high, near, s); }
    bool keep_again(double low, double high, double near, Spread &s) {
        return take(kept, n, low, high, near, s);
    }
};

// Copies the usable pixels of an annulus; returns how many there are.
template <class Value>
i64 gather(const Annulus &a, const Value *data, const int *labels, const bool *mask, i64 nx, double *values) {
    i64 count = 0;
    for (i64 y = a.y.first; y < a.y.end; ++y) {
        const bool beside = a.hole_y.first <= y && y < a.hole_y.end;
        for (i64 x = a.x.first; x < a.x.end; ++x) {
            if (beside && x == a.hole_x.first && a.hole_x.size() > 0) {
                x = a.hole_x.end - 1;
                continue;
            }
            const i64 p = y * nx + x;
            values[count] = double(data[p]);
            count += labels[p] == 0 && !(mask && mask[p]);
        }
    }
    return count;
}

// The backgrounds around sources order[k0:k1], and how many pixels they are from.
template <class Value>
i64 local_background(
    const Value *data, const int *labels, const bool *mask, i64 ny, i64 nx, const i64 *bbox, double width,
    const i64 *order, double *out, i64 *counts, const int *stop, i64 k0, i64 k1) {
    i64 most = 0;
    for (i64 k = k0; k < k1; ++k) most = max(most, annulus_of(bbox + 4 * order[k], width, ny, nx).size());
    // A value is written before it is known whether it stays.
    Scratch<double> values(most + 1), scratch(most + 1);
    if (!values || !scratch) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const i64 n = gather(
            annulus_of(bbox + 4 * i, width, ny, nx), data, labels, mask, nx, values.begin());
        counts[i] = n;
        out[i] = 0.0;
        if (n < FEWEST) continue;
        Values all = {values.begin(), scratch.begin(), n, n, stop};
        out[i] = clipped_mode(all, all.spread(values[0]).mean);
        if (stopped(stop)) return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("apertures.local_background", local_background<float>);
SKYSHED_KERNEL("apertures.local_background", local_background<double>);

}  // namespace
}  // namespace apertures
