// Pixels of annuli: a warp does an annulus, 32 pixels of an image row at a time. Which lanes have
// found a pixel says where each writes, so that the values lie in the order of the image.

#include "skyshed/kernels/annuli/annuli.h"

extern "C" __global__ void gather_annuli(
    const REAL *data, const bool *mask, i64 ny, i64 nx, const double *centers, double inner,
    double outer, i64 n, i64 width, REAL *out) {
    const int lane = lane_of_thread();
    for (i64 a = global_warp(); a < n; a += global_warps()) {
        const annuli::Annulus annulus = {centers[2 * a], centers[2 * a + 1], inner, outer};
        REAL *row = out + a * width;
        i64 count = 0;
        const annuli::Between rows = annulus.rows(ny);
        for (i64 j = rows.begin; j < rows.end; ++j) {
            const double distance2 = annulus.distance2(j);
            const annuli::Between columns = annulus.columns(j, nx);
            for (i64 first = columns.begin; first < columns.end; first += 32) {
                const i64 i = first + lane;
                bool found = false;
                REAL value = 0;
                if (i < columns.end && annulus.holds(i, distance2)) {
                    value = data[j * nx + i];
                    found = annuli::good(value) && !(mask && mask[j * nx + i]);
                }
                const unsigned who = __ballot_sync(ALL_LANES, found);
                if (found) row[count + __popc(who & ((1u << lane) - 1))] = value;
                count += __popc(who);
            }
        }
        for (i64 k = count + lane; k < width; k += 32) row[k] = (REAL)NAN_VALUE;
    }
}
