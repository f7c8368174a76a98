// Kron radii, flux radii, windowed positions and ellipses of a mask, as SourceExtractor's library SEP has them.

#include "skyshed/kernels/sep/grown.hpp"
#include "skyshed/kernels/shapes/shapes.h"

namespace sep {
namespace {

enum Flag { TRUNCATED = 0x10, HAS_MASKED = 0x20, ALL_MASKED = 0x40, NON_POSITIVE = 0x80 };

struct Box {
    i64 x0, x1, y0, y1;
    int flag;
};

// Half-open; flagged where the image ends before it does.
Box box_of(double x, double y, double rx, double ry, i64 ny, i64 nx) {
    const double ends[] = {x - rx + 0.5, x + rx + 1.4999999, y - ry + 0.5, y + ry + 1.4999999};
    const i64 sizes[] = {nx, nx, ny, ny};
    i64 whole[4];
    Box b = {0, 0, 0, 0, 0};
    for (int k = 0; k < 4; ++k) {
        const double limit = double(sizes[k]);
        // Truncated towards 0, as C does; what is far out is out.
        const double t = ends[k] > -1e15 ? (ends[k] < 1e15 ? ends[k] : 1e15) : -1e15;
        whole[k] = i64(t);
        if (k % 2 ? double(whole[k]) > limit : whole[k] < 0) b.flag = TRUNCATED, whole[k] = k % 2 ? sizes[k] : 0;
    }
    b.x0 = whole[0], b.x1 = whole[1], b.y0 = whole[2], b.y1 = whole[3];
    return b;
}

Box box_of_ellipse(double x, double y, double cxx, double cyy, double cxy, double r, i64 ny, i64 nx) {
    const double wide = cxx - cxy * cxy / (4.0 * cyy), high = cyy - cxy * cxy / (4.0 * cxx);
    return box_of(x, y, wide > 0.0 ? r / sqrt(wide) : 0.0, high > 0.0 ? r / sqrt(high) : 0.0, ny, nx);
}

// What is left out: masked pixels; of positive ids other objects' pixels, else all but those of -id.
struct Left {
    const bool *mask;
    const int *labels;
    bool out(i64 p, int id) const {
        if (mask && mask[p]) return true;
        if (!labels) return false;
        return id > 0 ? labels[p] > 0 && labels[p] != id : labels[p] != -id;
    }
};

// First moments of the elliptical radius over ellipses i0 to i1: x, y, cxx, cyy, cxy, r.
template <class Value> i64 kron(
    const Value *data, const bool *mask, const int *labels, i64 ny, i64 nx, const double *rows, const int *ids,
    double *radii, int *flags, const int *stop, i64 i0, i64 i1) {
    const Left left = {mask, labels};
    for (i64 i = i0; i < i1; ++i) {
        const double *e = rows + 6 * i, cxx = e[2], cyy = e[3], cxy = e[4], r2 = e[5] * e[5];
        const Box b = box_of_ellipse(e[0], e[1], cxx, cyy, cxy, e[5], ny, nx);
        double moment = 0.0, total = 0.0;
        i64 n = 0;
        int flag = b.flag;
        for (i64 y = b.y0; y < b.y1 && !stopped(stop); ++y)
            for (i64 x = b.x0; x < b.x1; ++x) {
                const double dx = double(x) - e[0], dy = double(y) - e[1];
                const double radius2 = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy;
                if (!(radius2 <= r2)) continue;
                const i64 p = y * nx + x;
                if (double(data[p]) < -1e30 || left.out(p, ids[i])) {
                    flag |= HAS_MASKED;
                    continue;
                }
                moment += sqrt(radius2 > 0.0 ? radius2 : 0.0) * double(data[p]), total += double(data[p]), ++n;
            }
        if (stopped(stop)) return STOPPED;
        radii[i] = 0.0;
        if (n == 0) flag |= ALL_MASKED;
        else if (!(moment > 0.0 && total > 0.0)) flag |= NON_POSITIVE;
        else radii[i] = moment / total;
        flags[i] = flag;
    }
    return 0;
}

constexpr i64 RINGS = 64;     // that a growth curve has
constexpr double HALF = 0.7072;  // half of a pixel's diagonal

// The radius at which a growth curve reaches a value, between rings by a line.
double reached(double most, const double *curve, double wanted) {
    const double step = most / double(RINGS);
    i64 i = 0;
    while (i < RINGS && curve[i] < wanted) ++i;
    if (i == 0) return wanted <= 0.0 || curve[0] == 0.0 ? 0.0 : step * wanted / curve[0];
    if (i == RINGS) return most;
    return step * (double(i) + (wanted - curve[i - 1]) / (curve[i] - curve[i - 1]));
}

// Radii that hold fractions of the flux, of circles i0 to i1: x, y, largest radius. `totals` may be null: then
// the flux is that within the largest radius.
template <class Value> i64 flux_radii(
    const Value *data, const bool *mask, const int *labels, i64 ny, i64 nx, const double *rows, const int *ids,
    const double *totals, const double *fractions, i64 n_fractions, i64 samples, double *radii, int *flags,
    const int *stop, i64 i0, i64 i1) {
    const Left left = {mask, labels};
    const double scale = 1.0 / double(samples), share = scale * scale, offset = 0.5 * (scale - 1.0);
    for (i64 i = i0; i < i1; ++i) {
        const double cx = rows[3 * i], cy = rows[3 * i + 1], most = rows[3 * i + 2];
        double sum[RINGS] = {}, area[RINGS] = {}, masked[RINGS] = {};
        const double reach = most + 1.5, step = most / double(RINGS), per_step = 1.0 / step;
        const Box b = box_of(cx, cy, reach, reach, ny, nx);
        int flag = b.flag;
        const auto add = [&](double radius, double weight, bool out, double value) {
            const double ring = radius * per_step;
            if (!(ring < double(RINGS))) return;
            const i64 j = i64(ring);
            (out ? masked[j] : sum[j]) += out ? weight : weight * value;
            area[j] += weight;
        };
        for (i64 y = b.y0; y < b.y1 && !stopped(stop); ++y)
            for (i64 x = b.x0; x < b.x1; ++x) {
                double dx = double(x) - cx, dy = double(y) - cy;
                const double radius2 = dx * dx + dy * dy;
                if (!(radius2 < reach * reach)) continue;
                const i64 p = y * nx + x;
                const bool out = left.out(p, ids[i]);
                if (out) flag |= HAS_MASKED;
                const double radius = sqrt(radius2), within = std::fmod(radius, step);
                if (!(within < HALF || within > step - HALF)) {
                    add(radius, 1.0, out, double(data[p]));
                    continue;
                }
                dx += offset, dy += offset;  // some of it may lie in another ring
                for (i64 sy = 0; sy < samples; ++sy, dy += scale) {
                    double at = dx;
                    for (i64 sx = 0; sx < samples; ++sx, at += scale)
                        add(sqrt(at * at + dy * dy), share, out, double(data[p]));
                }
            }
        if (stopped(stop)) return STOPPED;
        if (mask)
            for (i64 j = 0; j < RINGS; ++j)
                sum[j] *= area[j] == masked[j] ? 0.0 : area[j] / (area[j] - masked[j]);
        for (i64 j = 1; j < RINGS; ++j) sum[j] += sum[j - 1];
        const double total = totals ? totals[i] : sum[RINGS - 1];
        for (i64 k = 0; k < n_fractions; ++k)
            radii[n_fractions * i + k] = reached(most, sum, fractions[k] * total);
        flags[i] = flag;
    }
    return 0;
}

constexpr int MOST_STEPS = 16;        // of a windowed position
constexpr double IN_SIGMA = 4.0;      // radius that is looked at
constexpr double LEAST_STEP = 0.0001; // in pixels, that is gone on after
constexpr double FACTOR = 2.0;        // of a step: right for a Gaussian

// Windowed positions i0 to i1: x, y and the window's standard deviation; `out` has x and y.
template <class Value> i64 windowed(
    const Value *data, const bool *mask, i64 ny, i64 nx, const double *rows, i64 samples, double *out, int *flags,
    const int *stop, i64 i0, i64 i1) {
    for (i64 i = i0; i < i1; ++i) {
        double cx = rows[3 * i], cy = rows[3 * i + 1];
        const double sigma = rows[3 * i + 2], r = IN_SIGMA * sigma, inverse = 1.0 / (2.0 * sigma * sigma);
        const double inner = r - HALF > 0.0 ? (r - HALF) * (r - HALF) : 0.0, outer = (r + HALF) * (r + HALF);
        const shapes::Outline circle = shapes::outline_of(shapes::CIRCLE, r, r, 0.0);
        int flag = 0;
        for (int step = 0; step < MOST_STEPS; ++step) {
            const Box b = box_of(cx, cy, r, r, ny, nx);
            flag |= b.flag;
            double total = 0.0, weighted = 0.0, mx = 0.0, my = 0.0, area = 0.0;
            double out_area = 0.0, out_weight = 0.0, out_x = 0.0, out_y = 0.0;
            for (i64 y = b.y0; y < b.y1 && !stopped(stop); ++y)
                for (i64 x = b.x0; x < b.x1; ++x) {
                    const double dx = double(x) - cx, dy = double(y) - cy, radius2 = dx * dx + dy * dy;
                    if (!(radius2 < outer)) continue;
                    double share = 1.0;
                    if (radius2 > inner)
                        share = shapes::weight_in(circle, shapes::CIRCLE, samples, dx - 0.5, dy - 0.5);
                    const i64 p = y * nx + x;
                    const double weight = exp(-radius2 * inverse);
                    if (mask && mask[p]) {
                        flag |= HAS_MASKED;
                        out_area += share, out_weight += share * weight;
                        out_x += share * weight * dx, out_y += share * weight * dy;
                    } else {
                        const double value = double(data[p]) * share;
                        total += value, weighted += value * weight;
                        mx += value * weight * dx, my += value * weight * dy;
                    }
                    area += share;
                }
            if (stopped(stop)) return STOPPED;
            if (mask) {  // masked pixels count as the mean of the others
                const double mean = total / (area - out_area);
                weighted += mean * out_weight, mx += mean * out_x, my += mean * out_y;
            }
            if (!(weighted > 0.0)) break;
            mx /= weighted, my /= weighted;
            cx += FACTOR * mx, cy += FACTOR * my;
            if (mx * mx + my * my < LEAST_STEP * LEAST_STEP) break;
        }
        out[2 * i] = cx, out[2 * i + 1] = cy;
        flags[i] = flag;
    }
    return 0;
}

// Sets the pixels of ellipses: x, y, cxx, cyy, cxy, r.
i64 set_ellipses(bool *mask, i64 ny, i64 nx, const double *rows, i64 n) {
    for (i64 i = 0; i < n; ++i) {
        const double *e = rows + 6 * i, cxx = e[2], cyy = e[3], cxy = e[4];
        const Box b = box_of_ellipse(e[0], e[1], cxx, cyy, cxy, e[5], ny, nx);
        for (i64 y = b.y0; y < b.y1; ++y)
            for (i64 x = b.x0; x < b.x1; ++x) {
                const double dx = whole(x) - e[0], dy = whole(y) - e[1];
                if (cxx * dx * dx + cyy * dy * dy + cxy * dx * dy <= e[5] * e[5]) mask[y * nx + x] = true;
            }
    }
    return 0;
}

SKYSHED_KERNEL("sep.kron", kron<float>);
SKYSHED_KERNEL("sep.kron", kron<double>);
SKYSHED_KERNEL("sep.flux_radii", flux_radii<float>);
SKYSHED_KERNEL("sep.flux_radii", flux_radii<double>);
SKYSHED_KERNEL("sep.windowed", windowed<float>);
SKYSHED_KERNEL("sep.windowed", windowed<double>);
SKYSHED_KERNEL("sep.set_ellipses", set_ellipses);

}  // namespace
}  // namespace sep
