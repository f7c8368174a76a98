// The radius of the circle that holds a given flux.
//
// A circle is cut into strips: the rows of its quadrants. A lane has a strip: it finds which cells
// lie wholly inside, and takes them from sums of the pixels before every STRIDE-th of a row, known
// from a visit beforehand. The cells on the rim, and those inside that no sum holds, are then dealt
// out to all lanes, so that exact shares are computed by full warps. A warp does a small circle, and
// keeps its sums in shared memory; a block of threads does a large one.

#include "parts.cuh"
#include "skyshed/kernels/apertures/radius.h"

// How many sums a warp has room for, and the pixels between them that it may take: those of a box of
// 32 x 32 pixels one by one, those of 64 x 64 every fourth. Beyond, a circle is large.
#define ROOM 1088
#define COARSE 4
// Pixels between the sums of large circles, and warps that share their rows in the visit beforehand.
#define STRIDE 32
#define PARTS 64
// Threads of a block, for small and for large circles.
#define FEW 64
#define MANY 256

// Rows and columns of a disc are counted from its box's first; so is its centre's pixel.
struct Disc {
    Field<REAL> field;
    Box box;
    int row, column;
    double right, up;  // from the centre to its pixel's edges
    double sky;
    int label, stride;
    const double *before;  // per row of the box: sums before its pixels 0, stride, ...
    __device__ int width() const { return (int)box.width(); }
    __device__ int rows() const { return (int)box.height(); }
    __device__ int marks() const { return width() / stride + 1; }
};

// The disc of the largest radius; its box is empty where there is nothing to search.
__device__ inline Disc disc_at(
    const Field<REAL> &field, const double *circle, const int *label, double sky, double flux) {
    const double x = circle[0], y = circle[1], largest = circle[2];
    Disc d = {field, {0, 0, 0, 0, 0, 0}, 0, 0, 0.0, 0.0, sky, *label, 1, nullptr};
    if (largest > SMALLEST && searchable(x, y, largest, sky, flux))
        d.box = box_of(field.at, x, y, largest, largest);
    if (d.box.empty()) return d;
    const double column = floor(x + 0.5), row = floor(y + 0.5);
    d.right = 0.5 - (x - column);
    d.up = 0.5 - (y - row);
    d.column = (int)(column - (field.at.x0 + d.box.x0));
    d.row = (int)(row - (field.at.y0 + d.box.y0));
    for (d.stride = 1; d.stride < STRIDE && (i64)d.rows() * d.marks() > ROOM;)
        d.stride = d.stride == 1 ? COARSE : STRIDE;
    return d;
}

__device__ inline double value_at(const Disc &d, int row, int column) {
    i64 p;
    if (taken(d.field, d.box, d.label, d.box.y0 + row, d.box.x0 + column, p) != FROM) return 0.0;
    return (double)d.field.data[p] - d.sky;
}

// The largest of the box's pixels in size, of those that fall to number `turn` of so many lanes.
__device__ inline double largest_of(const Disc &d, int turn, int lanes) {
    double most = 0.0;
    for (i64 p = turn; p < (i64)d.rows() * d.width(); p += lanes)
        most = larger(most, fabs(value_at(d, (int)(p / d.width()), (int)(p % d.width()))));
    for (int step = 16; step; step >>= 1) most = larger(most, __shfl_xor_sync(ALL_LANES, most, step));
    return most;
}

// The sums over the lanes up to each.
template <class T> __device__ inline T warp_prefix(T value) {
    for (int step = 1; step < 32; step <<= 1) {
        const T before = __shfl_up_sync(ALL_LANES, value, step);
        if (lane_of_thread() >= step) value += before;
    }
    return value;
}

// A warp writes the sums before a row's pixels 0, stride, ...
__device__ inline void add_row(const Disc &d, int row, double *sums) {
    double running = 0.0;
    for (int first = 0; first <= d.width(); first += 32) {
        const int column = first + lane_of_thread();
        const double upto = warp_prefix(column < d.width() ? value_at(d, row, column) : 0.0);
        const double before = __shfl_up_sync(ALL_LANES, upto, 1);
        if (column <= d.width() && column % d.stride == 0)
            sums[column / d.stride] = lane_of_thread() ? running + before : running;
        running += __shfl_sync(ALL_LANES, upto, 31);
    }
}

