// Statistics of boxes: each is sorted once, after which clipping is a matter of two indices.
//
// A block of threads does a box. Its values are sorted in shared memory; boxes that don't fit are
// sorted in global memory first, by tiles that are merged, and lie one after the other there. Sums
// are of differences from a value in the middle of the box, over chunks of the sorted values: a round
// of clipping adds those chunks that are kept, and the values left over at the ends. What follows from
// a few values (medians, deviations, limits) every thread works out for itself: of a box in shared
// memory those of one warp, for float64 arithmetic is what most GPUs have least of.

#include "skyshed/kernels/boxes/boxes.h"

using boxes::Box;
using boxes::Grid;
using boxes::Pair;
using boxes::Range;
using boxes::Sums;

// Loads pixels begin, ..., end - 1 of a box, counted row by row; infinity stands for those left
// out.
__device__ inline void gather(
    const REAL *data, const bool *mask, const Grid &grid, const Box &box, i64 begin, i64 end,
    REAL *v, int &good, int &bad) {
    // 64-bit divisions are calls: one, not one per pixel.
    const i64 row = begin / box.width, first = (box.y0 + row) * grid.nx + box.x0;
    const unsigned width = (unsigned)box.width, skipped = (unsigned)(begin - row * box.width);
    for (int i = threadIdx.x; i < (int)(end - begin); i += blockDim.x) {
        const unsigned y = (skipped + i) / width, x = skipped + i - y * width;
        const i64 p = first + y * grid.nx + x;
        const bool seen = !(mask && mask[p]);
        const REAL value = seen ? data[p] : (REAL)INF_VALUE;
        const bool finite = boxes::good(value);
        // Zeros lose their sign: which of two equal values comes first must not matter.
        v[i] = finite ? value + (REAL)0 : (REAL)INF_VALUE;
        good += finite;
        bad += seen && !finite;
    }
}

// Values that a thread sorts in registers.
#define HELD 16

// Which of two values, none of which is NaN, stays where `low` says whether it is the lower place.
__device__ inline REAL stays(REAL mine, REAL other, bool low) {
    const REAL smaller = min(mine, other), larger = max(mine, other);
    return low ? smaller : larger;
}

__device__ inline void order(REAL &low, REAL &high) {
    const REAL smaller = min(low, high);
    high = max(low, high);
    low = smaller;
}

// Values in registers, HELD per thread and one thread's after another's, meet those of the thread at
// `mask` from theirs: its own place in the other's, or crosswise, the first with the last.
__device__ inline void meet(REAL *held, REAL *v, int mask, bool crosswise) {
    const bool low = (threadIdx.x ^ mask) > threadIdx.x;
    if (mask < 32) {
        #pragma unroll
        for (int r = 0; r < HELD / 2; ++r) {
            const int s = HELD - 1 - r;
            const REAL first = __shfl_xor_sync(ALL_LANES, crosswise ? held[s] : held[r], mask);
            const REAL last = __shfl_xor_sync(ALL_LANES, crosswise ? held[r] : held[s], mask);
            held[r] = stays(held[r], first, low);
            held[s] = stays(held[s], last, low);
        }
        return;
    }
    __syncthreads();  // what was there has been read
    #pragma unroll
    for (int r = 0; r < HELD; ++r)
        v[r * blockDim.x + threadIdx.x] = held[r];
    __syncthreads();
    #pragma unroll
    for (int r = 0; r < HELD; ++r) {
        const int s = crosswise ? HELD - 1 - r : r;
        held[r] = stays(held[r], v[s * blockDim.x + (threadIdx.x ^ mask)], low);
    }
}

// Sorts what runs of 2 m values are made of by steps of m, m / 2, ... within a thread; or, if the runs
// are two sorted ones of m values each, crosswise first.
__device__ inline void order_held(REAL *held, int m, bool crosswise) {
    #pragma unroll
    for (int step = HELD / 2; step; step >>= 1) {
        if (step > m) continue;
        #pragma unroll
        for (int r = 0; r < HELD; ++r) {
            const int other = crosswise && step == m ? r ^ (2 * step - 1) : r ^ step;
            if (other > r) order(held[r], held[other]);
        }
    }
}

// Sorts up to HELD values a thread, of which there are n, in shared memory with room for all that the
// threads may hold. They are moved to registers: most steps of a bitonic sort are within a thread or a
// warp. In each step the smaller of a pair goes to the lower place, and past the end is infinity.
__device__ inline void sort_held(REAL *v, int n) {
    REAL held[HELD];
    #pragma unroll
    for (int r = 0; r < HELD; ++r) {
        const int i = r * blockDim.x + threadIdx.x;
        held[r] = i < n ? v[i] : (REAL)INF_VALUE;
    }
    #pragma unroll
    for (int m = 1; m < HELD; m <<= 1) order_held(held, m, true);
    for (int threads = 1; threads < (int)blockDim.x; threads <<= 1) {
        meet(held, v, 2 * threads - 1, true);
        for (int mask = threads >> 1; mask; mask >>= 1) meet(held, v, mask, false);
        order_held(held, HELD / 2, false);
    }
    __syncthreads();  // what was there has been read
    #pragma unroll
    for (int r = 0; r < HELD; ++r) {
        const int i = threadIdx.x * HELD + r;
        if (i < n) v[i] = held[r];
    }
    __syncthreads();
}

