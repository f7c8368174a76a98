// Deblending, a block per source: the whole of it in one launch, without the host. Small sources work
// in shared memory, large ones in a part of `work`. What a block cannot decide exactly, or not in
// reasonable time, it flags UNDECIDED.
#include "source.cuh"
#include "tree.cuh"
#include "flood.cuh"
#include "contrast.cuh"

// Flags; the last one is private to the GPU.
#define TOO_MANY 1
#define NOT_COVERED 2
#define UNDECIDED 128

struct Outcome {
    int children;
    unsigned char flags;
};

struct Task {
    int n, n_levels;
    i64 nx;
    Rule rule;
    double contrast;
    bool corners;
    i64 max_markers;
};

// Whether pixels without a label are left; every thread returns the same.
template <class I> __device__ bool has_gaps(const Work<I> &w, int n) {
    bool gap = false;
    for (int k = threadIdx.x; k < n; k += blockDim.x) gap |= w.label[k] == 0;
    return __syncthreads_or(gap);
}

template <class I> __device__ void add_total(const Work<I> &w, int n, Team &team) {
    if (threadIdx.x < 32) {
        const double total = sum_in_order(w, 0, n - 1, 0);
        if (threadIdx.x == 0) team.total = total;
    }
    __syncthreads();
}

// Splits one source; every thread returns the same.
template <class I>
__device__ Outcome split(
    const Work<I> &w, const REAL *values, const i64 *pixel, Task task, Team &team) {
    const int n = task.n;
    // Those of large sources are known.
    if (sizeof(I) == 2)
        find_neighbours(w, pixel, n, task.nx, task.corners, threadIdx.x, n, blockDim.x);
    const Scale scale = take_values(w, values, n, team);
    Rule rule = task.rule;
    if (rule.saddle) {
        add_total(w, n, team);
        rule.limit = task.contrast * team.total;
    }
    find_markers(w, n, task.n_levels, rule, scale, team);
    const int n_markers = team.markers;
    if (team.doubt) return {0, UNDECIDED};
    if (task.max_markers >= 0 && n_markers > task.max_markers) return {0, TOO_MANY};
    if (n_markers < 2) return {0, 0};
    if (!rule.saddle && n_markers > w.max_basins) return {0, UNDECIDED};
    draw_markers(w, n, team);
    if (threadIdx.x == 0) team.n_cells = 0;
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x)
        if (w.label[k] == 0) w.cells[atomicAdd(&team.n_cells, 1)] = (I)k;
    __syncthreads();
    if (!flood_exactly(w, n, team)) return {0, UNDECIDED};
    if (has_gaps(w, n)) return {0, NOT_COVERED};
    if (rule.saddle) return {n_markers, 0};
    add_total(w, n, team);
    if (!remove_faint_basins(w, n, n_markers, task.contrast, scale, team)) return {0, UNDECIDED};
    if (has_gaps(w, n)) return {0, NOT_COVERED};
    return {team.alive > 1 ? team.alive : 0, 0};
}

// Splits source i, whose values and pixels begin at `at`, and writes what became of it.
template <class I>
__device__ void split_and_store(
    const Work<I> &w, const REAL *values, const i64 *pixel, i64 at, i64 i, const Task &task,
    Team &team, int *child, i64 *nchild, unsigned char *flags) {
    const Outcome outcome = split(w, values + at, pixel + at, task, team);
    for (int k = threadIdx.x; k < task.n; k += blockDim.x)
        child[k] = outcome.children ? (int)w.label[k] : 0;
    if (threadIdx.x == 0) nchild[i] = outcome.children, flags[i] = outcome.flags;
    __syncthreads();
}

// Of the n sources those of more than `least` and at most `most` pixels. Values and pixels of source i
// begin at at[i]; start holds the running sum of areas, which is where `child` has its pixels.
extern "C" __global__ void split_small(
    const REAL *values, const i64 *pixel, const i64 *at, const i64 *start, i64 n, i64 nx,
    const double *threshold,
    i64 n_levels, i64 npixels, double contrast, bool corners, bool saddle, i64 max_markers,
    i64 least, i64 most, i64 capacity, int *child, i64 *nchild, unsigned char *flags) {
    DYNAMIC_SHARED(unsigned char, memory);
    __shared__ Team team;
    Work<unsigned short> w = lay_out<unsigned short>(memory, capacity, saddle);
    if (n_levels <= FEW_LEVELS) w.first = team.first;
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const i64 area = start[i + 1] - start[i];
        if (area <= least || area > most) continue;
        const Task task = {(int)area, (int)n_levels, nx,
                           {threshold + i * n_levels, npixels, saddle, 0.0}, contrast, corners,
                           max_markers};
        split_and_store(
            w, values, pixel, at[i], i, task, team, child + start[i], nchild, flags);
    }
}

// The part of `work` that a large source has, from pixel `begin` on.
__device__ inline Work<int> work_of(
    unsigned char *work, i64 begin, i64 area, i64 bytes, bool saddle) {
    return lay_out<int>(work + begin * bytes, (area + 7) / 8 * 8, saddle);
}

// The neighbours of the pixels of large sources, a warp per chunk, before a block takes each source:
// the search for them is what takes longest of all that needs no other pixel. first_chunk[j] is the
// first chunk of source which[j].
extern "C" __global__ void relate_large(
    const i64 *pixel, const i64 *at, const i64 *start, i64 nx, bool corners, bool saddle,
    const i64 *which, const i64 *part, const i64 *first_chunk, i64 n_large, i64 bytes,
    unsigned char *work) {
    for (i64 c = global_warp(); c < first_chunk[n_large]; c += global_warps()) {
        i64 j = 0, high = n_large;
        while (high - j > 1) {
            const i64 middle = (j + high) / 2;
            if (first_chunk[middle] <= c) j = middle; else high = middle;
        }
        const i64 i = which[j], area = start[i + 1] - start[i], begin = (c - first_chunk[j]) * CHUNK;
        find_neighbours(
            work_of(work, part[j], area, bytes, saddle), pixel + at[i], (int)area, nx, corners,
            (int)begin + lane_of_thread(), (int)min(begin + CHUNK, area), 32);
    }
}

// The sources which[0:n_large]; part[j] is where that of `work` begins that the j-th of them has, in
// pixels: as many as it has, rounded up to a multiple of 8. `first` has room for n_levels + 2 numbers of
// each, or is null.
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 1) split_large(
    const REAL *values, const i64 *pixel, const i64 *at, const i64 *start, i64 n, i64 nx,
    const double *threshold,
    i64 n_levels, i64 npixels, double contrast, bool corners, bool saddle, i64 max_markers,
    const i64 *which, const i64 *part, i64 n_large, i64 bytes, unsigned char *work, int *first,
    int *child, i64 *nchild, unsigned char *flags) {
    __shared__ Team team;
    for (i64 j = blockIdx.x; j < n_large; j += gridDim.x) {
        const i64 i = which[j], area = start[i + 1] - start[i];
        Work<int> w = work_of(work, part[j], area, bytes, saddle);
        if (first) w.first = first + j * (n_levels + 2);
        const Task task = {(int)area, (int)n_levels, nx,
                           {threshold + i * n_levels, npixels, saddle, 0.0}, contrast, corners,
                           max_markers};
        split_and_store(
            w, values, pixel, at[i], i, task, team, child + start[i], nchild, flags);
    }
}