// PARTS warps per circle of the list `which` of those that may be large, a row each at a time.
// first_mark[j] is where the sums of the j-th begin.
extern "C" __global__ void add_before(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, const i64 *which,
    const i64 *first_mark, i64 n_large, double *before) {
    for (i64 w = global_warp(); w < n_large * PARTS; w += global_warps()) {
        const i64 j = w / PARTS, i = which[j];
        const Field<REAL> field = field_of(data, labels, mask, where, i);
        const Disc d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
        if (d.stride != STRIDE) continue;
        for (int row = w % PARTS; row < d.rows(); row += PARTS)
            add_row(d, row, before + first_mark[j] + (i64)row * d.marks());
    }
}

// Deals out what a warp's lanes have `count` items of each. Calls visit(from, k, there) with the lane
// that has an item and its number there, in all lanes at a time: `there` is false in those left over.
template <class Visit> __device__ inline void deal_out(int count, Visit visit) {
    const int end = warp_prefix(count), total = __shfl_sync(ALL_LANES, end, 31);
    for (int begin = 0; begin < total; begin += 32) {
        const int item = begin + lane_of_thread();
        int from = 0;
        for (int step = 16; step; step >>= 1)
            if (__shfl_sync(ALL_LANES, end, from + step - 1) <= item) from += step;
        const int first = __shfl_sync(ALL_LANES, end - count, from);
        visit(from, item - first, item < total);
    }
}

// A half-open range of integers.
struct Span {
    int begin, end;
    __device__ int size() const { return max(end - begin, 0); }
};

// What of `n` items, of which number `centre` is the centre's, lies up to `far` beyond it, counted
// from the centre on to one side or the other.
__device__ inline Span beyond(int centre, int n, int far, bool back) {
    if (back) return {max(0, centre - n + 1), min(far, centre) + 1};
    return {max(0, -centre), min(far, n - 1 - centre) + 1};
}

// This lane's part of the flux that 32 strips have in the circle, from number `first` on: to the
// right and to the left by turns, of the rows above the centre and then of those below. The strips
// and `upper` of them that are above are all lanes' alike.
__device__ inline double flux_of_strips(
    const Disc &d, double radius, const Span &above, const Span &below, int first) {
    const int number = (first + lane_of_thread()) >> 1;
    const bool left = lane_of_thread() & 1, down = number >= above.size();
    const int k = down ? below.begin + number - above.size() : above.begin + number;
    const double line = down ? 1.0 - d.up : d.up, edge = left ? 1.0 - d.right : d.right;
    const double low = k ? line + (k - 1) : 0.0;
    const int row = down ? d.row - k : d.row + k;
    Strip strip = {0.0, 0.0, 0.0, 0.0};
    Span rim = {0, 0}, one = {0, 0}, other = {0, 0};
    double flux = 0.0;
    if (number < above.size() + below.size() && low < radius) {
        strip = strip_between(radius, low, line + k);
        const double height = strip.high - strip.low;
        const int inside = (int)lines_within(edge, strip.far);
        int last = (int)lines_within(edge, strip.near);
        if (last && edge + (last - 1) >= strip.near) --last;
        const Span cells = beyond(d.column, d.width(), last, left);
        rim = {max(inside, cells.begin), cells.end};
        // Of the cells inside, that of the centre is none that a pixel's edges bound.
        if (inside && !cells.begin && cells.end > 0) flux = edge * value_at(d, row, d.column);
        const int from = max(1, cells.begin), to = min(inside, cells.end);
        if (from < to) {
            const int begin = left ? d.column - to + 1 : d.column + from, end = begin + to - from;
            const int a = (begin + d.stride - 1) / d.stride, b = end / d.stride;
            one = {begin, a < b ? a * d.stride : end};
            if (a < b) {
                const double *sums = d.before + (i64)row * d.marks();
                flux += sums[b] - sums[a];
                other = {b * d.stride, end};
            }
        }
        flux *= height;
    }
    deal_out(rim.size(), [&](int from, int at, bool there) {
        const Strip of = {
            __shfl_sync(ALL_LANES, strip.low, from), __shfl_sync(ALL_LANES, strip.high, from),
            __shfl_sync(ALL_LANES, strip.near, from), __shfl_sync(ALL_LANES, strip.far, from)};
        const double begin = __shfl_sync(ALL_LANES, edge, from);
        const int cell = __shfl_sync(ALL_LANES, rim.begin, from) + at;
        const int y = __shfl_sync(ALL_LANES, row, from);
        if (!there) return;
        const double start = cell ? begin + (cell - 1) : 0.0;
        const double share = share_of_cell(radius, of, start, begin + cell);
        flux += share * value_at(d, y, from & 1 ? d.column - cell : d.column + cell);
    });
    deal_out(one.size() + other.size(), [&](int from, int at, bool there) {
        const int begin = __shfl_sync(ALL_LANES, one.begin, from);
        const int end = __shfl_sync(ALL_LANES, one.end, from);
        const int next = __shfl_sync(ALL_LANES, other.begin, from);
        const int y = __shfl_sync(ALL_LANES, row, from);
        const double height = __shfl_sync(ALL_LANES, strip.high - strip.low, from);
        if (!there) return;
        const int column = at < end - begin ? begin + at : next + at - (end - begin);
        flux += height * value_at(d, y, column);
    });
    return flux;
}

