// Windowed centroids: a block of threads moves the window of one source until it rests.
//
// Warps share the tiles of 32 x 32 pixels of the square that holds the window. In a tile a lane has
// a column and the weights of it and of one row; the rows' weights go round by shuffles.

#include "../apertures/pixels.cuh"

// Up to this width of its square a window is done by one warp, else by MANY threads.
#define SMALL 64
#define MANY 256
// The contract says what for.
#define RADIUS 4.0
#define STRIDE 2.0
#define PRECISION 1e-4
#define STEPS 16
#define PIXEL_VARIANCE (1.0 / 12.0)

// Weighted sums of the values of a window: of themselves, times x, y, xx, yy and xy.
struct Moments {
    double of[6];
};

// How far the square about a window's pixel reaches; -1 where it is too large, or there is none.
__device__ inline i64 reach_of(const Field &f, double sigma) {
    const double reach = floor(RADIUS * sigma + 1.5), side = 2 * reach + 1;
    const double most = max((double)f.whole_ny * (double)f.whole_nx, (double)f.largest_box);
    return side * side <= most ? (i64)reach : -1;
}

// The square clipped to the image. (x, y) becomes its place from the first pixel of the box. Notes
// whether the whole image has pixels of the square that the frame has not.
__device__ inline Box square_about(
    const Field &f, i64 reach, double &x, double &y, bool &beyond) {
    if (!(fabs(x) <= f.whole_nx + reach + 1 && fabs(y) <= f.whole_ny + reach + 1))
        return {0, 0, 0, 0, 0, 0};
    const i64 row = (i64)(y + 0.5), column = (i64)(x + 0.5);
    const i64 y0 = max(0LL, row - reach), x0 = max(0LL, column - reach);
    const i64 y1 = min(f.whole_ny, row + reach + 1), x1 = min(f.whole_nx, column + reach + 1);
    y -= y0, x -= x0;
    Box box;
    box.my = 2 * (y0 + (i64)(y + 0.5) - f.y0);
    box.mx = 2 * (x0 + (i64)(x + 0.5) - f.x0);
    box.y0 = max(y0 - f.y0, 0LL), box.y1 = min(y1 - f.y0, f.ny);
    box.x0 = max(x0 - f.x0, 0LL), box.x1 = min(x1 - f.x0, f.nx);
    const bool clipped = box.y0 + f.y0 > y0 || box.y1 + f.y0 < y1 || box.x0 + f.x0 > x0 ||
                         box.x1 + f.x0 < x1;
    beyond |= clipped && y0 < y1 && x0 < x1;
    y -= box.y0 + f.y0 - y0, x -= box.x0 + f.x0 - x0;
    return box;
}

// The moments of an image, or of its squares, in the window about (x, y) of the box, with weights
// exp(slope r^2) where r^2 is at most `square`; the same in all threads.
__device__ inline Moments moments_in(
    const Field &f, const REAL *image, bool squared, int label, const Box &box, double x, double y,
    double square, double slope, Moments *of_warp) {
    const int lane = lane_of_thread(), warps = blockDim.x / 32;
    const int width = (int)box.width(), height = (int)(box.y1 - box.y0);
    const int across = (width + 31) / 32, tiles = across * ((height + 31) / 32);
    Moments m = {};
    for (int tile = threadIdx.x / 32; tile < tiles; tile += warps) {
        const int top = tile / across * 32, column = tile % across * 32 + lane;
        const double dx = column - x, of_column = exp(dx * dx * slope);
        const double own = top + lane - y, of_own = exp(own * own * slope);
        for (int k = 0; k < min(32, height - top); ++k) {
            const double dy = top + k - y, of_row = __shfl_sync(ALL_LANES, of_own, k);
            i64 p;
            if (column < width && dx * dx + dy * dy <= square &&
                taken(f, box, label, box.y0 + top + k, box.x0 + column, p) == FROM) {
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

// Searches one centroid: its place, and the three of its covariance. Returns whether it holds.
__device__ inline bool search(
    const Field &f, const REAL *error, int label, const double *window, const double *ellipse,
    i64 reach, double *place, bool &beyond, Moments *of_warp) {
    const double sigma = window[2];
    const double slope = -1.0 / (2.0 * sigma * sigma), square = (RADIUS * sigma) * (RADIUS * sigma);
    double x = window[0], y = window[1], at_x = 0.0, at_y = 0.0, dx = 0.0, dy = 0.0;
    double flux = 0.0, off = 2 * PRECISION;
    Box box = {0, 0, 0, 0, 0, 0};
    Moments m = {};
    for (int step = 0; step < STEPS && off > PRECISION; ++step) {
        at_x = x, at_y = y;
        box = square_about(f, reach, at_x, at_y, beyond);
        if (box.empty()) return false;
        m = moments_in(f, f.data, false, label, box, at_x, at_y, square, slope, of_warp);
        flux = m.of[0], dx = m.of[1] / flux, dy = m.of[2] / flux;
        off = sqrt(dx * dx + dy * dy);
        x += STRIDE * dx, y += STRIDE * dy;
    }
    if (!(flux > 0.0) || isnan(x + y)) return false;
    if (isfinite(flux)) {
        const double xx = m.of[3] / flux - dx * dx, yy = m.of[4] / flux - dy * dy;
        const double xy = m.of[5] / flux - dx * dy;
        if (xx < 0.0 || yy < 0.0 || xx * yy - xy * xy < 0.0) return false;
    }
    place[0] = x, place[1] = y;
    dx = window[0] - x, dy = window[1] - y;
    const double outside = ellipse[0] * (dx * dx) + ellipse[1] * dx * dy + ellipse[2] * (dy * dy);
    if (outside > 1.0 && dx * dx > 1.0 && dy * dy > 1.0) return false;
    if (error && isfinite(flux)) {
        // The squares of the weights are those of a window that is narrower by sqrt(2).
        m = moments_in(f, error, true, label, box, at_x, at_y, square, 2.0 * slope, of_warp);
        const double norm = STRIDE * STRIDE / (flux * flux);
        const double least = m.of[0] * PIXEL_VARIANCE * norm;
        place[2] = m.of[3] * norm + least, place[3] = m.of[4] * norm + least;
        place[4] = m.of[5] * norm;
    }
    return true;
}

// A block per source, for those whose square is large or is not.
extern "C" __global__ void search_windows(
    const REAL *data, const REAL *error, const int *labels, const bool *mask, const i64 *where,
    const int *label, const double *windows, const double *ellipses, const double *plain, i64 n,
    bool large, double *centre, double *covariance, bool *fallback, bool *beyond) {
    __shared__ Moments of_warp[MANY / 32];
    const Field f = field_of(data, labels, mask, where);
    for (i64 i = blockIdx.x; i < n; i += gridDim.x) {
        const double *window = windows + 3 * i;
        const i64 reach = reach_of(f, window[2]);
        if ((2 * reach + 1 > SMALL) != large) continue;
        double place[] = {NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE};
        bool left = false;
        const bool holds = reach >= 0 && search(
            f, error, label[i], window, ellipses + 3 * i, reach, place, left, of_warp);
        if (threadIdx.x) continue;
        fallback[i] = !holds;
        beyond[i] = left;
        const bool known = !isnan(window[2]);
        for (int k = 0; k < 2; ++k)
            centre[2 * i + k] = holds ? place[k] : known ? window[k] : NAN_VALUE;
        for (int k = 0; k < 3; ++k)
            covariance[3 * i + k] = holds ? place[2 + k] : known ? plain[3 * i + k] : NAN_VALUE;
    }
}
