// Sources of a label image by runs (runs.cu): one read of the image; the runs are sorted, not the
// pixels.

#include "skyshed/kernels/segments/segments.h"

// One warp per word of 32 pixels. The counts come after a 0: running sums turn them into offsets.
extern "C" __global__ void find_runs(
    const int *image, i64 ny, i64 nx, unsigned *starts, unsigned *ends, unsigned char *count) {
    const i64 words = (nx + 31) / 32;
    const int lane = lane_of_thread();
    for (i64 w = global_warp(); w < ny * words; w += global_warps()) {
        const i64 y = w / words, x = (w - y * words) * 32 + lane, p = y * nx + x;
        const int label = x < nx ? image[p] : 0;
        int before = __shfl_up_sync(ALL_LANES, label, 1);
        int after = __shfl_down_sync(ALL_LANES, label, 1);
        if (lane == 0) before = label && x > 0 ? image[p - 1] : 0;
        if (lane == 31) after = label && x + 1 < nx ? image[p + 1] : 0;
        const unsigned begun = __ballot_sync(ALL_LANES, segments::starts(label, before));
        const unsigned ended = __ballot_sync(ALL_LANES, segments::ends(label, after));
        if (lane == 0)
            starts[w] = begun, ends[w] = ended, count[w + 1] = (unsigned char)__popc(begun);
    }
    if (global_thread() == 0) count[0] = 0;
}

// order sorts the runs by label, and within a label leaves them in raster order. A head is the first
// run of its label. Runs of label 0, if there are any, count for nothing.
extern "C" __global__ void measure_runs(
    const i64 *first, const i64 *last, const int *label, const i64 *order, i64 n_runs, i64 *head,
    i64 *length) {
    for (i64 s = global_thread(); s < n_runs; s += global_threads()) {
        const i64 run = order[s];
        const bool counts = label[run];
        head[s] = counts && (s == 0 || label[order[s - 1]] != label[run]);
        length[s] = counts ? last[run] - first[run] + 1 : 0;
    }
}

// Eight threads write the pixels of a run. rank and place are the running sums of head and length:
// the run's source, counted from 1, and the place after its last pixel.
extern "C" __global__ void write_pixels(
    const i64 *first, const int *label, const i64 *order, const i64 *head, const i64 *length,
    const i64 *rank, const i64 *place, i64 n_runs, int *labels, i64 *start, i64 *first_run,
    i64 *pixel) {
    for (i64 t = global_thread(); t < n_runs * 8; t += global_threads()) {
        const i64 s = t >> 3, from = first[order[s]], at = place[s] - length[s];
        for (i64 i = t & 7; i < length[s]; i += 8) pixel[at + i] = from + i;
        if (t & 7) continue;
        if (head[s]) {
            labels[rank[s] - 1] = label[order[s]];
            start[rank[s] - 1] = at;
            first_run[rank[s] - 1] = s;
        }
        if (s == n_runs - 1) start[rank[s]] = place[s], first_run[rank[s]] = n_runs;
    }
}

// One warp per source looks at its runs, which are in raster order.
extern "C" __global__ void find_boxes(
    const i64 *first, const i64 *last, const i64 *order, const i64 *first_run, i64 n, i64 nx,
    i64 *bbox) {
    for (i64 i = global_warp(); i < n; i += global_warps()) {
        i64 low = nx, high = 0;
        for (i64 s = first_run[i] + lane_of_thread(); s < first_run[i + 1]; s += 32) {
            const i64 from = first[order[s]], x = from % nx;
            low = min(low, x);
            high = max(high, x + last[order[s]] - from + 1);
        }
        for (int step = 16; step; step >>= 1) {
            low = min(low, __shfl_down_sync(ALL_LANES, low, step));
            high = max(high, __shfl_down_sync(ALL_LANES, high, step));
        }
        if (lane_of_thread() == 0) {
            bbox[4 * i] = first[order[first_run[i]]] / nx;
            bbox[4 * i + 1] = first[order[first_run[i + 1] - 1]] / nx + 1;
            bbox[4 * i + 2] = low;
            bbox[4 * i + 3] = high;
        }
    }
}

// The lengths of rows and their chunks, each after a 0: running sums turn them into offsets. The rows
// are those of index, all of them where it is null.
extern "C" __global__ void measure_rows(
    const i64 *start, const i64 *index, i64 n, i64 *length, i64 *chunks) {
    for (i64 t = global_thread(); t <= n; t += global_threads()) {
        i64 found = 0;
        if (t) {
            const i64 row = index ? index[t - 1] : t - 1;
            found = start[row + 1] - start[row];
        }
        if (length) length[t] = found;
        chunks[t] = (found + CHUNK - 1) / CHUNK;
    }
}

// Where each value of the taken rows is from. A warp per chunk of the new rows.
extern "C" __global__ void find_places(
    const i64 *start, const i64 *index, const i64 *new_start, const i64 *first_chunk, i64 n,
    i64 *from) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, new_start, first_chunk, n);
        const i64 shift = start[index[chunk.source]] - new_start[chunk.source];
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) from[j] = j + shift;
    }
}