// This warp's part of the flux in a circle about the disc's centre, one of `warps` that share it; in
// lane 0 it is the sum.
__device__ inline double flux_of_warp(const Disc &d, double radius, int warp, int warps) {
    const Span above = beyond(d.row, d.rows(), (int)lines_within(d.up, radius), false);
    const Span below = beyond(d.row, d.rows(), (int)lines_within(1.0 - d.up, radius), true);
    const int strips = 2 * (above.size() + below.size());
    double flux = 0.0;
    for (int first = 32 * warp; first < strips; first += 32 * warps)
        flux += flux_of_strips(d, radius, above, below, first);
    return warp_sum(flux);
}

// A warp per source; what is not measured is NaN, large circles are left to the next kernel.
extern "C" __global__ void search_small(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, i64 n, double *out) {
    // The same for all lanes: in registers it would be many times there.
    __shared__ Disc disc_of_warp[FEW / 32];
    __shared__ double sums_of_warp[FEW / 32][ROOM];
    Disc &d = disc_of_warp[threadIdx.x / 32];
    double *sums = sums_of_warp[threadIdx.x / 32];
    for (i64 i = global_warp(); i < n; i += global_warps()) {
        __syncwarp(ALL_LANES);  // the last source is done with
        if (lane_of_thread() == 0) {
            const Field<REAL> field = field_of(data, labels, mask, where, i);
            d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
            d.before = sums;
        }
        __syncwarp(ALL_LANES);
        if (d.stride == STRIDE) continue;
        double radius = NAN_VALUE;
        if (!d.box.empty() && !vanishes(flux[i], largest_of(d, lane_of_thread(), 32), d.box)) {
            for (int row = 0; row < d.rows(); ++row) add_row(d, row, sums + row * d.marks());
            __syncwarp(ALL_LANES);
            const auto excess = [&](double at) {
                const double held = flux_of_warp(d, at, 0, 1);
                return 1.0 - __shfl_sync(ALL_LANES, held, 0) / flux[i];
            };
            radius = search(excess, circles[3 * i + 2]);
        }
        if (lane_of_thread() == 0) out[i] = radius;
    }
}

// A block per circle that may be large.
extern "C" __global__ void search_large(
    const REAL *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, const i64 *which,
    const i64 *first_mark, i64 n_large, const double *before, double *out) {
    __shared__ Disc d;  // the same for all threads: in registers it would be many times there
    __shared__ double of_warp[MANY / 32];
    for (i64 j = blockIdx.x; j < n_large; j += gridDim.x) {
        const i64 i = which[j];
        __syncthreads();  // the last source is done with
        if (threadIdx.x == 0) {
            const Field<REAL> field = field_of(data, labels, mask, where, i);
            d = disc_at(field, circles + 3 * i, label + i, background[i], flux[i]);
            d.before = before + first_mark[j];
        }
        __syncthreads();
        if (d.stride != STRIDE) continue;
        const double of_lanes = largest_of(d, threadIdx.x, MANY);
        if (lane_of_thread() == 0) of_warp[threadIdx.x / 32] = of_lanes;
        __syncthreads();
        double most = 0.0;
        for (int w = 0; w < MANY / 32; ++w) most = larger(most, of_warp[w]);
        const auto excess = [&](double at) {
            const double part = flux_of_warp(d, at, threadIdx.x / 32, MANY / 32);
            __syncthreads();  // the last step's sums have been read
            if (lane_of_thread() == 0) of_warp[threadIdx.x / 32] = part;
            __syncthreads();
            double held = 0.0;
            for (int w = 0; w < MANY / 32; ++w) held += of_warp[w];
            return 1.0 - held / flux[i];
        };
        // A block's threads all know it alike, and none searches where another does not.
        const bool none = vanishes(flux[i], most, d.box);
        const double radius = none ? NAN_VALUE : search(excess, circles[3 * i + 2]);
        if (threadIdx.x == 0) out[i] = radius;
    }
}
