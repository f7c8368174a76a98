// Sums over shapes, and the weights of their pixels.
//
// The pixels of a shape's window are cut into chunks of CHUNK, counted row by row from the window's first.
// A warp adds a chunk by a fixed tree; then a shape's chunks are added in their order. So a giant shape
// keeps the whole GPU busy, and the bits depend on the shape alone.

#include "skyshed/kernels/shapes/shapes.h"

// Threads of a block where warps share it.
#define BLOCK 128

extern "C" __global__ void shape_chunks(
    const REAL *data, const REAL *error, const bool *mask, const int *labels, i64 nx, const double *rows,
    const i64 *boxes, const int *label, const double *background, i64 family, i64 samples, i64 rule, i64 power,
    bool finite_only, const i64 *first_chunk, i64 n, double *sums, int *seen) {
    __shared__ shapes::Shape of_warp[BLOCK / 32];
    const shapes::Images<REAL, REAL> f = {data, error, mask, labels, nx, (int)rule, finite_only};
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        i64 low = 0, high = n;  // first_chunk[low] <= c < first_chunk[high]
        while (high - low > 1) {
            const i64 half = (low + high) / 2;
            if (first_chunk[half] <= c) low = half; else high = half;
        }
        __syncwarp(ALL_LANES);  // the last one is done with
        if (lane_of_thread() == 0) of_warp[threadIdx.x / 32] = shapes::shape_at((int)family, rows, low);
        __syncwarp(ALL_LANES);
        const shapes::Shape &s = of_warp[threadIdx.x / 32];
        const shapes::Window w = shapes::window_at(boxes, low);
        const int own = label ? label[low] : shapes::ANY;
        const double sky = background ? background[low] : 0.0;
        const i64 width = w.x1 - w.x0, begin = (c - first_chunk[low]) * CHUNK;
        const i64 end = min(begin + CHUNK, w.size());
        shapes::Sums of_lane = {0.0, 0.0, 0.0, 0.0, 0};
        for (i64 j = begin + lane_of_thread(); j < end; j += 32) {
            const i64 y = w.y0 + j / width, x = w.x0 + j % width;
            const double weight = shapes::weight_of(s, (int)family, samples, y, x);
            if (weight > 0.0) shapes::add_pixel(of_lane, f, w, s, own, sky, power, y, x, weight);
        }
        const double total = warp_sum(of_lane.total), variance = warp_sum(of_lane.variance);
        const double area = warp_sum(of_lane.area), left_out = warp_sum(of_lane.left_out);
        int bits = of_lane.seen;
        for (int step = 16; step; step >>= 1) bits |= __shfl_down_sync(ALL_LANES, bits, step);
        if (lane_of_thread() == 0) {
            sums[4 * c] = total, sums[4 * c + 1] = variance;
            sums[4 * c + 2] = area, sums[4 * c + 3] = left_out;
            seen[c] = bits;
        }
    }
}

// One thread per shape adds its chunks up, in their order.
extern "C" __global__ void shape_sums(
    const i64 *first_chunk, i64 n, const double *sums, const int *seen, double *out, int *seen_by_shape) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        double of_shape[4] = {0.0, 0.0, 0.0, 0.0};
        int bits = 0;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c) {
            for (int k = 0; k < 4; ++k) of_shape[k] += sums[4 * c + k];
            bits |= seen[c];
        }
        for (int k = 0; k < 4; ++k) out[4 * i + k] = of_shape[k];
        seen_by_shape[i] = bits;
    }
}

// A thread weighs a pixel of a shape's window.
extern "C" __global__ void shape_weights(
    const double *rows, const i64 *boxes, i64 family, i64 samples, i64 n, i64 width, double *out) {
    for (i64 k = global_thread(); k < n * width; k += global_threads()) {
        const i64 i = k / width, j = k % width;
        const shapes::Window w = shapes::window_at(boxes, i);
        double weight = 0.0;
        if (j < w.size()) {
            const i64 across = w.x1 - w.x0;
            const shapes::Shape s = shapes::shape_at((int)family, rows, i);
            weight = shapes::weight_of(s, (int)family, samples, w.y0 + j / across, w.x0 + j % across);
        }
        out[k] = weight;
    }
}
