// Image moments of each source, about any point: sums over the chunks of its pixels.

#include "skyshed/kernels/moments/moments.h"

struct Moments {
    double of[16];
};

__device__ inline void add_pixel(Moments &m, double y, double x, double value) {
    double power = value;  // of y, times the value
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        double term = power;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            m.of[4 * i + j] += term;
            term *= x;
        }
        power *= y;
    }
}

// A warp adds up a chunk. about holds 16 moments per source, of which the centroid follows; without
// it the moments are about the corner of the box.
extern "C" __global__ void moments_of_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const i64 *bbox, i64 nx,
    const REAL *image, const bool *mask, const double *about, double *partial) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 y0 = bbox[4 * chunk.source], x0 = bbox[4 * chunk.source + 2];
        const moments::Point center =
            about ? moments::centroid(about + 16 * chunk.source) : moments::corner();
        Moments mine = {};
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            if (mask && mask[p]) continue;
            const double value = moments::counted(image[p]);
            if (value == 0) continue;
            const i64 y = p / nx, x = p - y * nx;
            add_pixel(mine, double(y - y0) - center.y, double(x - x0) - center.x, value);
        }
#pragma unroll
        for (int k = 0; k < 16; ++k) {
            const double sum = warp_sum(mine.of[k]);
            if (lane_of_thread() == 0) partial[16 * c + k] = sum;
        }
    }
}

// One thread per source and moment adds its chunks up, in their order.
extern "C" __global__ void moments_of_sources(
    const i64 *first_chunk, i64 n, const double *partial, const double *about, double *out) {
    for (i64 t = global_thread(); t < n * 16; t += global_threads()) {
        const i64 i = t >> 4, k = t & 15;
        double all = 0.0;
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c) all += partial[16 * c + k];
        const bool defined = !about || moments::has_centroid(about + 16 * i);
        out[t] = defined ? all : moments::undefined(int(k));
    }
}
