// The radius of the circle that holds a given flux.
//
// A block of threads does a source: all its threads take the steps of the search together, and
// share the rows of the circle that each step adds up. A pixel inside counts fully, one on the rim
// by its exact share. Where circles are large, the sums of the pixels before every STRIDE-th of a
// row are known from a visit beforehand, so that a step reads little more than the rim.

#include "parts.cuh"
#include "skyshed/kernels/apertures/radius.h"

// Up to this width of its box a circle is added up pixel by pixel.
#define SMALL 64
#define STRIDE 32
// Warps that share the rows of a large circle in the visit beforehand.
#define PARTS 64
// Threads of a block, for small and for large circles.
#define FEW 64
#define MANY 256

// Rows and columns of a disc are counted from its box's first; so is its centre (x, y).
struct Disc {
    Field<REAL> field;
    Box box;
    double x, y, sky;
    int label;
    const double *before;  // per row of the box: sums before its pixels 0, STRIDE, ...; or null
    __device__ int marks() const { return (int)box.width() / STRIDE + 1; }
    __device__ int rows() const { return (int)(box.y1 - box.y0); }
};

// The disc of the largest radius; its box is empty where there is nothing to search.
__device__ inline Disc disc_at(
    const Field<REAL> &field, const double *circle, const int *label, double sky, double flux) {
    const double x = circle[0], y = circle[1], largest = circle[2];
    Disc d = {field, {0, 0, 0, 0, 0, 0}, x, y, sky, label ? *label : 0, nullptr};
    if (largest > SMALLEST && searchable(x, y, largest, sky, flux))
        d.box = box_of(field.at, x, y, largest, largest);
    d.x -= field.at.x0 + d.box.x0;
    d.y -= field.at.y0 + d.box.y0;
    return d;
}

__device__ inline double value_at(const Disc &d, int row, int column) {
    i64 p;
    if (taken(d.field, d.box, d.label, d.box.y0 + row, d.box.x0 + column, p) != FROM) return 0.0;
    return (double)d.field.data[p] - d.sky;
}

// Whether each circle is a large one, and how many sums are kept for it.
extern "C" __global__ void count_marks(
    const i64 *where, const double *circles, const double *background, const double *flux, i64 n,
    i64 *large, i64 *marks) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const Field<REAL> field = field_of<REAL>(nullptr, nullptr, nullptr, where);
        const Disc d = disc_at(field, circles + 3 * i, nullptr, background[i], flux[i]);
        large[i] = !d.box.empty() && d.box.width() > SMALL;
        marks[i] = large[i] ? (i64)d.rows() * d.marks() : 0;
    }
}

// PARTS warps per large circle, a row each at a time. first_large[i] is how many large ones come
// before circle i, first_mark[i] where its sums begin.
extern "C" __global__ void add_before(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, const i64 *first_large,
    const i64 *first_mark, i64 n, double *before) {
    const Field<REAL> field = field_of(data, labels, mask, where);
    for (i64 w = global_warp(); w < first_large[n] * PARTS; w += global_warps()) {
        const i64 i = source_of(w / PARTS, first_large, n);
        const Disc d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
        for (int row = w % PARTS; row < d.rows(); row += PARTS) {
            double *sums = before + first_mark[i] + (i64)row * d.marks();
            double running = 0.0;
            for (int mark = 0; mark < d.marks(); ++mark) {
                if (lane_of_thread() == 0) sums[mark] = running;
                const int column = mark * STRIDE + lane_of_thread();
                // What lane 0 has is the sum.
                running += warp_sum(column < d.box.width() ? value_at(d, row, column) : 0.0);
            }
        }
    }
}

// The area that a circle about the origin shares with s < u < e, low < v < high in its first
// quadrant.
__device__ inline double quadrant(double radius, double s, double e, double low, double high) {
    const double square = radius * radius;
    if (!(s < e && low < high) || s * s + low * low >= square) return 0.0;
    if (e * e + high * high <= square) return (e - s) * (high - low);
    // Where the rim crosses the lines v = high and v = low; it runs outwards and down between them.
    const double far = high < radius ? leaves(radius, high) : 0.0, near = leaves(radius, low);
    const double u0 = smaller(larger(s, far), e), u1 = larger(smaller(e, near), u0);
    const double v0 = smaller(high, sqrt(larger((radius - u0) * (radius + u0), 0.0)));
    const double v1 = u1 == near ? low : sqrt(larger((radius - u1) * (radius + u1), 0.0));
    const Piece piece = piece_of(u0, v0, u1, v1, low);
    return (u0 - s) * (high - low) + piece.under + beyond_chord(square, 0.25 / square, piece.square);
}

