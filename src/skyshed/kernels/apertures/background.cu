// The clipped mode of the pixels in a rectangular annulus around each source.
//
// A block of threads does a source. Nothing is sorted: clipping is a pair of limits, a median is
// found by counting values in bins, finer and finer, and every pass goes over all pixels of the
// annulus, in shared memory where they fit, in the image where not. Sums run over the block by a
// fixed tree.

#define BLOCK 256
#define WARPS (BLOCK / 32)
// Values of an annulus that are kept in shared memory.
#define HELD (24 * 1024 / (int)sizeof(REAL))
#define BIN_BITS 10
#define BINS (1 << BIN_BITS)
// The annulus' hole, in units of the bounding box; fewer usable pixels give no background; limits
// in standard deviations, rounds; where the mode is not trusted. The CPU twin says why.
#define HOLE 1.5
#define FEWEST 10
#define CLIP 3.0
#define ROUNDS 20
#define SKEWED 0.3

// Columns x0 <= x < x1 of rows y0 <= y < y1, without those of the hole (hy0, hy1, hx0, hx1) in it.
struct Annulus {
    i64 y0, x0, hy0, hy1, hx0, hx1, width, before, beside, size;
};

// The integers inside the open interval middle -+ half, clipped to 0, ..., n - 1: begin and end.
__device__ inline void clipped(double middle, double half, i64 n, i64 &begin, i64 &end) {
    begin = (i64)min(max(floor(middle - half) + 1.0, 0.0), (double)n);
    end = (i64)min(max(ceil(middle + half), (double)begin), (double)n);
}

__device__ inline Annulus annulus_of(const i64 *bbox, double width, i64 ny, i64 nx) {
    const double y = 0.5 * (bbox[0] + bbox[1] - 1), x = 0.5 * (bbox[2] + bbox[3] - 1);
    const double hole_y = 0.5 * HOLE * (bbox[1] - bbox[0]);
    const double hole_x = 0.5 * HOLE * (bbox[3] - bbox[2]);
    Annulus a;
    i64 y1, x1;
    clipped(y, hole_y + width, ny, a.y0, y1);
    clipped(x, hole_x + width, nx, a.x0, x1);
    clipped(y, hole_y, ny, a.hy0, a.hy1);
    clipped(x, hole_x, nx, a.hx0, a.hx1);
    a.width = x1 - a.x0;
    a.before = (a.hy0 - a.y0) * a.width;                    // pixels in the rows above the hole
    a.beside = a.width - (a.hx1 - a.hx0);                   // pixels in a row beside it
    a.size = (y1 - a.y0) * a.width - (a.hy1 - a.hy0) * (a.hx1 - a.hx0);
    return a;
}

// The values of an annulus' pixels, counted row by row; NaN for those that are not usable.
struct InImage {
    const REAL *data;
    const int *labels;
    const bool *mask;
    i64 nx;
    Annulus a;
    __device__ REAL operator()(i64 k) const {
        i64 y = a.y0, x = a.x0;
        const i64 middle = (a.hy1 - a.hy0) * a.beside;
        if (k < a.before) {
            y += k / a.width, x += k % a.width;
        } else if (k - a.before < middle) {
            k -= a.before;
            y = a.hy0 + k / a.beside, x += k % a.beside;
            if (x >= a.hx0) x += a.hx1 - a.hx0;
        } else {
            k -= a.before + middle;
            y = a.hy1 + k / a.width, x += k % a.width;
        }
        const i64 p = y * nx + x;
        return labels[p] != 0 || (mask && mask[p]) ? (REAL)NAN_VALUE : data[p];
    }
};

struct InShared {
    const REAL *values;
    __device__ REAL operator()(i64 k) const { return values[k]; }
};

struct Scratch {
    double sum[WARPS], square[WARPS], low[WARPS], high[WARPS];
    int count[WARPS];
    unsigned bins[BINS];
    i64 below;
    u64 bin, next;
};

struct Moments {
    i64 count;
    double mean, std, low, high;
};

// Moments of the values within limits, from sums about `near`; the same in all threads.
template <class Values> __device__ Moments moments_of(
    const Values &value, i64 size, double bottom, double top, double near, Scratch &s) {
    double sum = 0.0, square = 0.0, low = INF_VALUE, high = -INF_VALUE;
    int count = 0;
    for (i64 k = threadIdx.x; k < size; k += BLOCK) {
        const double v = value(k);
        if (!(v >= bottom && v <= top)) continue;
        const double difference = v - near;
        sum += difference;
        square += difference * difference;
        low = min(low, v);
        high = max(high, v);
        count++;
    }
    for (int step = 16; step; step >>= 1) {
        sum += __shfl_down_sync(ALL_LANES, sum, step);
        square += __shfl_down_sync(ALL_LANES, square, step);
        low = min(low, __shfl_down_sync(ALL_LANES, low, step));
        high = max(high, __shfl_down_sync(ALL_LANES, high, step));
        count += __shfl_down_sync(ALL_LANES, count, step);
    }
    __syncthreads();  // the last sums have been read
    if (lane_of_thread() == 0) {
        const int w = threadIdx.x / 32;
        s.sum[w] = sum, s.square[w] = square, s.low[w] = low, s.high[w] = high, s.count[w] = count;
    }
    __syncthreads();
    Moments m = {0, 0.0, 0.0, INF_VALUE, -INF_VALUE};
    sum = square = 0.0;
    for (int w = 0; w < WARPS; ++w) {
        sum += s.sum[w], square += s.square[w], m.count += s.count[w];
        m.low = min(m.low, s.low[w]), m.high = max(m.high, s.high[w]);
    }
    if (m.count) {
        sum /= m.count;
        m.mean = near + sum;
        m.std = sqrt(max(square / m.count - sum * sum, 0.0));
    }
    return m;
}

