// Sums over elliptical apertures.
//
// The pixels of an aperture's box are cut into chunks of CHUNK, counted row by row from the box's
// first. A warp adds a chunk by a fixed tree; then a source's chunks are added in their order. So a
// giant aperture keeps the whole GPU busy, and the bits depend on the source alone. There may be more
// chunks than the box needs: these are empty.

#include "parts.cuh"
#include "skyshed/kernels/apertures/sums.h"

// Further than this from the outline, in pixels, a pixel's centre says that the whole pixel is
// inside or outside: half a pixel's diagonal, and some more for rounding.
#define CLEAR 0.708
// Threads of a block where warps share it.
#define BLOCK 128

// What a warp needs to know of its aperture. It lies in shared memory, once per warp: in registers
// it would be there once per lane.
struct Measured {
    Aperture at;
    Ellipse e;
    Box box;
    Place place;
};

// Lets a warp measure another aperture, its axes scaled.
__device__ inline void measure(
    Measured &of_warp, const i64 *where, const double *ellipses, i64 i, double scale) {
    __syncwarp(ALL_LANES);  // the last one is done with
    if (lane_of_thread() == 0) {
        const Aperture at = aperture_at(ellipses, i);
        const Ellipse e = at.scaled(scale);
        const Place place = place_of(where, i);
        of_warp = {at, e, box_of(place, at.x, at.y, e.width, e.height), place};
    }
    __syncwarp(ALL_LANES);
}

// The pixels of a chunk of a box, by their number in it.
struct Part {
    i64 y0, x0;            // the first pixel's row, the box's first column
    unsigned past, width;  // how far in its row the first pixel is; the box's width
    int pixels;
    __device__ i64 row(int j) const { return y0 + (past + j) / width; }
    __device__ i64 column(int j) const { return x0 + (past + j) % width; }
};

__device__ inline Part part_of(const Box &box, i64 chunk) {
    if (box.empty()) return {0, 0, 0, 1, 0};
    const i64 width = box.width(), begin = chunk * CHUNK, row = begin / width;
    return {box.y0 + row, box.x0, (unsigned)(begin - row * width), (unsigned)width,
            (int)min((i64)CHUNK, box.size() - begin)};
}

// What float32 says of where a part's pixels lie: inside of an ellipse, outside, or too close to its
// outline to say. GPUs for graphics have 32 times as much float32 arithmetic as float64.
//
// Distances from the centre are at most E, the box's width and height and the way to its corner together:
// the centre may lie far from it, outside the image. They are rounded by no more than 3 * 2^-24 * E, the
// map to the unit circle and its sums by as much again for each of two terms, each in units of the smaller
// semi-axis: radii are off by less than 2^-19 * E of these. Where float32 overflows there is no number, and
// nothing is said.
struct Sieve {
    float x, y;  // from the centre to the part's first row and the box's first column
    float ca, sa, cb, sb;
    float inner, outer;  // squares of radii

    // `semiminor` is the smaller semi-axis of the ellipse, `clear` how far from the outline, in pixels, inside
    // and outside begin.
    __device__ Sieve(const Measured &of, const Part &part, double semiminor, double clear)
        : x((float)((double)(part.x0 + of.place.x0) - of.at.x)),
          y((float)((double)(part.y0 + of.place.y0) - of.at.y)), ca((float)of.e.ca),
          sa((float)of.e.sa), cb((float)of.e.cb), sb((float)of.e.sb) {
        const double off =
            0x1p-18 * ((double)(of.box.width() + of.box.height()) + fabs(x) + fabs(y));
        clear = (clear + off) / semiminor;
        inner = (float)(clear < 1.0 ? (1.0 - clear) * (1.0 - clear) : -1.0);
        outer = (float)((1.0 + clear) * (1.0 + clear));
    }

