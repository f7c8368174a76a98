// Windowed centroids: a block of threads moves the window of one source until it rests.
//
// Warps share the tiles of the square that holds the window. In a tile a lane has a column, and the
// weights of it and of one row; the rows' weights go round by shuffles.

#include "skyshed/kernels/centroids/windowed.h"

using namespace centroids;

// Up to this width of its square a window is done by one warp, else by MANY threads.
#define SMALL 64
#define MANY 256

// The moments of an image, or of its squares, in a tile of a window's box; valid in lane 0.
__device__ inline Moments moments_of_tile(
    const apertures::Field<REAL> &f, const REAL *image, bool squared, int label, const Window &w, i64 top,
    i64 left) {
    const Box &box = w.box;
    const int lane = lane_of_thread();
    const i64 row = top + lane, column = left + lane;
    const double dx = double(column) - w.centre.x, own = double(row) - w.centre.y;
    const double of_own = weight_of(own * own * w.slope);
    const int rows = (int)min(i64(TILE), box.height() - top);
    const bool within = column < box.width();
    Column sums = {};
    for (int k = 0; k < rows; ++k) {
        const double dy = double(top + k) - w.centre.y, of_row = __shfl_sync(ALL_LANES, of_own, k);
        i64 p;
        if (within && dx * dx + dy * dy <= w.square &&
            apertures::taken(f, box, label, box.y0 + top + k, box.x0 + column, p) == apertures::FROM) {
            double value = image[p];
            if (squared) value *= value;
            sums.add(value, of_row, dy);
        }
    }
    Moments m = {};
    if (within) m = moments_of(sums, weight_of(dx * dx * w.slope), dx);
    return {warp_sum(m.total), warp_sum(m.x), warp_sum(m.y),
            warp_sum(m.xx), warp_sum(m.yy), warp_sum(m.xy)};
}

// Those of a window; the same in all threads. Each warp has a tile at a time.
__device__ inline Moments moments_in(
    const apertures::Field<REAL> &f, const REAL *image, bool squared, int label, const Window &w,
    Moments *of_warp) {
    const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const i64 across = (w.box.width() + TILE - 1) / TILE;
    const i64 tiles = across * ((w.box.height() + TILE - 1) / TILE);
    Moments sums = {};
    for (i64 first = 0; first < tiles; first += warps) {
        const i64 tile = first + warp;
        Moments m = {};
        if (tile < tiles)
            m = moments_of_tile(
                f, image, squared, label, w, tile / across * TILE, tile % across * TILE);
        __syncthreads();  // the last sums have been read
        if (lane_of_thread() == 0) of_warp[warp] = m;
        __syncthreads();
        for (int k = 0; k < min(i64(warps), tiles - first); ++k) add(sums, of_warp[k]);
    }
    return sums;
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
        return m.first();
    }
    __device__ Second second(const Window &w) const { return m.second(); }
    __device__ Second errors(const Window &w) {
        m = moments_in(f, error, true, label, w, of_warp);
        return m.second();
    }
};

// A block per source, for those whose square is large or is not.
extern "C" __global__ void search_windows(
    const REAL *data, const REAL *error, const int *labels, const bool *mask, const i64 *where,
    const int *label, const double *windows, const double *ellipses, const double *plain, i64 n,
    bool large, double *centre, double *covariance, double *light, bool *fallback, bool *beyond) {
    __shared__ Moments of_warp[MANY / 32];
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const apertures::Field<REAL> f = apertures::field_of(data, labels, mask, where, i);
        const double *window = windows + 3 * i;
        const i64 reach = reach_of(f.at, window[2]);
        if ((2 * reach + 1 > SMALL) != large) continue;
        Found found;
        bool left = false;
        Sums sums = {f, error, label[i], of_warp, {}};
        const bool holds =
            reach >= 0 && search(sums, f.at, error, window, ellipses + 3 * i, reach, found, left);
        if (threadIdx.x) continue;
        fallback[i] = !holds;
        beyond[i] = left;
        write(holds, found, window, plain + 3 * i, centre + 2 * i, covariance + 3 * i, light + 4 * i);
    }
}
