// Pixels of annuli: a warp does an annulus, 32 pixels of an image row at a time. Which lanes have
// found a pixel says where each writes, so that the values lie in the order of the image.

// The indices 0, ..., n - 1 within reach of middle: begin and end.
__device__ inline void between(double middle, double reach, i64 n, i64 &begin, i64 &end) {
    begin = (i64)min(max(floor(middle - reach), 0.0), (double)n);
    end = (i64)min(max(ceil(middle + reach) + 1.0, (double)begin), (double)n);
}

extern "C" __global__ void gather_annuli(
    const REAL *data, const bool *mask, i64 ny, i64 nx, const double *centers, double inner,
    double outer, i64 n, i64 width, REAL *out) {
    const int lane = lane_of_thread();
    for (i64 a = global_warp(); a < n; a += global_warps()) {
        const double x = centers[2 * a], y = centers[2 * a + 1];
        REAL *row = out + a * width;
        i64 count = 0, y0, y1;
        between(y, outer, ny, y0, y1);
        for (i64 j = y0; j < y1; ++j) {
            const double dy2 = (j - y) * (j - y);
            i64 x0, x1;
            between(x, sqrt(max(outer * outer - dy2, 0.0)), nx, x0, x1);
            for (i64 first = x0; first < x1; first += 32) {
                const i64 i = first + lane;
                bool found = false;
                REAL value = 0;
                if (i < x1) {
                    const double distance2 = (i - x) * (i - x) + dy2;
                    const i64 p = j * nx + i;
                    if (inner * inner <= distance2 && distance2 < outer * outer) {
                        value = data[p];
                        found = value - value == 0 && !(mask && mask[p]);
                    }
                }
                const unsigned who = __ballot_sync(ALL_LANES, found);
                if (found) row[count + __popc(who & ((1u << lane) - 1))] = value;
                count += __popc(who);
            }
        }
        for (i64 k = count + lane; k < width; k += 32) row[k] = (REAL)NAN_VALUE;
    }
}