    // The square of the radius, in units of the semi-axes, of a pixel's centre.
    __device__ float square(const Part &part, int j) const {
        const unsigned n = part.past + j;
        const float dx = x + (float)(n % part.width), dy = y + (float)(n / part.width);
        const float u = dx * ca + dy * sa, v = dy * cb - dx * sb;
        return u * u + v * v;
    }
};

// Pixels of a part that wait until there is one for each lane of a warp: `pixels` has room for two a lane.
struct Waiting {
    int *pixels, n;

    // Lets this lane's pixel wait, or not.
    __device__ void add(bool waits, int j) {
        const unsigned waiting = __ballot_sync(ALL_LANES, waits);
        if (waits) pixels[n + __popc(waiting & ((1u << lane_of_thread()) - 1))] = j;
        __syncwarp(ALL_LANES);  // they have been written
        n += __popc(waiting);
    }

    // Returns the pixel that this lane is to do; -1 if there are fewer than lanes.
    __device__ int take() {
        const int first = max(n - 32, 0), at = first + lane_of_thread();
        const int j = at < n ? pixels[at] : -1;
        __syncwarp(ALL_LANES);  // they have been read
        n = first;
        return j;
    }
};

extern "C" __global__ void kron_chunks(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *ellipses, double scale, const i64 *first_chunk, i64 n, double *moments,
    double *totals) {
    __shared__ Measured of_warp[BLOCK / 32];
    __shared__ int waiting_of_warp[BLOCK / 32][64];
    __shared__ Field<REAL> field;
    if (threadIdx.x == 0) field = field_of(data, labels, mask, where);
    __syncthreads();
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const i64 i = source_of(c, first_chunk, n);
        measure(of_warp[threadIdx.x / 32], where, ellipses, i, scale);
        const Aperture &at = of_warp[threadIdx.x / 32].at;
        const Box &box = of_warp[threadIdx.x / 32].box;
        const Place &place = of_warp[threadIdx.x / 32].place;
        const Radius to = radius_in(at);
        const int mine = label[i];
        double moment = 0.0, total = 0.0;
        const Part part = part_of(box, c - first_chunk[i]);
        const Sieve sieve(of_warp[threadIdx.x / 32], part, min(at.a, at.b) * scale, 0.0);
        Waiting waiting = {waiting_of_warp[threadIdx.x / 32], 0};
        for (int begin = 0; begin < part.pixels || waiting.n;) {
            if (waiting.n < 32 && begin < part.pixels) {
                const int next = begin + lane_of_thread();
                waiting.add(
                    next < part.pixels && !(sieve.square(part, next) > sieve.outer), next);
                begin += 32;
                continue;
            }
            const int j = waiting.take();
            if (j < 0) continue;
            const i64 y = part.row(j), x = part.column(j);
            const double radius = to.at((x + place.x0) - at.x, (y + place.y0) - at.y);
            if (radius > scale) continue;
            i64 p;
            if (taken(field, box, mine, y, x, p) != FROM) continue;
            const double value = data[p];
            moment += value * radius;
            total += value;
        }
        moment = warp_sum(moment);
        total = warp_sum(total);
        if (lane_of_thread() == 0) moments[c] = moment, totals[c] = total;
    }
}

// One thread per source adds its chunks up, in their order.
extern "C" __global__ void kron_sources(
    const i64 *where, const double *ellipses, double scale, const i64 *first_chunk, i64 n,
    const double *moments, const double *totals, double *out) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        double moment = 0.0, total = 0.0;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
            moment += moments[c], total += totals[c];
        const Aperture at = aperture_at(ellipses, i);
        const Ellipse e = at.scaled(scale);
        const bool measured =
            at.valid(0.0) && !box_of(place_of(where, i), at.x, at.y, e.width, e.height).empty();
        out[i] = measured ? moment : NAN_VALUE;
        out[n + i] = measured ? total : NAN_VALUE;
    }
}

