// Labelling by runs: one read of the image, one write of the labels, and between them only lists as
// long as the sources.
//
// Runs have numbers in raster order (runs.cu). A union-find over them makes each component's smallest
// run its root, whatever order threads join in; that run holds the component's first pixel.

#include "skyshed/kernels/labelling/labelling.h"

// A threshold for all pixels or for each, of either dtype: one of the pointers is null.
struct Limit {
    const float *at4;
    const double *at8;
    bool scalar;
    float one4;
    double one8;
};

__device__ inline bool is_above(i64 p, const REAL *data, const Limit &limit, const bool *mask) {
    if (mask && mask[p]) return false;
    const REAL value = data[p];
    if (limit.at4) return labelling::above(value, limit.scalar ? limit.one4 : limit.at4[p]);
    return labelling::above(value, limit.scalar ? limit.one8 : limit.at8[p]);
}

__device__ inline bool is_negative(i64 p, const Limit &limit) {
    if (limit.at4) return (limit.scalar ? limit.one4 : limit.at4[p]) < 0.0f;
    return (limit.scalar ? limit.one8 : limit.at8[p]) < 0.0;
}

// One warp per word of 32 pixels. The counts come after a 0: running sums turn them into offsets.
// seen[0] becomes 1 where a pixel is not masked, seen[1] is how many limits are negative.
extern "C" __global__ void find_runs(
    const REAL *data, const float *limit4, const double *limit8, bool scalar, const bool *mask,
    i64 ny, i64 nx, unsigned *starts, unsigned *ends, unsigned char *count, u64 *seen) {
    const i64 words = (nx + 31) / 32;
    const int lane = lane_of_thread();
    const Limit limit = {limit4, limit8, scalar, scalar && limit4 ? *limit4 : 0.0f,
                         scalar && limit8 ? *limit8 : 0.0};
    for (i64 w = global_warp(); w < ny * words; w += global_warps()) {
        const i64 y = w / words, x = (w - y * words) * 32 + lane, p = y * nx + x;
        const bool here = x < nx && is_above(p, data, limit, mask);
        const unsigned above = __ballot_sync(ALL_LANES, here);
        const unsigned left = __ballot_sync(ALL_LANES, x < nx && !(mask && mask[p]));
        const unsigned negative = __ballot_sync(ALL_LANES, x < nx && is_negative(p, limit));
        bool beyond = false;  // whether the run goes on in the word beside
        if (here && lane == 0 && x > 0)
            beyond = is_above(p - 1, data, limit, mask);
        if (here && lane == 31 && x + 1 < nx)
            beyond = is_above(p + 1, data, limit, mask);
        const unsigned outside = __ballot_sync(ALL_LANES, beyond);
        if (lane == 0) {
            starts[w] = runs::starts(above, outside & 1u);
            ends[w] = runs::ends(above, outside >> 31);
            count[w + 1] = (unsigned char)__popc(starts[w]);
            if (left && !ld(seen)) atomicExch(seen, 1ULL);
            if (negative) atomicAdd(seen + 1, (u64)__popc(negative));
        }
    }
    if (global_thread() == 0) count[0] = 0;
}

// The last run that starts at or before pixel (y, x), in raster order; -1 if there is none.
__device__ inline i64 run_before(
    i64 y, i64 x, i64 words, const unsigned *starts, const i64 *offset) {
    const i64 w = y * words + x / 32;
    const unsigned upto = starts[w] & (ALL_LANES >> (31 - int(x % 32)));
    return offset[w] + __popc(upto) - 1;
}

// Roots only ever get smaller ancestors, so a path may be shortened while others walk it.
__device__ inline i64 root_of(i64 *parent, i64 run) {
    i64 up = ld(parent + run);
    while (up != run) {
        const i64 next = ld(parent + up);
        if (next != up) st(parent + run, next);
        run = up;
        up = next;
    }
    return run;
}

__device__ inline void join(i64 *parent, i64 a, i64 b) {
    a = root_of(parent, a);
    b = root_of(parent, b);
    while (a != b) {
        const i64 high = max(a, b), low = min(a, b);
        const i64 seen = (i64)atomicCAS((u64 *)(parent + high), (u64)high, (u64)low);
        if (seen == high) return;
        a = root_of(parent, seen);
        b = root_of(parent, low);
    }
}