// Integers in the order of the values, and back.
__device__ inline u64 key_of(double v) {
    const u64 bits = __double_as_longlong(v);
    return bits >> 63 ? ~bits : bits | 1ULL << 63;
}

__device__ inline double value_of(u64 key) {
    return __longlong_as_double(key >> 63 ? key & ~(1ULL << 63) : ~key);
}

// The bin that holds a rank, and how many values lie in bins before it: the first warp's work.
__device__ inline void find_bin(i64 rank, Scratch &s) {
    if (threadIdx.x < 32) {
        const int each = BINS / 32, lane = lane_of_thread();
        i64 mine = 0;
        for (int j = 0; j < each; ++j) mine += s.bins[lane * each + j];
        i64 upto = mine;
        for (int step = 1; step < 32; step <<= 1) {
            const i64 other = __shfl_up_sync(ALL_LANES, upto, step);
            if (lane >= step) upto += other;
        }
        i64 before = upto - mine;
        if (before <= rank && rank < upto) {  // one lane
            int j = lane * each;
            while (before + s.bins[j] <= rank) before += s.bins[j++];
            s.bin = j, s.below = before;
        }
    }
    __syncthreads();
}

// The median of the values within limits, of which `m` tells the number and the extremes.
template <class Values> __device__ double median_of(
    const Values &value, i64 size, const Moments &m, Scratch &s) {
    u64 low = key_of(m.low), high = key_of(m.high);
    i64 rank = (m.count - 1) / 2;
    i64 upto = 0;                           // values up to the one found, less rank
    while (low < high) {
        // Bins of 2^shift keys each, from low on.
        const int shift = max(64 - __clzll((i64)(high - low)) - BIN_BITS, 0);
        for (int b = threadIdx.x; b < BINS; b += BLOCK) s.bins[b] = 0;
        __syncthreads();
        for (i64 k = threadIdx.x; k < size; k += BLOCK) {
            const double v = value(k);
            const u64 key = key_of(v);
            if (v == v && key >= low && key <= high) atomicAdd(&s.bins[(key - low) >> shift], 1u);
        }
        __syncthreads();
        find_bin(rank, s);
        const u64 bin = s.bin;
        rank -= s.below;
        upto = s.bins[bin] - rank;
        low += bin << shift;
        high = min(high, low + ((1ULL << shift) - 1));
        __syncthreads();  // the bins have been read
    }
    const double lower = value_of(low);
    // Equal extremes; or an odd number; or the next rank has the same value.
    if (m.low == m.high || m.count % 2 || upto > 1) return lower;
    if (threadIdx.x == 0) s.next = ~0ULL;
    __syncthreads();
    u64 next = ~0ULL;
    for (i64 k = threadIdx.x; k < size; k += BLOCK) {
        const double v = value(k);
        const u64 key = key_of(v);
        if (v == v && key > low) next = min(next, key);
    }
    for (int step = 16; step; step >>= 1) next = min(next, __shfl_down_sync(ALL_LANES, next, step));
    if (lane_of_thread() == 0) atomicMin(&s.next, next);
    __syncthreads();
    const double upper = value_of(s.next);
    __syncthreads();
    return 0.5 * (lower + upper);
}

// SourceExtractor's mode of the values, clipped about their median; 0 if there are too few. Leaves
// in `count` how many there are.
template <class Values> __device__ double clipped_mode(
    const Values &value, i64 size, Scratch &s, i64 &count) {
    Moments m = moments_of(value, size, -INF_VALUE, INF_VALUE, 0.0, s);
    count = m.count;
    if (m.count < FEWEST) return 0.0;
    m = moments_of(value, size, -INF_VALUE, INF_VALUE, m.low == m.high ? m.low : m.mean, s);
    double median = median_of(value, size, m, s);
    double low = -INF_VALUE, high = INF_VALUE, bottom = low, top = high;
    for (int round = 0; round < ROUNDS; ++round) {
        bottom = median - CLIP * m.std, top = median + CLIP * m.std;
        low = max(low, bottom), high = min(high, top);
        const Moments left = moments_of(value, size, low, high, median, s);
        if (left.count == m.count) break;
        m = left;
        median = median_of(value, size, m, s);
    }
    // The last limits are applied to all values and may let some in again, as in astropy.
    if (low != bottom || high != top) {
        const Moments all = moments_of(value, size, bottom, top, median, s);
        if (all.count > m.count) {
            m = all;
            median = median_of(value, size, m, s);
        }
    }
    if (m.std == 0.0) return m.mean;
    if (fabs(m.mean - median) / m.std >= SKEWED) return median;
    return 2.5 * median - 1.5 * m.mean;
}

extern "C" __global__ void __launch_bounds__(BLOCK) clipped_modes(
    const REAL *data, const int *labels, const bool *mask, i64 ny, i64 nx, const i64 *bbox,
    double width, i64 n, double *out, i64 *counts) {
    __shared__ REAL held[HELD];
    __shared__ Scratch scratch;
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const InImage image = {data, labels, mask, nx, annulus_of(bbox + 4 * i, width, ny, nx)};
        const i64 size = image.a.size;
        double mode;
        i64 count;
        if (size <= HELD) {
            for (i64 k = threadIdx.x; k < size; k += BLOCK) held[k] = image(k);
            __syncthreads();
            mode = clipped_mode(InShared{held}, size, scratch, count);
        } else {
            mode = clipped_mode(image, size, scratch, count);
        }
        if (threadIdx.x == 0) out[i] = mode, counts[i] = count;
        __syncthreads();  // the next source takes over the shared memory
    }
}
