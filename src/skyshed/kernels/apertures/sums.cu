// Sums over elliptical apertures.
//
// The pixels of an aperture's box are cut into chunks of CHUNK, counted row by row from the box's
// first. A warp adds a chunk by a fixed tree; then a source's chunks are added in their order. So a
// giant aperture keeps the whole GPU busy, and the bits depend on the source alone.

#include "geometry.cuh"
#include "pixels.cuh"

// Further than this from the outline, in pixels, a pixel's centre says that the whole pixel is
// inside or outside: half a pixel's diagonal, and some more for rounding.
#define CLEAR 0.708
// Threads of a block where warps share it.
#define BLOCK 128
// What was seen, as the contract has it; the last two are for this file alone.
#define UNMEASURED 1
#define NO_PIXEL 2
#define BEYOND_EDGE 4
#define MASKED 8
#define NON_FINITE 16
#define ERROR_NON_FINITE 32
#define NEIGHBOUR 64
#define NOT_REPLACED 128
#define USABLE 256
#define PIXEL 512

struct Aperture {
    double x, y, a, b, theta;
    __device__ bool valid(double more) const {
        return a > 0.0 && b > 0.0 && isfinite(x + y + a + b + theta + more);
    }
};

__device__ inline Aperture aperture_at(const double *ellipses, i64 i) {
    const double *e = ellipses + 5 * i;
    return {e[0], e[1], e[2], e[3], e[4]};
}

// What a warp needs to know of its aperture. It lies in shared memory, once per warp: in registers
// it would be there once per lane.
struct Measured {
    Aperture at;
    Ellipse e;
    Box box;
};

// Lets a warp measure another aperture, its axes scaled.
__device__ inline void measure(
    Measured &of_warp, const Field &field, const double *ellipses, i64 i, double scale) {
    __syncwarp(ALL_LANES);  // the last one is done with
    if (lane_of_thread() == 0) {
        const Aperture at = aperture_at(ellipses, i);
        const Ellipse e = ellipse_of(at.a * scale, at.b * scale, at.theta);
        of_warp = {at, e, box_of(field, at.x, at.y, e.width, e.height)};
    }
    __syncwarp(ALL_LANES);
}

// How many chunks each aperture has: none where it is not measured. The axes are scaled;
// `background` may be null.
extern "C" __global__ void count_chunks(
    const i64 *where, const double *ellipses, const double *background, i64 n, double scale,
    i64 *count) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const Field field = field_of(nullptr, nullptr, nullptr, where);
        const Aperture at = aperture_at(ellipses, i);
        count[i] = 0;
        if (!at.valid(background ? background[i] : 0.0)) continue;
        const Ellipse e = ellipse_of(at.a * scale, at.b * scale, at.theta);
        count[i] = (box_of(field, at.x, at.y, e.width, e.height).size() + CHUNK - 1) / CHUNK;
    }
}

// Calls visit(y, x) for every 32nd pixel of a chunk of a box.
template <class Visit> __device__ inline void visit_chunk(const Box &box, i64 chunk, Visit visit) {
    const i64 width = box.width(), begin = chunk * CHUNK;
    const i64 row = begin / width, past = begin - row * width;
    const int pixels = (int)min((i64)CHUNK, box.size() - begin);
    for (int j = lane_of_thread(); j < pixels; j += 32) {
        const i64 k = past + j, down = k < width ? 0 : k / width;
        visit(box.y0 + row + down, box.x0 + k - down * width);
    }
}

extern "C" __global__ void kron_chunks(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *ellipses, double scale, const i64 *first_chunk, i64 n, double *moments,
    double *totals) {
    __shared__ Measured of_warp[BLOCK / 32];
    __shared__ Field field;
    if (threadIdx.x == 0) field = field_of(data, labels, mask, where);
    __syncthreads();
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const i64 i = source_of(c, first_chunk, n);
        measure(of_warp[threadIdx.x / 32], field, ellipses, i, scale);
        const Aperture &at = of_warp[threadIdx.x / 32].at;
        const Ellipse &e = of_warp[threadIdx.x / 32].e;
        const Box &box = of_warp[threadIdx.x / 32].box;
        const double cosine = cos(at.theta), sine = sin(at.theta);
        const double ca = cosine / at.a, sa = sine / at.a, cb = cosine / at.b, sb = sine / at.b;
        const double xx = ca * ca + sb * sb, yy = sa * sa + cb * cb;
        const double xy =
            2.0 * cosine * sine * (1.0 / (at.a * at.a) - 1.0 / (at.b * at.b));
        const int mine = label[i];
        double moment = 0.0, total = 0.0;
        visit_chunk(box, c - first_chunk[i], [&](i64 y, i64 x) {
            const double dy = (y + field.y0) - at.y, dx = (x + field.x0) - at.x;
            const double radius = sqrt(max(xx * dx * dx + xy * dx * dy + yy * dy * dy, 0.0));
            if (radius > scale) return;
            i64 p;
            if (taken(field, box, mine, y, x, p) != FROM) return;
            const double value = data[p];
            moment += value * radius;
            total += value;
        });
        moment = warp_sum(moment);
        total = warp_sum(total);
        if (lane_of_thread() == 0) moments[c] = moment, totals[c] = total;
    }
}

// One thread per source adds its chunks up, in their order.
extern "C" __global__ void kron_sources(
    const i64 *first_chunk, i64 n, const double *moments, const double *totals, double *out) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const i64 begin = first_chunk[i], end = first_chunk[i + 1];
        double moment = 0.0, total = 0.0;
        for (i64 c = begin; c < end; ++c) moment += moments[c], total += totals[c];
        out[i] = begin < end ? moment : NAN_VALUE;
        out[n + i] = begin < end ? total : NAN_VALUE;
    }
}