// Of two runs in neighbouring rows that touch, one sees the other at its own first pixel: the lower
// run looks up, the upper one down. So each run looks at two places, however many runs touch it.
// reach is 1 where corners connect, otherwise 0. Images of ny rows lie one below the other: nothing
// touches across their edges.
extern "C" __global__ void join_runs(
    const unsigned *starts, const i64 *offset, const i64 *first, const i64 *last, i64 n_runs,
    i64 ny, i64 nx, int reach, i64 *parent) {
    const i64 words = (nx + 31) / 32;
    for (i64 run = global_thread(); run < n_runs; run += global_threads()) {
        const i64 y = first[run] / nx, x = first[run] - y * nx, row = y % ny;
        if (row > 0 && x >= reach) {
            const i64 other = run_before(y - 1, x - reach, words, starts, offset);
            if (other >= 0 && last[other] >= first[run] - nx - reach) join(parent, other, run);
        }
        if (row + 1 < ny) {
            // The run may start here, or reach here (or to the corner) from the left.
            const i64 other = run_before(y + 1, x, words, starts, offset);
            const i64 from = first[run] + nx - (x > 0 ? reach : 0);
            if (other != run && last[other] >= from) join(parent, run, other);
        }
    }
}

// Points every run at its root, and adds up areas there: up to enough, since more tells nothing and
// would have a large component's runs wait for each other. Paths are walked without shortening them
// on the way: that could undo what another thread has written for good.
extern "C" __global__ void add_areas(
    const i64 *first, const i64 *last, i64 n_runs, i64 enough, i64 *parent, u64 *area) {
    for (i64 run = global_thread(); run < n_runs; run += global_threads()) {
        i64 root = run;
        for (i64 up = ld(parent + root); up != root; up = ld(parent + root)) root = up;
        st(parent + run, root);
        if (ld(area + root) < (u64)enough)
            atomicAdd(area + root, (u64)(last[run] - first[run] + 1));
    }
}

// Marks the roots of the components that stay.
extern "C" __global__ void mark_kept(
    const i64 *parent, const u64 *area, i64 n_runs, i64 npixels, i64 *kept) {
    for (i64 run = global_thread(); run < n_runs; run += global_threads())
        kept[run] = parent[run] == run && labelling::large_enough(area[run], npixels);
}

// number[run] counts the kept roots up to that run.
extern "C" __global__ void label_runs(
    const i64 *parent, const u64 *area, const i64 *number, i64 n_runs, i64 npixels, int *label) {
    for (i64 run = global_thread(); run < n_runs; run += global_threads()) {
        const i64 root = parent[run];
        label[run] = labelling::large_enough(area[root], npixels) ? (int)number[root] : 0;
    }
}

// One warp per word writes the labels of its pixels, 0 where there is no run. Its first lane reads
// what concerns the word.
extern "C" __global__ void write_labels(
    const unsigned *starts, const unsigned *ends, const i64 *offset, const i64 *last,
    const int *label, i64 ny, i64 nx, int *out) {
    const i64 words = (nx + 31) / 32;
    const int lane = lane_of_thread();
    const unsigned before = (1u << lane) - 1, upto = before << 1 | 1u;
    for (i64 w = global_warp(); w < ny * words; w += global_warps()) {
        const i64 y = w / words, x = (w - y * words) * 32 + lane, p = y * nx + x;
        unsigned begun = 0, ended = 0;
        i64 run = 0;  // before the first that starts here
        int open = 0;  // whether that run reaches into the word
        if (lane == 0) {
            begun = starts[w];
            ended = ends[w];
            run = offset[w] - 1;
            if (ended) open = !begun || __ffs(ended) < __ffs(begun);
            else open = !begun && run >= 0 && last[run] >= p;
        }
        begun = __shfl_sync(ALL_LANES, begun, 0);
        ended = __shfl_sync(ALL_LANES, ended, 0);
        run = __shfl_sync(ALL_LANES, run, 0);
        open = __shfl_sync(ALL_LANES, open, 0);
        const int started = __popc(begun & upto);
        const bool inside = open + started > __popc(ended & before);
        if (x < nx) out[p] = inside ? label[run + started] : 0;
    }
}
