// The contrast rule on the GPU; contrast.h says what it is.
//
// Basins are known by their label less 1. Their sums in units tell which are far above the contrast;
// only the others are summed one by one in raster order. So basins are ranked by exact shares wherever
// it matters.

#include "contrast.h"

// Bits of a basin's `state`.
#define CHANGED 1
#define GOING 2
#define GONE 4

// A basin and its share; -1 for none.
struct Ranked {
    double share;
    int basin;
};

// The first of the basins that come after one in the order in which they would go, by a warp.
template <class I>
__device__ Ranked next_in_rank(const Work<I> &w, int n_basins, const Ranked &after) {
    Ranked first = {0.0, -1};
    for (int b = lane_of_thread(); b < n_basins; b += 32) {
        if (w.state[b] & GONE) continue;
        const double share = w.share[b];
        if (after.basin >= 0 && !precedes(after.share, after.basin, share, b)) continue;
        if (first.basin < 0 || precedes(share, b, first.share, first.basin)) first = {share, b};
    }
    for (int step = 16; step; step >>= 1) {
        const Ranked other = {__shfl_xor_sync(ALL_LANES, first.share, step),
                              __shfl_xor_sync(ALL_LANES, first.basin, step)};
        if (other.basin < 0) continue;
        if (first.basin < 0 || precedes(other.share, other.basin, first.share, first.basin))
            first = other;
    }
    return first;
}

// The basins in that order, and the last of those that go.
template <class I> struct Ranks {
    const Work<I> &w;
    int n_basins;
    Ranked last, before, kept;

    __device__ double next() {
        before = last;
        last = next_in_rank(w, n_basins, last);
        return last.share;
    }
    __device__ void keep() { kept = before; }
};

// Marks the basins that go now and counts those that stay, by a warp; returns whether any goes.
template <class I>
__device__ bool choose(
    const Work<I> &w, int n_basins, double contrast, bool nonnegative, Team &team) {
    const int n_alive = team.alive;
    bool faint = false;
    for (int b = lane_of_thread(); b < n_basins; b += 32)
        faint |= !(w.state[b] & GONE) && is_faint(w.share[b], contrast);
    if (n_alive < 2 || !__any_sync(ALL_LANES, faint)) return false;
    Ranks<I> ranks = {w, n_basins, {0.0, -1}, {0.0, -1}, {0.0, -1}};
    const int together = count_removable(ranks, n_alive, contrast, nonnegative);
    const Ranked last = ranks.kept;
    for (int b = lane_of_thread(); b < n_basins; b += 32) {
        if (w.state[b] & GONE || precedes(last.share, last.basin, w.share[b], b)) continue;
        w.state[b] |= GOING;
        atomicMin(&team.low, w.low[b]);
        atomicMax(&team.high, w.high[b]);
    }
    __syncwarp();
    if (lane_of_thread() == 0) team.alive = n_alive - together;
    return true;
}

// Adds a pixel to its basin.
template <class I> __device__ inline void hand_over(const Work<I> &w, int k, const Scale &scale) {
    const int b = w.label[k] - 1;
    if (b < 0) return;
    atomicAdd(w.flux + b, units_of(value_of(w.key[k]), scale));
    atomicMin(w.low + b, k);
    atomicMax(w.high + b, k);
    atomicOr(w.state + b, CHANGED);
}

// The shares of basins that have changed; a warp per basin.
template <class I>
__device__ void share_out(
    const Work<I> &w, int n_basins, double contrast, double total, const Scale &scale) {
    const double doubt = scale.error / fabs(total) + 0x1p-50;
    for (int b = threadIdx.x / 32; b < n_basins; b += blockDim.x / 32) {
        const bool due = (w.state[b] & (CHANGED | GONE)) == CHANGED;
        if (!due) continue;
        double share = from_units(w.flux[b], scale) / total;
        if (!scale.finite || !(share - doubt >= contrast))
            share = sum_in_order(w, w.low[b], w.high[b], b + 1) / total;
        __syncwarp();
        if (lane_of_thread() == 0) w.share[b] = share, w.state[b] = 0;
    }
}

// Takes the labels off the basins that go; their pixels become the cells.
template <class I> __device__ void clear(const Work<I> &w, Team &team) {
    for (int k = team.low + threadIdx.x; k <= team.high; k += blockDim.x) {
        const int b = w.label[k] - 1;
        if (b < 0 || !(w.state[b] & GOING)) continue;
        w.label[k] = 0;
        w.cells[atomicAdd(&team.n_cells, 1)] = (I)k;
    }
}

// Numbers the basins that are left from 1, in their old order.
template <class I> __device__ void close_ranks(const Work<I> &w, int n, int n_basins) {
    if (threadIdx.x < 32) {
        int count = 0;
        for (int first = 0; first < n_basins; first += 32) {
            const int b = first + threadIdx.x;
            const bool stays = b < n_basins && !(w.state[b] & GONE);
            const unsigned staying = __ballot_sync(ALL_LANES, stays);
            if (stays) w.low[b] = count + __popc(staying & ((2u << threadIdx.x) - 1));
            count += __popc(staying);
        }
    }
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x)
        if (w.label[k]) w.label[k] = (I)w.low[w.label[k] - 1];
    __syncthreads();
}

// Floods the cells, by one thread where only that is exact; returns false if that would take too long.
template <class I> __device__ bool flood_exactly(const Work<I> &w, int n, const Team &team) {
    if (flood(w, team.n_cells)) return true;
    if (sizeof(I) > 2) return false;
    if (threadIdx.x == 0) flood_by_one(w, n, team.n_cells);
    __syncthreads();
    return true;
}

// Removes basins until all have `contrast` of the flux; team.alive says how many are left, with
// consecutive numbers. Returns false where the flood gave up.
template <class I>
__device__ bool remove_faint_basins(
    const Work<I> &w, int n, int n_basins, double contrast, const Scale &scale, Team &team) {
    for (int b = threadIdx.x; b < n_basins; b += blockDim.x)
        w.flux[b] = 0, w.low[b] = n, w.high[b] = -1, w.state[b] = CHANGED;
    if (threadIdx.x == 0) team.alive = n_basins;
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x) hand_over(w, k, scale);
    __syncthreads();
    for (;;) {
        share_out(w, n_basins, contrast, team.total, scale);
        if (threadIdx.x == 0) team.low = n, team.high = -1, team.n_cells = 0;
        __syncthreads();
        bool some = false;
        if (threadIdx.x < 32) some = choose(w, n_basins, contrast, scale.nonnegative, team);
        if (!__syncthreads_or(some)) break;
        clear(w, team);
        __syncthreads();
        for (int b = threadIdx.x; b < n_basins; b += blockDim.x)
            if (w.state[b] & GOING) w.state[b] = GONE;
        if (!flood_exactly(w, n, team)) return false;
        for (int i = threadIdx.x; i < team.n_cells; i += blockDim.x)
            hand_over(w, w.cells[i], scale);
        __syncthreads();
    }
    if (team.alive < n_basins) close_ranks(w, n, n_basins);
    return true;
}