// The exact weight of pixel (y, x), in the whole image, that the outline may cross.
__device__ inline double edge_weight(const Ellipse &e, const Aperture &at, i64 y, i64 x) {
    const double edge = y - 0.5 - at.y;
    const Chord below = row_chord(e, edge), above = row_chord(e, edge + 1.0);
    const Touched row = touched_by(e, at.x, edge, below, above);
    if (x < row.first || x > row.last) return 0.0;
    if (x >= row.inner_first && x <= row.inner_last) return 1.0;
    const double left = x - 0.5 - at.x, right = (x + 1) - 0.5 - at.x;
    return overlap(e, {{left, edge}, below, above, column_chord(e, left), column_chord(e, right)});
}

// `error` and `input_mask` may be null. A pixel that counts as 0 is a usable one.
extern "C" __global__ void aperture_chunks(
    const REAL *data, const REAL *error, const bool *input_mask, const int *labels,
    const bool *mask, const i64 *where, const int *label, const double *ellipses,
    const double *background, const i64 *first_chunk, i64 n, double *totals, double *variances,
    int *seen) {
    __shared__ Measured of_warp[BLOCK / 32];
    __shared__ int waiting_of_warp[BLOCK / 32][64];
    __shared__ Field<REAL> field;
    if (threadIdx.x == 0) field = field_of(data, labels, mask, where);
    __syncthreads();
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const i64 i = source_of(c, first_chunk, n);
        measure(of_warp[threadIdx.x / 32], where, ellipses, i, 1.0);
        const Aperture &at = of_warp[threadIdx.x / 32].at;
        const Ellipse &e = of_warp[threadIdx.x / 32].e;
        const Box &box = of_warp[threadIdx.x / 32].box;
        const Place &place = of_warp[threadIdx.x / 32].place;
        const double sky = background[i];
        const int mine = label[i];
        double total = 0.0, variance = 0.0;
        int bits = 0;
        const Part part = part_of(box, c - first_chunk[i]);
        const Sieve sieve(of_warp[threadIdx.x / 32], part, min(at.a, at.b), CLEAR);
        Waiting edges = {waiting_of_warp[threadIdx.x / 32], 0};
        for (int begin = 0; begin < part.pixels || edges.n;) {
            int j = begin + lane_of_thread();
            double weight = 0.0;
            if (edges.n < 32 && begin < part.pixels) {
                bool waits = false;
                if (j < part.pixels) {
                    const float square = sieve.square(part, j);
                    if (square < sieve.inner) weight = 1.0;
                    else waits = !(square > sieve.outer);
                }
                edges.add(waits, j);
                begin += 32;
            } else {
                j = edges.take();
                if (j >= 0)
                    weight = edge_weight(
                        e, at, part.row(j) + place.y0, part.column(j) + place.x0);
            }
            if (!(weight > 0.0)) continue;
            i64 p;
            const i64 y = part.row(j), x = part.column(j);
            if (weighed(field, input_mask, box, mine, y, x, p, bits) != FROM) continue;
            total += weight * ((double)data[p] - sky);
            if (error) {
                const double sigma = weight * (double)error[p];
                variance += sigma * sigma;
            }
        }
        total = warp_sum(total);
        variance = warp_sum(variance);
        for (int step = 16; step; step >>= 1) bits |= __shfl_down_sync(ALL_LANES, bits, step);
        if (lane_of_thread() == 0) totals[c] = total, variances[c] = variance, seen[c] = bits;
    }
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
        const Aperture at = aperture_at(ellipses, i);
        if (!at.valid(background[i])) bits = 0;
        const bool any = bits & USABLE;
        out[i] = any ? total : NAN_VALUE;
        out[n + i] = any && with_error ? variance : NAN_VALUE;
        const Place place = place_of(where, i);
        const Ellipse e = at.scaled(1.0);
        const bool beyond = beyond_edge(place, at.x, at.y, e);
        bits = seen_in_all(bits, with_error, variance, beyond);
        if (seen_without_pixels(place, at, e, background[i]) == UNMEASURED) bits = UNMEASURED;
        seen_by_source[i] = bits;
    }
}
