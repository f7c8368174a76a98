// Errors of the centres of mass: moments of the pixels' variances, over the chunks of each source.

#define PIXEL_VARIANCE (1.0 / 12.0)

struct Covariance {
    double xx, yy, xy;
};

// The variance along each principal axis raised to `least`; the axes stay.
__device__ inline Covariance floored(Covariance c, double least) {
    const double half = 0.5 * (c.xx + c.yy), root = hypot(0.5 * (c.xx - c.yy), c.xy);
    const double large = half + root;
    const double small = half > 0.0 ? (c.xx * c.yy - c.xy * c.xy) / large : half - root;
    if (large < least) return {least, least, 0.0};
    if (!(small < least && isfinite(small) && isfinite(large))) return c;
    // (large - C) / (large - small) projects on the minor axis.
    const double lift = (least - small) / (large - small);
    return {c.xx + lift * (large - c.xx), c.yy + lift * (large - c.yy), c.xy - lift * c.xy};
}

// A warp adds up a chunk: the variances, and their moments xx, yy and xy about the centre that the
// 16 moments of the source have.
extern "C" __global__ void variances_of_chunks(
    const i64 *pixel, const i64 *start, const i64 *first_chunk, i64 n, const i64 *bbox, i64 nx,
    const REAL *error, const REAL *image, const bool *mask, const double *moments,
    double *partial) {
    for (i64 c = global_warp(); c < first_chunk[n]; c += global_warps()) {
        const Chunk chunk = chunk_of_warp(c, start, first_chunk, n);
        const i64 y0 = bbox[4 * chunk.source], x0 = bbox[4 * chunk.source + 2];
        const double *m = moments + 16 * chunk.source;
        const double ycen = m[4] / m[0], xcen = m[1] / m[0];
        double sums[4] = {};
        for (i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32) {
            const i64 p = pixel[j];
            if ((mask && mask[p]) || !(image[p] > 0 && image[p] < INF_VALUE)) continue;
            const i64 row = p / nx;
            const double dy = double(row - y0) - ycen, dx = double(p - row * nx - x0) - xcen;
            double variance = error[p];
            variance *= variance;
            sums[0] += variance;
            sums[1] += variance * dx * dx;
            sums[2] += variance * dy * dy;
            sums[3] += variance * dx * dy;
        }
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const double sum = warp_sum(sums[k]);
            if (lane_of_thread() == 0) partial[4 * c + k] = sum;
        }
    }
}

// A thread per source adds its chunks up, in their order.
extern "C" __global__ void covariances_of_sources(
    const i64 *first_chunk, i64 n, const double *partial, const double *moments,
    double *covariance) {
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        double sums[4] = {};
        for (i64 c = first_chunk[i]; c < first_chunk[i + 1]; ++c)
#pragma unroll
            for (int k = 0; k < 4; ++k) sums[k] += partial[4 * c + k];
        const double flux = moments[16 * i], norm = 1.0 / (flux * flux);
        Covariance of = {NAN_VALUE, NAN_VALUE, NAN_VALUE};
        if (flux > 0.0 && flux < INF_VALUE)
            of = floored(
                {sums[1] * norm, sums[2] * norm, sums[3] * norm}, sums[0] * PIXEL_VARIANCE * norm);
        covariance[3 * i] = of.xx, covariance[3 * i + 1] = of.yy, covariance[3 * i + 2] = of.xy;
    }
}
