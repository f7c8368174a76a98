// The background as SourceExtractor's library SEP estimates it: the mode of each box's histogram, and a spline
// through the boxes. Its dtypes are kept: float where SourceExtractor has float.

#include "skyshed/kernels/sep/grown.hpp"

namespace sep {
namespace {

constexpr float BAD = -1e30f;  // of boxes without enough pixels
constexpr double PI = 3.14159265358979323846;
constexpr double WIDTH = 5.0;             // of a histogram, in standard deviations, to each side
constexpr i64 MOST_LEVELS = 4096, LEAST_IN_MODE = 4;
constexpr double CLIPPED = 2.0;           // standard deviations, before the histogram
constexpr double CONVERGED = 1e-4;
constexpr int MOST_ITERATIONS = 100;

struct Cells {
    i64 y0, y1, x0, x1;
};

// A box's pixels that are not masked, one by one.
template <class Each> void over(const float *data, const bool *mask, i64 nx, const Cells &c, Each each) {
    for (i64 y = c.y0; y < c.y1; ++y)
        for (i64 x = c.x0; x < c.x1; ++x)
            if (!(mask && mask[y * nx + x])) each(data[y * nx + x]);
}

// The level by iterated clipping of a histogram: its mode, 2.5 median - 1.5 mean, where the two are near.
void guess(const i64 *histogram, i64 levels, float zero, float scale, float start, float *level, float *noise) {
    const i64 last = levels - 1;
    i64 low = 0, high = last;
    double sigma = 10.0 * double(last), before = 1.0, mean = double(start), median = double(start);
    for (int n = MOST_ITERATIONS; n-- && sigma >= 0.1 && fabs(sigma / before - 1.0) > CONVERGED;) {
        before = sigma;
        i64 lower = 0, upper = 0, total = 0, from_low = low, from_high = high;
        mean = sigma = 0.0;
        for (i64 i = low; i <= high; ++i) {
            // The median is where what was added from either side balances.
            if (lower < upper) lower += histogram[from_low++];
            else upper += histogram[from_high--];
            const double weighted = double(histogram[i]) * double(i);
            total += histogram[i], mean += weighted, sigma += weighted * double(i);
        }
        median = 0.0;
        if (from_high >= 0) {
            const i64 a = histogram[from_low], b = histogram[from_high];
            median = double(from_high) + 0.5 + double(upper - lower) / (2.0 * double(a > b ? a : b));
        }
        if (total) mean /= double(total), sigma = sigma / double(total) - mean * mean;
        sigma = sigma > 0.0 ? sqrt(sigma) : 0.0;
        const double below = median - 3.0 * sigma, above = median + 3.0 * sigma;
        low = below > 0.0 ? i64(below + 0.5) : 0;
        high = above < double(last) ? i64(above > 0.0 ? above + 0.5 : above - 0.5) : last;
    }
    double at = mean;
    if (fabs(sigma) > 0.0) at = fabs((mean - median) / sigma) < 0.3 ? 2.5 * median - 1.5 * mean : median;
    *level = float(double(zero) + at * double(scale));
    *noise = float(sigma * double(scale));
}

// Level and noise of rows r0 to r1 of boxes.
i64 boxes(
    const float *data, const bool *mask, i64 ny, i64 nx, i64 height, i64 width, float *level, float *noise, i64 r0,
    i64 r1) {
    const i64 across = (nx - 1) / width + 1;
    Scratch<i64> histogram(MOST_LEVELS + 1);
    if (!histogram) return NO_MEMORY;
    const double per_pixel = sqrt(2 / PI) * WIDTH / double(LEAST_IN_MODE);
    for (i64 k = r0 * across; k < r1 * across; ++k) {
        const i64 row = k / across, column = k % across;
        const Cells c = {row * height, min((row + 1) * height, ny), column * width, min((column + 1) * width, nx)};
        i64 n = 0;
        double mean = 0.0, squares = 0.0;
        over(data, mask, nx, c, [&](float v) {
            if (v > BAD) mean += double(v), squares += double(v) * double(v), ++n;
        });
        // At least half of the pixels.
        if (float(n) < float(double((c.x1 - c.x0) * (c.y1 - c.y0)) * 0.5)) {
            level[k] = noise[k] = BAD;
            continue;
        }
        mean /= double(n);
        double sigma = squares / double(n) - mean * mean;
        sigma = sigma > 0.0 ? sqrt(sigma) : 0.0;
        const float low = float(mean - CLIPPED * sigma), high = float(mean + CLIPPED * sigma);
        mean = squares = 0.0, n = 0;
        over(data, mask, nx, c, [&](float v) {
            if (v <= high && v >= low) mean += double(v), squares += double(v) * double(v), ++n;
        });
        mean /= double(n);
        sigma = squares / double(n) - mean * mean;
        sigma = sigma > 0.0 ? sqrt(sigma) : 0.0;
        const i64 levels = min(i64(per_pixel * double(n) + 1), MOST_LEVELS);
        const float scale = sigma > 0.0 ? float(2 * WIDTH * sigma / double(levels)) : 1.0f;
        const float zero = float(mean - WIDTH * sigma);
        const float shift = float(0.499999 - double(zero / scale));
        std::fill(histogram.begin(), histogram.begin() + levels + 1, i64(0));
        over(data, mask, nx, c, [&](float v) {
            const float bin = v / scale + shift;
            if (bin > -1.0f && bin < float(levels)) ++histogram[i64(bin)];
        });
        guess(histogram.begin(), levels, zero, scale, float(mean), level + k, noise + k);
    }
    return 0;
}

float median_of(float *values, i64 n) {
    std::sort(values, values + n);
    if (n & 1) return values[n / 2];
    return float(double(values[n / 2 - 1] + values[n / 2]) / 2.0);
}

// Fills boxes without enough pixels from the nearest ones, then filters by the median where that changes the
// level by `least` or more. `level` and `noise` are replaced; the two medians of all boxes are written.
i64 filtered(float *level, float *noise, i64 down, i64 across, i64 fh, i64 fw, double least, float *medians) {
    const i64 n = down * across, rows = fh / 2, columns = fw / 2;
    Scratch<float> levels(n), noises(n), a((2 * rows + 1) * (2 * columns + 1)), b((2 * rows + 1) * (2 * columns + 1));
    Scratch<i64> good(n);
    if (!levels || !noises || !a || !b || !good) return NO_MEMORY;
    i64 n_good = 0;
    for (i64 k = 0; k < n; ++k) {
        levels[k] = level[k], noises[k] = noise[k];
        if (level[k] > BAD) good[n_good++] = k;
    }
    for (i64 k = 0; k < n; ++k) {
        if (level[k] > BAD) continue;
        float nearest = 1e30f, sum = 0.0f, sum_noise = 0.0f;
        i64 count = 0;
        for (i64 g = 0; g < n_good; ++g) {
            const float dx = float(good[g] % across - k % across), dy = float(good[g] / across - k / across);
            const float distance = dx * dx + dy * dy;
            if (distance > nearest) continue;
            if (distance < nearest) nearest = distance, sum = sum_noise = 0.0f, count = 0;
            sum += level[good[g]], sum_noise += noise[good[g]], ++count;
        }
        levels[k] = count ? sum / float(count) : 0.0f;
        noises[k] = count ? sum_noise / float(count) : 1.0f;
    }
    for (i64 y = 0; y < down; ++y)
        for (i64 x = 0; x < across; ++x) {
            // The window shrinks towards the edges, and stays symmetric.
            const i64 dy = min(rows, min(y, down - 1 - y)), dx = min(columns, min(x, across - 1 - x));
            i64 m = 0;
            for (i64 j = y - dy; j <= y + dy; ++j)
                for (i64 i = x - dx; i <= x + dx; ++i) a[m] = levels[j * across + i], b[m++] = noises[j * across + i];
            const i64 k = y * across + x;
            const float middle = median_of(a.begin(), m);
            const bool change = fabs(double(middle - levels[k])) >= least;
            level[k] = change ? middle : levels[k];
            noise[k] = change ? median_of(b.begin(), m) : noises[k];
        }
    for (i64 k = 0; k < n; ++k) levels[k] = level[k], noises[k] = noise[k];
    medians[0] = median_of(levels.begin(), n);
    medians[1] = median_of(noises.begin(), n);
    if (!(medians[1] > 0.0f)) {  // then of the boxes that have noise
        i64 first = 0;
        while (first < n && !(noises[first] > 0.0f)) ++first;
        medians[1] = first < n ? median_of(noises.begin() + first, n - first) : 1.0f;
    }
    return 0;
}

// Second derivatives, over 6, of a natural cubic spline, nearly: SourceExtractor's recursion, in which the
// quotient by 6 comes one step early. Values and results are `stride` apart.
void curvature(const float *value, float *out, float *scratch, i64 n, i64 stride) {
    out[0] = scratch[0] = 0.0f;
    for (i64 k = 1; k < n - 1; ++k) {
        const float factor = -1 / (out[(k - 1) * stride] + 4);
        const float bend = value[(k + 1) * stride] + value[(k - 1) * stride] - 2 * value[k * stride];
        out[k * stride] = factor;
        scratch[k] = factor * (scratch[k - 1] - 6 * bend);
    }
    out[(n - 1) * stride] = 0.0f;
    for (i64 k = n - 2; k > 0; --k)
        out[k * stride] = float(double(out[k * stride] * out[(k + 1) * stride] + scratch[k]) / 6.0);
}

// Rows y0 to y1 of the spline through boxes, after `curved` made their second derivatives along y.
i64 interpolated(
    const float *value, const float *curve, i64 down, i64 across, i64 height, i64 width, i64 nx, float *out, i64 y0,
    i64 y1) {
    Scratch<float> nodes(across), curves(across), scratch(across);
    if (!nodes || !curves || !scratch) return NO_MEMORY;
    for (i64 y = y0; y < y1; ++y) {
        if (down > 1) {
            float dy = float(double(float(y) / float(height)) - 0.5);
            i64 low = i64(dy);
            dy -= float(low);
            if (low >= down - 1) low = down - 2, dy += 1.0f;
            const float cdy = 1 - dy, dy3 = dy * dy * dy - dy, cdy3 = cdy * cdy * cdy - cdy;
            const float *v = value + across * low, *c = curve + across * low;
            for (i64 x = 0; x < across; ++x)
                nodes[x] = cdy * v[x] + dy * v[x + across] + cdy3 * c[x] + dy3 * c[x + across];
            if (across > 1) curvature(nodes.begin(), curves.begin(), scratch.begin(), across, 1);
        } else {
            for (i64 x = 0; x < across; ++x) nodes[x] = value[x], curves[x] = curve[x];
        }
        float *row = out + y * nx;
        if (across == 1) {
            std::fill(row, row + nx, nodes[0]);
            continue;
        }
        const float step = float(1.0 / double(width)), first = float((width + 1) % 2) * step / 2;
        const i64 change = width / 2;
        float dx = (step - 1) / 2;
        i64 left = 0, box = 0;
        for (i64 x = 0, i = 0; x < nx; ++x, ++i, dx += step) {
            if (i == change && box > 0 && box < across - 1) ++left, dx = first;
            const float cdx = 1 - dx;
            row[x] = cdx * (nodes[left] + (cdx * cdx - 1) * curves[left]) +
                     dx * (nodes[left + 1] + (dx * dx - 1) * curves[left + 1]);
            if (i == width) ++box, i = 0;
        }
    }
    return 0;
}

// The second derivatives along y at all boxes.
i64 curved(const float *value, float *out, i64 down, i64 across) {
    Scratch<float> scratch(down);
    if (!scratch) return NO_MEMORY;
    if (down == 1) std::fill(out, out + across, 0.0f);
    else for (i64 x = 0; x < across; ++x) curvature(value + x, out + x, scratch.begin(), down, across);
    return 0;
}

SKYSHED_KERNEL("sep.boxes", boxes);
SKYSHED_KERNEL("sep.filtered", filtered);
SKYSHED_KERNEL("sep.curved", curved);
SKYSHED_KERNEL("sep.interpolated", interpolated);

}  // namespace
}  // namespace sep