// The exact weight of a pixel that the outline may cross, whose lower left corner is (left, edge)
// relative to the centre; x is its column in the whole image.
__device__ inline double edge_weight(
    const Ellipse &e, const Aperture &at, i64 x, double left, double edge) {
    const Chord below = row_chord(e, edge), above = row_chord(e, edge + 1.0);
    const Chord extent = row_extent(e, edge, below, above);
    if (!(extent.low < extent.high)) return 0.0;
    if (x < floor(extent.low + at.x + 0.5) || x > floor(extent.high + at.x + 0.5)) return 0.0;
    const double low = max(below.low, above.low), high = min(below.high, above.high);
    if (low < high && x >= ceil(low + at.x + 0.5) && x <= floor(high + at.x - 0.5)) return 1.0;
    return overlap(e, left, edge, below, above);
}

// `error` and `input_mask` may be null. A pixel that counts as 0 is a usable one.
extern "C" __global__ void aperture_chunks(
    const REAL *data, const REAL *error, const bool *input_mask, const int *labels,
    const bool *mask, const i64 *where, const int *label, const double *ellipses,
    const double *background, const i64 *first_chunk, i64 n, double *totals, double *variances,
    int *seen) {
    __shared__ Measured of_warp[BLOCK / 32];
    __shared__ Field field;
    if (threadIdx.x == 0) field = field_of(data, labels, mask, where);
    __syncthreads();
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const i64 i = source_of(c, first_chunk, n);
        measure(of_warp[threadIdx.x / 32], field, ellipses, i, 1.0);
        const Aperture &at = of_warp[threadIdx.x / 32].at;
        const Ellipse &e = of_warp[threadIdx.x / 32].e;
        const Box &box = of_warp[threadIdx.x / 32].box;
        const double clear = CLEAR / min(at.a, at.b), sky = background[i];
        const int mine = label[i];
        double total = 0.0, variance = 0.0;
        int bits = 0;
        visit_chunk(box, c - first_chunk[i], [&](i64 y, i64 x) {
            const double left = (x + field.x0) - 0.5 - at.x, edge = (y + field.y0) - 0.5 - at.y;
            const double dx = left + 0.5, dy = edge + 0.5;
            const double u = dx * e.ca + dy * e.sa, v = dy * e.cb - dx * e.sb;
            const double radius = sqrt(u * u + v * v);
            double weight = 1.0;
            if (radius - clear > 1.0) return;
            if (!(radius + clear < 1.0)) weight = edge_weight(e, at, x + field.x0, left, edge);
            if (!(weight > 0.0)) return;
            i64 p = y * field.nx + x;
            const bool out = field.mask && field.mask[p];
            bits |= PIXEL;
            if (out) bits |= input_mask && input_mask[p] ? MASKED : NON_FINITE;
            const int here = field.labels[p];
            if (here != mine && here != 0 && field.method != NONE) {
                bits |= NEIGHBOUR;
                if (field.method == MASK) return;
                if (!mirrored(field, box, mine, y, x, p)) {
                    bits |= out ? NOT_REPLACED : NOT_REPLACED | USABLE;
                    return;
                }
            }
            if (out) return;
            bits |= USABLE;
            total += weight * ((double)data[p] - sky);
            if (error) {
                const double sigma = weight * (double)error[p];
                variance += sigma * sigma;
            }
        });
        total = warp_sum(total);
        variance = warp_sum(variance);
        for (int step = 16; step; step >>= 1) bits |= __shfl_down_sync(ALL_LANES, bits, step);
        if (lane_of_thread() == 0) totals[c] = total, variances[c] = variance, seen[c] = bits;
    }
}

// Whether an aperture reaches beyond the edges of the whole image's outer pixels.
__device__ inline bool beyond_edge(const Field &f, double x, double y, const Ellipse &e) {
    return x - e.width < -0.5 || x + e.width > f.whole_nx - 0.5 || y - e.height < -0.5
        || y + e.height > f.whole_ny - 0.5;
}

extern "C" __global__ void aperture_sources(
    const i64 *where, const double *ellipses, const double *background, const i64 *first_chunk,
    i64 n, const double *totals, const double *variances, const int *seen, bool with_error,
    double *out, int *seen_by_source) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        double total = 0.0, variance = 0.0;
        int bits = 0;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
            total += totals[c], variance += variances[c], bits |= seen[c];
        const bool any = bits & USABLE;
        out[i] = any ? total : NAN_VALUE;
        out[n + i] = any && with_error ? variance : NAN_VALUE;
        bits = bits & PIXEL ? bits & ~(USABLE | PIXEL) : NO_PIXEL;
        if (with_error && !isfinite(variance)) bits |= ERROR_NON_FINITE;
        const Field field = field_of(nullptr, nullptr, nullptr, where);
        const Aperture at = aperture_at(ellipses, i);
        if (!at.valid(background[i])) {
            bits = UNMEASURED;
        } else {
            const Ellipse e = ellipse_of(at.a, at.b, at.theta);
            if (too_large(field, at.x, at.y, e.width, e.height)) bits = UNMEASURED;
            else if (!(bits & NO_PIXEL) && beyond_edge(field, at.x, at.y, e)) bits |= BEYOND_EDGE;
        }
        seen_by_source[i] = bits;
    }
}
