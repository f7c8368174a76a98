// Windowed centroids: a block of threads moves the window of one source until it rests.
//
// Warps share the tiles of 32 x 32 pixels of the square that holds the window. In a tile a lane has
// a column and the weights of it and of one row; the rows' weights go round by shuffles.

#include "skyshed/kernels/centroids/windowed.h"

using namespace centroids;

// Up to this width of its square a window is done by one warp, else by MANY threads.
#define SMALL 64
#define MANY 256

// Weighted sums of the values of a window: of themselves, times x, y, xx, yy and xy.
struct Moments {
    double of[6];
};

// The moments of an image, or of its squares, in a window; the same in all threads.
__device__ inline Moments moments_in(
    const apertures::Field<REAL> &f, const REAL *image, bool squared, int label, const Window &w,
    Moments *of_warp) {
    const Box &box = w.box;
    const double x = w.centre.x, y = w.centre.y;
    const int lane = lane_of_thread(), warps = blockDim.x / 32;
    const int width = (int)box.width(), height = (int)(box.y1 - box.y0);
    const int across = (width + 31) / 32, tiles = across * ((height + 31) / 32);
    Moments m = {};
    for (int tile = threadIdx.x / 32; tile < tiles; tile += warps) {
        const int top = tile / across * 32, column = tile % across * 32 + lane;
        const double dx = column - x, of_column = exp(dx * dx * w.slope);
        const double own = top + lane - y, of_own = exp(own * own * w.slope);
        for (int k = 0; k < min(32, height - top); ++k) {
            const double dy = top + k - y, of_row = __shfl_sync(ALL_LANES, of_own, k);
            i64 p;
            if (column < width && dx * dx + dy * dy <= w.square &&
                apertures::taken(f, box, label, box.y0 + top + k, box.x0 + column, p) ==
                    apertures::FROM) {
                double value = image[p];
                if (squared) value *= value;
                value *= of_column * of_row;
                m.of[0] += value;
                m.of[1] += value * dx;
                m.of[2] += value * dy;
                m.of[3] += value * dx * dx;
                m.of[4] += value * dy * dy;
                m.of[5] += value * dx * dy;
            }
        }
    }
#pragma unroll
    for (int k = 0; k < 6; ++k) m.of[k] = warp_sum(m.of[k]);
    __syncthreads();  // the last sums have been read
    if (lane == 0) of_warp[threadIdx.x / 32] = m;
    __syncthreads();
    m = of_warp[0];
    for (int w = 1; w < warps; ++w)
#pragma unroll
        for (int k = 0; k < 6; ++k) m.of[k] += of_warp[w].of[k];
    return m;
}

// The sums over a source's windows: one visit of the data gives all of them.
struct Sums {
    const apertures::Field<REAL> &f;
    const REAL *error;
    int label;
    Moments *of_warp;
    Moments m;

    __device__ First first(const Window &w) {
        m = moments_in(f, f.data, false, label, w, of_warp);
        return {m.of[0], m.of[1], m.of[2]};
    }
    __device__ Second second(const Window &w) const { return {m.of[0], m.of[3], m.of[4], m.of[5]}; }
    __device__ Second errors(const Window &w) {
        m = moments_in(f, error, true, label, w, of_warp);
        return second(w);
    }
};

// A block per source, for those whose square is large or is not.
extern "C" __global__ void search_windows(
    const REAL *data, const REAL *error, const int *labels, const bool *mask, const i64 *where,
    const int *label, const double *windows, const double *ellipses, const double *plain, i64 n,
    bool large, double *centre, double *covariance, bool *fallback, bool *beyond) {
    __shared__ Moments of_warp[MANY / 32];
    const apertures::Field<REAL> f = apertures::field_of(data, labels, mask, where);
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const double *window = windows + 3 * i;
        const i64 reach = reach_of(f.at, window[2]);
        if ((2 * reach + 1 > SMALL) != large) continue;
        double place[] = {NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE};
        bool left = false;
        Sums sums = {f, error, label[i], of_warp, {}};
        const bool holds =
            reach >= 0 && search(sums, f.at, error, window, ellipses + 3 * i, reach, place, left);
        if (threadIdx.x) continue;
        fallback[i] = !holds;
        beyond[i] = left;
        write(holds, place, window, plain + 3 * i, centre + 2 * i, covariance + 3 * i);
    }
}