// Merges n values in shared memory whose runs of 1 << k are sorted. What would stand past the n values
// can be thought of as infinite and left alone. Pairs that are no more than 32 apart stay within a
// warp's 64 values, which need not wait for the other warps.
__device__ inline void merge_in_block(REAL *v, int n, int k) {
    for (; 1 << k < n; ++k) {
        for (int m = k; m >= 0; --m) {
            for (int t = threadIdx.x;; t += blockDim.x) {
                const int base = t >> m << (m + 1), at = t & ((1 << m) - 1), i = base + at;
                if (i >= n) break;
                // The first step of a merge pairs the runs' values crosswise.
                const int j = m == k ? base + (2 << m) - 1 - at : i + (1 << m);
                if (j < n && v[j] < v[i]) {
                    const REAL larger = v[i];
                    v[i] = v[j];
                    v[j] = larger;
                }
            }
            if (m > 5 || (m == 0 && k >= 5)) __syncthreads(); else __syncwarp(ALL_LANES);
        }
    }
    __syncthreads();
}

// Sorts n values in shared memory: where they are few, it has room for HELD a thread. The number of
// threads is a power of two.
__device__ inline void sort_in_block(REAL *v, int n) {
    const int tile = HELD * blockDim.x;
    if (n <= tile) return sort_held(v, n);
    const int whole = n / tile * tile;
    for (int begin = 0; begin < whole; begin += tile) sort_held(v + begin, tile);
    merge_in_block(v + whole, n - whole, 0);
    merge_in_block(v, n, __ffs(tile) - 1);
}

// Integers of a block added up, to two counters that start at 0.
__device__ inline void count_in_block(int good, int bad, int *counters) {
    if (good) atomicAdd(&counters[0], good);
    if (bad) atomicAdd(&counters[1], bad);
    __syncthreads();
}

// The threads that share the sums of a box: they are added by a fixed tree, and all get the same.
struct Warp {
    __device__ int rank() const { return lane_of_thread(); }
    __device__ int size() const { return 32; }
    __device__ Sums add(Sums mine) const {
        const double a = warp_sum(mine.a), q = warp_sum(mine.q);
        return {__shfl_sync(ALL_LANES, a, 0), __shfl_sync(ALL_LANES, q, 0)};
    }
};

struct Block {
    __device__ int rank() const { return threadIdx.x; }
    __device__ int size() const { return blockDim.x; }
    __device__ Sums add(Sums mine) const {
        __shared__ Sums part[32];
        mine.a = warp_sum(mine.a);
        mine.q = warp_sum(mine.q);
        if (lane_of_thread() == 0) part[threadIdx.x / 32] = mine;
        __syncthreads();
        Sums all = {0.0, 0.0};
        for (int i = 0; i < blockDim.x / 32; ++i) all.a += part[i].a, all.q += part[i].q;
        __syncthreads();
        return all;
    }
};

// Adds the value, less ref, and its square.
__device__ inline void add_value(REAL value, double ref, Sums &to) {
    const double d = (double)value - ref;
    to.a += d;
    to.q += d * d;
}

// The values of this type that are nearest to a limit: the least that is not below it, and the largest
// that is not above it. Values are compared with these as they are.
__device__ inline double least_from(double limit, double) { return limit; }
__device__ inline double largest_to(double limit, double) { return limit; }
__device__ inline float least_from(double limit, float) {
    const float near = (float)limit;
    return (double)near < limit ? nextafterf(near, (float)INF_VALUE) : near;
}
__device__ inline float largest_to(double limit, float) {
    const float near = (float)limit;
    return (double)near > limit ? nextafterf(near, -(float)INF_VALUE) : near;
}

// The first of the sorted values lo, ..., hi - 1 that is not below the limit.
__device__ inline i64 first_from(const REAL *v, i64 lo, i64 hi, double limit) {
    const REAL least = least_from(limit, (REAL)0);
    while (lo < hi) {
        const i64 middle = (lo + hi) / 2;
        if (v[middle] < least) lo = middle + 1; else hi = middle;
    }
    return lo;
}

// The first of them that is above the limit.
__device__ inline i64 first_above(const REAL *v, i64 lo, i64 hi, double limit) {
    const REAL largest = largest_to(limit, (REAL)0);
    while (lo < hi) {
        const i64 middle = (lo + hi) / 2;
        if (v[middle] <= largest) lo = middle + 1; else hi = middle;
    }
    return lo;
}

