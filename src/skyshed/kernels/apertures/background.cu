// The clipped mode of the pixels in a rectangular annulus around each source.
//
// A block of threads does a source. Nothing is sorted: clipping is a pair of limits, a median is
// found by counting values in bins, finer and finer, and every pass goes over all pixels of the
// annulus, in shared memory where they fit, in the image where not. Sums run over the block by a
// fixed tree.

#include "skyshed/kernels/apertures/background.h"

using namespace apertures;

#define BLOCK 256
#define WARPS (BLOCK / 32)
// Values of an annulus that are kept in shared memory.
#define HELD (24 * 1024 / (int)sizeof(REAL))
#define BIN_BITS 10
#define BINS (1 << BIN_BITS)

// The values of an annulus' pixels, counted row by row; NaN for those that are not usable.
struct InImage {
    const REAL *data;
    const int *labels;
    const bool *mask;
    i64 nx;
    Annulus a;
    __device__ REAL operator()(i64 k) const {
        i64 y = a.y.first, x = a.x.first;
        const i64 width = a.x.size(), beside = width - a.hole_x.size();
        const i64 before = (a.hole_y.first - a.y.first) * width;  // pixels in the rows above the hole
        const i64 middle = a.hole_y.size() * beside;
        if (k < before) {
            y += k / width, x += k % width;
        } else if (k - before < middle) {
            k -= before;
            y = a.hole_y.first + k / beside, x += k % beside;
            if (x >= a.hole_x.first) x += a.hole_x.size();
        } else {
            k -= before + middle;
            y = a.hole_y.end + k / width, x += k % width;
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
    Spread spread;
    double low, high;
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
    Moments m = {0, {0.0, 0.0}, INF_VALUE, -INF_VALUE};
    sum = square = 0.0;
    for (int w = 0; w < WARPS; ++w) {
        sum += s.sum[w], square += s.square[w], m.count += s.count[w];
        m.low = min(m.low, s.low[w]), m.high = max(m.high, s.high[w]);
    }
    if (m.count) m.spread = spread_of(m.count, sum, square, near);
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

// The values of an annulus for `clipped_mode`: those between two limits are kept.
template <class Value> struct Kept {
    const Value &value;
    i64 size;
    Scratch &s;
    Moments m;         // of those kept
    double low, high;  // what limits them

    __device__ Spread spread(double near) {
        m = moments_of(value, size, low, high, near, s);
        return m.spread;
    }
    __device__ double median(double near, double std) { return median_of(value, size, m, s); }
    __device__ bool take(double bottom, double top, double near, Spread &of, bool more) {
        const Moments now = moments_of(value, size, bottom, top, near, s);
        if (more ? now.count <= m.count : now.count == m.count) return false;
        m = now;
        of = m.spread;
        return true;
    }
    __device__ bool keep(double bottom, double top, double near, Spread &of) {
        low = larger(low, bottom), high = smaller(high, top);
        return take(low, high, near, of, false);
    }
    __device__ bool keep_again(double bottom, double top, double near, Spread &of) {
        return (low != bottom || high != top) && take(bottom, top, near, of, true);
    }
};

// The clipped mode of the values; 0 if there are too few. Leaves in `count` how many there are.
template <class Value> __device__ double mode_of(const Value &value, i64 size, Scratch &s, i64 &count) {
    Kept<Value> kept = {value, size, s, {}, -INF_VALUE, INF_VALUE};
    kept.spread(0.0);
    count = kept.m.count;
    if (count < FEWEST) return 0.0;
    return clipped_mode(kept, kept.m.low == kept.m.high ? kept.m.low : kept.m.spread.mean);
}

extern "C" __global__ void __launch_bounds__(BLOCK) clipped_modes(
    const REAL *data, const int *labels, const bool *mask, i64 ny, i64 nx, const i64 *bbox,
    double width, i64 n, double *out, i64 *counts) {
    __shared__ REAL held[HELD];
    __shared__ Scratch scratch;
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const InImage image = {data, labels, mask, nx, annulus_of(bbox + 4 * i, width, ny, nx)};
        const i64 size = image.a.size();
        double mode;
        i64 count;
        if (size <= HELD) {
            for (i64 k = threadIdx.x; k < size; k += BLOCK) held[k] = image(k);
            __syncthreads();
            mode = mode_of(InShared{held}, size, scratch, count);
        } else {
            mode = mode_of(image, size, scratch, count);
        }
        if (threadIdx.x == 0) out[i] = mode, counts[i] = count;
        __syncthreads();  // the next source takes over the shared memory
    }
}