// The area that the circle shares with the pixel whose lower left corner is (x0, y0).
__device__ inline double share_of(double radius, double x0, double y0) {
    const double right = max(x0, 0.0), right_end = x0 + 1.0;
    const double left = max(-(x0 + 1.0), 0.0), left_end = -x0;
    const double up = max(y0, 0.0), up_end = y0 + 1.0;
    const double down = max(-(y0 + 1.0), 0.0), down_end = -y0;
    double area = 0.0;
    #pragma unroll 1
    for (int part = 0; part < 4; ++part) {
        const bool to_left = part & 1, to_down = part & 2;
        area += quadrant(
            radius, to_left ? left : right, to_left ? left_end : right_end, to_down ? down : up,
            to_down ? down_end : up_end);
    }
    return area;
}

// This lane's part of the flux that a row of pixels has in the circle.
__device__ inline double flux_of_row(const Disc &d, double radius, int row) {
    const double low = row - 0.5 - d.y;
    const double nearest = max(max(low, -(low + 1.0)), 0.0), farthest = max(-low, low + 1.0);
    if (nearest >= radius) return 0.0;
    const double reach = leaves(radius, nearest);
    const int first = max(0, (int)floor(d.x - reach + 0.5));
    const int end = min((int)d.box.width(), (int)floor(d.x + reach + 0.5) + 1);
    // Columns inside, ..., outside - 1 lie wholly in the circle; known, ..., unknown - 1 are added
    // up.
    int inside = end, outside = end, known = end, unknown = end;
    if (farthest < radius) {
        const double half = leaves(radius, farthest);
        inside = max(first, (int)ceil(d.x - half + 0.5));
        outside = min(end, (int)floor(d.x + half - 0.5) + 1);
    }
    double flux = 0.0;
    if (d.before && inside < outside) {
        const int a = (inside + STRIDE - 1) / STRIDE, b = outside / STRIDE;
        if (a < b) {
            known = a * STRIDE, unknown = b * STRIDE;
            const double *sums = d.before + (i64)row * d.marks();
            if (lane_of_thread() == 0) flux = sums[b] - sums[a];
        }
    }
    for (int column = first + lane_of_thread(); column < end; column += 32) {
        if (column >= known && column < unknown) {
            // Past a multiple of 32 columns, so that no lane meets another's.
            column += unknown - known - 32;
            continue;
        }
        const double value = value_at(d, row, column);
        if (value == 0.0) continue;
        const bool whole = inside <= column && column < outside;
        flux += whole ? value : value * share_of(radius, column - 0.5 - d.x, low);
    }
    return flux;
}

// The flux in a circle about the disc's centre; the same in all threads of the block.
__device__ inline double flux_within(const Disc &d, double radius, double *of_warp) {
    const int warps = blockDim.x / 32;
    const int first = max(0, (int)floor(d.y - radius + 0.5));
    const int end = min(d.rows(), (int)floor(d.y + radius + 0.5) + 1);
    double flux = 0.0;
    for (int row = first + threadIdx.x / 32; row < end; row += warps)
        flux += flux_of_row(d, radius, row);
    flux = warp_sum(flux);
    __syncthreads();  // the last step's sums have been read
    if (lane_of_thread() == 0) of_warp[threadIdx.x / 32] = flux;
    __syncthreads();
    flux = 0.0;
    for (int w = 0; w < warps; ++w) flux += of_warp[w];
    return flux;
}

// The root of the growth curve; the same in all threads of the block.
__device__ inline double root_of(const Disc &d, double largest, double flux, double *of_warp) {
    return search(
        [&](double radius) { return 1.0 - flux_within(d, radius, of_warp) / flux; }, largest);
}

// A block per source; what is not measured is NaN, large circles are left to the next kernel.
extern "C" __global__ void search_small(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, i64 n, double *out) {
    __shared__ Disc d;  // the same for all threads: in registers it would be many times there
    __shared__ double of_warp[FEW / 32];
    const Field<REAL> field = field_of(data, labels, mask, where);
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        __syncthreads();  // the last source is done with
        if (threadIdx.x == 0)
            d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
        __syncthreads();
        if (!d.box.empty() && d.box.width() > SMALL) continue;
        double radius = NAN_VALUE;
        if (!d.box.empty()) radius = root_of(d, circles[3 * i + 2], flux[i], of_warp);
        if (threadIdx.x == 0) out[i] = radius;
    }
}

// A block per large circle.
extern "C" __global__ void search_large(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, const i64 *first_large,
    const i64 *first_mark, i64 n, const double *before, double *out) {
    __shared__ Disc d;  // the same for all threads: in registers it would be many times there
    __shared__ double of_warp[MANY / 32];
    const Field<REAL> field = field_of(data, labels, mask, where);
    for (i64 j = blockIdx.x; j < first_large[n]; j += gridDim.x) {
        const i64 i = source_of(j, first_large, n);
        __syncthreads();  // the last source is done with
        if (threadIdx.x == 0) {
            d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
            d.before = before + first_mark[i];
        }
        __syncthreads();
        const double radius = root_of(d, circles[3 * i + 2], flux[i], of_warp);
        if (threadIdx.x == 0) out[i] = radius;
    }
}