// Distances from a center, sorted: they grow to both sides of `split`, the first value not below it.
struct Deviations {
    const REAL *v;
    Range range;
    double center;
    i64 split;

    // Finds how many of the rank + 1 smallest lie to the left.
    __device__ double at(i64 rank) const {
        i64 least = max((i64)0, rank + 1 - (range.hi - split)), most = min(rank + 1, split - range.lo);
        while (least < most) {
            const i64 left = (least + most) / 2;
            if (center - (double)v[split - 1 - left] < (double)v[split + rank - left] - center)
                least = left + 1;
            else
                most = left;
        }
        double found = 0.0;
        if (least > 0) found = center - (double)v[split - least];
        if (least <= rank) {
            const double right = (double)v[split + rank - least] - center;
            if (right > found) found = right;
        }
        return found;
    }
};

// Sorted values, as boxes.h wants them. The sums of `v - middle` and of its square over every `chunk` of
// them are known.
template <class Team> struct Sorted {
    const REAL *v;
    double middle;
    int chunk;
    const double *sum, *square;
    Team team;

    __device__ double at(i64 rank) const { return v[rank]; }
    __device__ bool writes() const { return threadIdx.x == 0; }
    __device__ double ref() const { return middle; }
    __device__ Pair ends(const Range &range) const { return {(double)v[range.lo], (double)v[range.hi - 1]}; }

    __device__ Range narrowed(const Range &range, double low, double high) const {
        return {first_from(v, range.lo, range.hi, low), first_above(v, range.lo, range.hi, high), low, high};
    }

    // Adds this thread's share of single values.
    __device__ void add_values(i64 lo, i64 hi, double about, Sums &mine) const {
        for (i64 i = lo + team.rank(); i < hi; i += team.size()) add_value(v[i], about, mine);
    }

    __device__ Sums sums(const Range &range, double about) const {
        const i64 lo = range.lo, hi = range.hi, first = (lo + chunk - 1) / chunk, last = hi / chunk;
        Sums mine = {0.0, 0.0};
        if (about == middle && first < last) {
            add_values(lo, first * chunk, about, mine);
            for (i64 c = first + team.rank(); c < last; c += team.size())
                mine.a += sum[c], mine.q += square[c];
            add_values(last * chunk, hi, about, mine);
        } else {
            add_values(lo, hi, about, mine);
        }
        return team.add(mine);
    }

    __device__ Sums weigh(const Range &range, const boxes::Biweight &biweight) const {
        Sums mine = {0.0, 0.0};
        for (i64 i = range.lo + team.rank(); i < range.hi; i += team.size()) {
            const Sums term = biweight.term(v[i]);
            mine.a += term.a;
            mine.q += term.q;
        }
        return team.add(mine);
    }

    __device__ Deviations deviations(const Range &range, double center) const {
        return {v, range, center, first_from(v, range.lo, range.hi, center)};
    }
};

// Values of which a box in shared memory keeps a sum.
#define FEW 32

// The sums of every FEW of the n sorted values, less the middle one, and of their squares. A thread has
// as many values; it starts at another place than its neighbours, which so read from other banks of the
// memory.
__device__ inline void add_few(const REAL *v, int n, double middle, double *sum, double *square) {
    for (int c = threadIdx.x; c < n / FEW; c += blockDim.x) {
        Sums mine = {0.0, 0.0};
        for (int i = 0; i < FEW; ++i) add_value(v[c * FEW + (i + c) % FEW], middle, mine);
        sum[c] = mine.a, square[c] = mine.q;
    }
    __syncthreads();
}

// Copies what is wanted to shared memory: all threads read it for every box.
__device__ inline const double *copy_wanted(double *shared, const double *wanted, int n_wanted) {
    for (int i = threadIdx.x; i < 3 * n_wanted; i += blockDim.x) shared[i] = wanted[i];
    __syncthreads();
    return shared;
}

