// Detection, deblending, measurement and cleaning as SourceExtractor's library SEP does them.

#include "skyshed/kernels/sep/deblend.hpp"

namespace sep {
namespace {

constexpr i64 COLUMNS = 30;  // of the contract's table
// Sources farther apart than this many times the sum of their major axes don't clean each other.
constexpr double CLEAN_ZONE = 10.0;

// The smallest of the `least` brightest pixels above the threshold, nearly: the pixel after these is left
// out, and the heap is not kept in order throughout. SourceExtractor does so, and cleaning depends on it.
float brightest_of(const Object &o, const Pixels &f, const i64 *pixels, i64 least, float *heap) {
    if (o.n < least) return 0.0f;
    for (i64 k = 0; k < o.n; ++k) {
        const i64 p = pixels[k];
        const float value = f.smooth[p] - (f.with_noise ? f.threshold_at(p) : f.constant);
        if (k < least) {
            heap[k] = value;
        } else if (k == least) {
            std::sort(heap, heap + least);
        } else if (value > heap[0]) {
            heap[0] = value;
            for (i64 at = 0, child = 2; child <= least; at = child, child = 2 * (at + 1)) {
                if (child != least && heap[child - 1] > heap[child]) ++child;
                if (heap[at] <= heap[child - 1]) break;
                std::swap(heap[at], heap[child - 1]);
            }
        }
    }
    return heap[0];
}

// Whether the wings of one source, a Moffat profile, are brighter than another at its place.
bool covers(const Object &one, const Object &other, double beta, float dx, float dy) {
    const double unit = PI * double(one.a) * double(one.b);
    const double amplitude = double(one.smooth_flux) / (2 * unit * double(one.correction));
    const double alpha = (pow(amplitude / double(one.threshold), 1.0 / beta) - 1) * unit / double(one.n);
    const float square = one.cxx * dx * dx + one.cyy * dy * dy + one.cxy * dx * dy;
    const double value = 1 + alpha * double(square);
    return value > 1.0 && float(value < 1e10 ? amplitude * pow(value, -beta) : 0.0) > other.brightest;
}

// Leaves out the sources that are but bumps in others' wings. False: no memory, or stopped.
bool clean(Grown<Object> &objects, double beta, bool *survives, const int *stop) {
    const i64 n = objects.size();
    Grown<i64> order, place;
    if (!order.resize(n) || !place.resize(n)) return false;
    float widest = 0.0f;
    for (i64 i = 0; i < n; ++i) {
        survives[i] = true, order[i] = i;
        if (objects[i].a > widest) widest = objects[i].a;
    }
    const auto height = [&](i64 i) { return isnan(objects[i].y) ? INF_VALUE : objects[i].y; };
    std::sort(order.begin(), order.begin() + n, [&](i64 i, i64 j) {
        return height(i) < height(j) || (height(i) == height(j) && i < j);
    });
    for (i64 k = 0; k < n; ++k) place[order[k]] = k;
    for (i64 i = 0; i < n; ++i) {
        if (!survives[i]) continue;
        if (stopped(stop)) return false;
        const Object &one = objects[i];
        // Of those after i, all that are near enough lie in these rows.
        const double reach = 1.001 * double(one.a + widest) * CLEAN_ZONE;
        const auto look = [&](i64 j) {
            if (j <= i || !survives[j]) return;
            const Object &other = objects[j];
            const float dx = float(one.x - other.x), dy = float(one.y - other.y);
            const float sum = one.a + other.a, limit = sum * sum;
            if (double(dx * dx + dy * dy) > double(limit) * CLEAN_ZONE * CLEAN_ZONE) return;
            if (other.smooth_flux < one.smooth_flux) {
                if (covers(one, other, beta, dx, dy)) survives[j] = false;
            } else if (covers(other, one, beta, dx, dy)) {
                survives[i] = false;
            }
        };
        for (i64 k = place[i] + 1; k < n && objects[order[k]].y - one.y <= reach; ++k) look(order[k]);
        for (i64 k = place[i]; k-- > 0 && one.y - objects[order[k]].y <= reach;) look(order[k]);
    }
    return true;
}

float mean_threshold(const Pixels &f, const i64 *pixels, i64 n) {
    double sum = 0.0;
    for (i64 k = 0; k < n; ++k) sum += double(f.threshold_at(pixels[k]));
    return float(sum / double(n));
}

void write(const Object &o, double *row) {
    const double values[COLUMNS] = {
        double(o.threshold), double(o.n), double(o.above), double(o.x0), double(o.x1), double(o.y0), double(o.y1),
        o.x, o.y, o.xx, o.yy, o.xy, o.error_xx, o.error_yy, o.error_xy, double(o.a), double(o.b), double(o.theta),
        double(o.cxx), double(o.cyy), double(o.cxy), double(o.smooth_flux), double(o.flux), double(o.smooth_peak),
        double(o.peak), double(o.smooth_x), double(o.smooth_y), double(o.peak_x), double(o.peak_y), double(o.flag)};
    std::memcpy(row, values, sizeof values);
}

Pixels pixels_of(
    const float *data, const float *smooth, const float *noise, i64 nx, bool with_noise, bool is_variance,
    double threshold, double sigma) {
    const float relative = float(threshold), s = float(sigma);
    Pixels f = {data, smooth, noise, nx, with_noise, is_variance, relative, relative, 0.0f};
    if (with_noise && !noise) {
        const float root = is_variance ? float(sqrt(double(s))) : s;
        f.constant = relative * root;
        f.variance = is_variance ? s : root * root;
    }
    return f;
}

bool is_above(const Pixels &f, const float *snr, i64 p) {
    return snr ? snr[p] > f.relative : f.smooth[p] > f.threshold_at(p);
}

// How many pixels of an image are above the threshold.
i64 count_above(
    const float *smooth, const float *snr, const float *noise, i64 n, bool with_noise, bool is_variance,
    double threshold, double sigma) {
    const Pixels f = pixels_of(smooth, smooth, noise, n, with_noise, is_variance, threshold, sigma);
    i64 count = 0;
    for (i64 p = 0; p < n; ++p) count += is_above(f, snr, p);
    return count;
}

// What `detect` returns in place of a number; cpu.py has the same.
constexpr i64 FULL = -3;

// Objects of an image; returns how many there are. `table` and `labels` have room for all that there can
// be; labels are numbers from 1. `snr`, which may be null, is what is above the threshold in place of `smooth`.
// FULL where the objects that are not complete yet have more than `limit` pixels together.
i64 detect(
    const float *data, const float *smooth, const float *snr, const float *noise, i64 ny, i64 nx, bool with_noise,
    bool is_variance, double threshold, double sigma, i64 n_above, i64 limit, i64 least, i64 levels, double contrast,
    bool cleaned, double beta, double gain, double *table, int *labels, const int *stop) {
    const Pixels f = pixels_of(data, smooth, noise, nx, with_noise, is_variance, threshold, sigma);
    Scan scan;
    Grown<Object> objects;
    Grown<i64> at, members, list;
    Deblend deblend(f, levels, contrast, least);
    deblend.ny = ny;
    deblend.stop = scan.stop = stop;
    if (!scan.prepare(nx) || !scan.next.resize(n_above) || !at.resize(n_above)) return NO_MEMORY;
    i64 found = 0, active = 0;
    const auto above = [&](i64 x, i64 y, bool &edge) -> i64 {
        const i64 p = y * nx + x;
        if (active > limit || !is_above(f, snr, p)) return -1;
        ++active;
        edge = x == 0 || y == 0 || x == nx - 1 || y == ny - 1;
        at[found] = p;
        return found++;
    };
    const auto done = [&](const Chain &chain) {
        if (active > limit) return false;
        active -= chain.n;
        if (chain.n < least) return true;
        Object root = {};
        members.clear();
        for (i64 k = chain.first; k >= 0; k = scan.next[k]) members.add(at[k]);
        if (members.bad()) return false;
        root.n = chain.n, root.flag = chain.edge ? EDGE : 0;
        root.threshold = f.with_noise ? mean_threshold(f, members.begin(), root.n) : f.constant;
        survey(root, f, members.begin());
        const i64 first = objects.size();
        if (!deblend.split(root, members.begin(), objects, list)) return false;
        for (i64 i = first; i < objects.size(); ++i)
            measure(objects[i], f, list.begin() + objects[i].begin, true, gain);
        return true;
    };
    const bool whole = scan.run(0, nx, 0, ny, above, done);
    if (active > limit) return FULL;
    if (!whole) return stopped(stop) ? STOPPED : NO_MEMORY;
    const i64 n = objects.size();
    Scratch<bool> survives(n);
    Scratch<float> heap(max(least, i64(1)));
    if (!survives || !heap) return NO_MEMORY;
    std::fill(survives.begin(), survives.begin() + n, true);
    if (cleaned) {
        for (i64 i = 0; i < n; ++i)
            objects[i].brightest = brightest_of(objects[i], f, list.begin() + objects[i].begin, least, heap.begin());
        if (!clean(objects, beta, survives.begin(), stop)) return stopped(stop) ? STOPPED : NO_MEMORY;
    }
    i64 kept = 0;
    for (i64 i = 0; i < n; ++i) {
        if (!survives[i]) continue;
        write(objects[i], table + COLUMNS * kept++);
        for (i64 k = 0; k < objects[i].n; ++k) labels[list[objects[i].begin + k]] = int(kept);
    }
    return kept;
}

// Measures given objects: pixel indices sorted by object, `start` where each begins (n + 1).
i64 measure_given(
    const float *data, const float *smooth, const float *noise, i64 nx, bool with_noise, bool is_variance,
    double threshold, double sigma, const i64 *pixels, const i64 *start, double gain, double *table, i64 i0, i64 i1) {
    const Pixels f = pixels_of(data, smooth, noise, nx, with_noise, is_variance, threshold, sigma);
    for (i64 i = i0; i < i1; ++i) {
        Object o = {};
        o.n = start[i + 1] - start[i];
        o.threshold = f.with_noise ? mean_threshold(f, pixels + start[i], o.n) : f.constant;
        measure(o, f, pixels + start[i], true, gain);
        write(o, table + COLUMNS * i);
    }
    return 0;
}

// Convolves rows y0 to y1; pixels beyond the edges are 0. In float32, kernel row by kernel row.
i64 smoothed(const float *data, i64 ny, i64 nx, const float *kernel, i64 ky, i64 kx, float *out, i64 y0, i64 y1) {
    for (i64 y = y0; y < y1; ++y) {
        float *__restrict row = out + y * nx;
        std::fill(row, row + nx, 0.0f);
        for (i64 i = 0; i < ky; ++i) {
            const i64 from = y - ky / 2 + i;
            if (from < 0 || from >= ny) continue;
            for (i64 j = 0; j < kx; ++j) {
                const i64 shift = j - kx / 2;
                const float *line = data + from * nx + shift;
                const float factor = kernel[i * kx + j];
                const i64 end = min(nx, nx - shift);
                for (i64 x = max(i64(0), -shift); x < end; ++x) row[x] += factor * line[x];
            }
        }
    }
    return 0;
}

// The matched filter's signal to noise of rows y0 to y1 (Zackay & Ofek 2017): pixels count by their variance.
i64 matched(
    const float *data, const float *noise, bool is_variance, i64 ny, i64 nx, const float *kernel, i64 ky, i64 kx,
    float *out, i64 y0, i64 y1) {
    Scratch<float> weight(nx);
    if (!weight) return NO_MEMORY;
    for (i64 y = y0; y < y1; ++y) {
        float *__restrict row = out + y * nx, *__restrict below = weight.begin();
        std::fill(row, row + nx, 0.0f);
        std::fill(below, below + nx, 0.0f);
        for (i64 i = 0; i < ky; ++i) {
            const i64 from = y - ky / 2 + i;
            if (from < 0 || from >= ny) continue;
            for (i64 j = 0; j < kx; ++j) {
                const i64 shift = j - kx / 2;
                const float *line = data + from * nx + shift, *sigma = noise + from * nx + shift;
                const float factor = kernel[i * kx + j], squared = factor * factor;
                const i64 end = min(nx, nx - shift);
                for (i64 x = max(i64(0), -shift); x < end; ++x) {
                    const float variance = is_variance ? sigma[x] : sigma[x] * sigma[x];
                    if (variance == 0.0f) continue;
                    row[x] += factor * line[x] / variance;
                    below[x] += squared / variance;
                }
            }
        }
        for (i64 x = 0; x < nx; ++x) row[x] = float(double(row[x]) / sqrt(double(below[x])));
    }
    return 0;
}

SKYSHED_KERNEL("sep.count_above", count_above);
SKYSHED_KERNEL("sep.detect", detect);
SKYSHED_KERNEL("sep.measure_given", measure_given);
SKYSHED_KERNEL("sep.smoothed", smoothed);
SKYSHED_KERNEL("sep.matched", matched);

}  // namespace
}  // namespace sep