// Boxes that fit into shared memory: 3 * n_wanted double and two for every FEW values of it, and h * w
// values, or HELD a thread if these are more.
extern "C" __global__ void __launch_bounds__(256) measure_boxes(
    const REAL *data, const bool *mask, i64 ny, i64 nx, int h, int w, i64 images, bool clipped,
    double lower, double upper, int maxiters, int center, int spread, const double *wanted,
    int n_wanted, double *values, double *limits, i64 *n_good, i64 *n_bad) {
    DYNAMIC_SHARED(double, shared);
    const int few = h * w / FEW;
    double *sum = shared + 3 * n_wanted, *square = sum + few;
    REAL *v = (REAL *)(square + few);
    __shared__ int counters[2];
    const Grid grid = {ny, nx, h, w, images};
    const boxes::Clip clip = {clipped, lower, upper, maxiters, center, spread};
    const boxes::Results out = {
        copy_wanted(shared, wanted, n_wanted), n_wanted, grid.boxes(), values, limits, n_good};
    for (i64 b = blockIdx.x; b < out.n_boxes; b += gridDim.x) {
        const Box box = boxes::box_at(grid, b);
        if (threadIdx.x < 2) counters[threadIdx.x] = 0;
        __syncthreads();
        int good = 0, bad = 0;
        gather(data, mask, grid, box, 0, box.size(), v, good, bad);
        count_in_block(good, bad, counters);
        sort_in_block(v, (int)box.size());
        const int n = counters[0];
        if (threadIdx.x == 0) n_bad[b] = counters[1];
        const double middle = n ? (double)v[n / 2] : 0.0;
        add_few(v, n, middle, sum, square);
        if (threadIdx.x < 32) {
            Sorted<Warp> sorted = {v, middle, FEW, sum, square, {}};
            boxes::measure(sorted, n, clip, out, b);
        }
        __syncthreads();
    }
}

// Larger boxes: tile by tile into `sorted`, where boxes follow each other. `tiles` are those of a
// whole box. Counts start at 0.
extern "C" __global__ void __launch_bounds__(256) sort_tiles(
    const REAL *data, const bool *mask, i64 ny, i64 nx, int h, int w, i64 images, int tile,
    i64 tiles, REAL *sorted, u64 *n_seen, u64 *n_bad) {
    DYNAMIC_SHARED(REAL, v);
    __shared__ int counters[2];
    const Grid grid = {ny, nx, h, w, images};
    for (i64 t = blockIdx.x; t < grid.boxes() * tiles; t += gridDim.x) {
        const i64 b = t / tiles, begin = t % tiles * tile;
        const Box box = boxes::box_at(grid, b);
        const i64 end = min(begin + tile, box.size());
        if (begin >= end) continue;
        if (threadIdx.x < 2) counters[threadIdx.x] = 0;
        __syncthreads();
        int good = 0, bad = 0;
        gather(data, mask, grid, box, begin, end, v, good, bad);
        count_in_block(good, bad, counters);
        sort_in_block(v, (int)(end - begin));
        for (i64 i = begin + threadIdx.x; i < end; i += blockDim.x)
            sorted[box.start + i] = v[i - begin];
        if (threadIdx.x == 0) {
            atomicAdd(&n_seen[b], (u64)counters[0]);
            atomicAdd(&n_bad[b], (u64)counters[1]);
        }
        __syncthreads();
    }
}

// Sums over whole chunks of the good values, a warp per chunk; `chunks` are those of a whole box.
extern "C" __global__ void sum_chunks(
    const REAL *sorted, const u64 *n_seen, i64 ny, i64 nx, int h, int w, i64 images, i64 chunks,
    double *sum, double *square) {
    const Grid grid = {ny, nx, h, w, images};
    for (i64 t = global_warp(); t < grid.boxes() * chunks; t += global_warps()) {
        const i64 b = t / chunks, begin = t % chunks * CHUNK, n = (i64)n_seen[b];
        if (begin + CHUNK > n) continue;
        const REAL *v = sorted + boxes::box_at(grid, b).start;
        const double ref = v[n / 2];
        Sums mine = {0.0, 0.0};
        for (int i = lane_of_thread(); i < CHUNK; i += 32) add_value(v[begin + i], ref, mine);
        mine.a = warp_sum(mine.a);
        mine.q = warp_sum(mine.q);
        if (lane_of_thread() == 0) sum[t] = mine.a, square[t] = mine.q;
    }
}

// 3 * n_wanted double of shared memory.
extern "C" __global__ void __launch_bounds__(512) measure_sorted(
    const REAL *sorted, const u64 *n_seen, i64 ny, i64 nx, int h, int w, i64 images, i64 chunks,
    const double *sum, const double *square, bool clipped, double lower, double upper, int maxiters,
    int center, int spread, const double *wanted, int n_wanted, double *values, double *limits,
    i64 *n_good) {
    DYNAMIC_SHARED(double, shared);
    const Grid grid = {ny, nx, h, w, images};
    const boxes::Clip clip = {clipped, lower, upper, maxiters, center, spread};
    const boxes::Results out = {
        copy_wanted(shared, wanted, n_wanted), n_wanted, grid.boxes(), values, limits, n_good};
    for (i64 b = blockIdx.x; b < out.n_boxes; b += gridDim.x) {
        const REAL *v = sorted + boxes::box_at(grid, b).start;
        const i64 n = (i64)n_seen[b];
        Sorted<Block> of_box = {
            v, n ? (double)v[n / 2] : 0.0, CHUNK, sum + b * chunks, square + b * chunks, {}};
        boxes::measure(of_box, n, clip, out, b);
    }
}
