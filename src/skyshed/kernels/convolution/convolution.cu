// Convolution over missing pixels: one read and one write of the image.
//
// A block loads a tile and its margin into shared memory, as float64, missing pixels as NaN.
// Kernels of rank one are applied as a row, then a column. Weights are formed only in tiles where a
// pixel is missing. All sums run in the order of the CPU twin's, so that the bits are the same:
// four terms at a time, along a row of the kernel, then from row to row.

// Columns of a tile: the lanes of a warp.
#define WIDTH 32

#include "skyshed/kernels/convolution/convolution.h"

using convolution::AS_IS;
using convolution::MISSING_IS_ZERO;
using convolution::WEIGHT;
using convolution::add_terms;
using convolution::place;
using convolution::read;
using convolution::Rule;

typedef convolution::Image<REAL> Image;

// Where nothing is outside, there is no result where the kernel reaches there.
__device__ inline bool reaches_outside(const Image &image, i64 y, i64 x, int ky, int kx) {
    return image.reaches_outside(y, image.ny, ky) || image.reaches_outside(x, image.nx, kx);
}

// Shared memory of a block: the kernel; which rows and columns of the image the tile with its
// margin consists of, -1 outside; its values; and for kernels of rank one a sum per row and column
// of the tile.
struct Tile {
    double *taps, *values, *sums;
    i64 *rows_at, *columns_at;
    int height, ky, kx;
    __device__ int rows() const { return height + ky - 1; }
    __device__ int columns() const { return WIDTH + kx - 1; }
};

// Loads a tile whose first result is (y0, x0); whether a pixel is missing, for all threads.
__device__ inline bool load(const Image &image, const Tile &tile, i64 y0, i64 x0) {
    y0 -= tile.ky / 2, x0 -= tile.kx / 2;
    for (int i = threadIdx.x; i < tile.rows() + tile.columns(); i += blockDim.x)
        tile.rows_at[i] = i < tile.rows()
                              ? place(y0 + i, image.ny, image.boundary)
                              : place(x0 + i - tile.rows(), image.nx, image.boundary);
    __syncthreads();
    bool missing = false;
    for (int r = threadIdx.x / WIDTH; r < tile.rows(); r += blockDim.x / WIDTH) {
        const i64 y = tile.rows_at[r];
        for (int c = threadIdx.x % WIDTH; c < tile.columns(); c += WIDTH) {
            const i64 x = tile.columns_at[c];
            const double value = y < 0 || x < 0 ? image.fill : image.pixel(y * image.nx + x);
            tile.values[r * tile.columns() + c] = value;
            missing |= value != value;
        }
    }
    return __syncthreads_or(missing);
}

// Sums along the kernel's row, for each row of the tile.
template <int reading> __device__ inline void sum_rows(const Tile &tile, const double *row) {
    for (int r = threadIdx.x / WIDTH; r < tile.rows(); r += blockDim.x / WIDTH) {
        const int c = threadIdx.x % WIDTH;
        const double *line = tile.values + r * tile.columns() + c;
        tile.sums[r * WIDTH + c] =
            add_terms(0.0, tile.kx, [=](int j) { return row[j] * read<reading>(line[j]); });
    }
    __syncthreads();
}

// The weighted sum at row r and column c of the tile.
template <bool separable, int reading>
__device__ inline double weigh(const Tile &tile, int r, int c) {
    const double *taps = tile.taps;
    if (separable) {
        const double *line = tile.sums + r * WIDTH + c;
        return add_terms(0.0, tile.ky, [=](int i) { return taps[i] * line[i * WIDTH]; });
    }
    double total = 0.0;
    for (int i = 0; i < tile.ky; ++i, taps += tile.kx) {
        const double *line = tile.values + (r + i) * tile.columns() + c;
        total = add_terms(
            total, tile.kx, [=](int j) { return taps[j] * read<reading>(line[j]); });
    }
    return total;
}

// Where a tile's pixels are replaced, not left out: the fill value for the missing.
__device__ inline void fill_missing(const Tile &tile, double fill) {
    for (int i = threadIdx.x; i < tile.rows() * tile.columns(); i += blockDim.x)
        if (tile.values[i] != tile.values[i]) tile.values[i] = fill;
    __syncthreads();
}

// The results of a tile. They are kept as sums until weights are known, for which the sums' memory
// is used again.
template <bool separable, bool weighted>
__device__ inline void convolve_tile(
    const Image &image, const Tile &tile, const Rule &rule, i64 y0, i64 x0, REAL *out, u64 &empty) {
    const int c = threadIdx.x % WIDTH, step = blockDim.x / WIDTH;
    const int first = threadIdx.x / WIDTH, middle = (tile.ky / 2) * tile.columns() + tile.kx / 2;
    double total[4];  // a tile has at most four rows per warp
    if (separable) sum_rows<weighted ? MISSING_IS_ZERO : AS_IS>(tile, tile.taps + tile.ky);
#pragma unroll
    for (int k = 0; k < 4; ++k)
        if (first + k * step < tile.height)
            total[k] = weigh<separable, weighted ? MISSING_IS_ZERO : AS_IS>(
                tile, first + k * step, c);
    if (separable && weighted) {
        __syncthreads();
        sum_rows<WEIGHT>(tile, tile.taps + tile.ky);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        const int r = first + k * step;
        const i64 y = y0 + r, x = x0 + c;
        if (r >= tile.height || y >= image.ny || x >= image.nx) continue;
        if (reaches_outside(image, y, x, tile.ky, tile.kx)) {
            const i64 p = y * image.nx + x;
            out[p] = (REAL)rule.kept(0.0, image.pixel(p));
        } else if (weighted) {
            const double weight = weigh<separable, WEIGHT>(tile, r, c);
            const double value = tile.values[r * tile.columns() + c + middle];
            out[y * image.nx + x] = (REAL)rule.finish(total[k], weight, value, empty);
        } else {
            // Missing pixels were replaced: the image knows which.
            const i64 p = y * image.nx + x;
            const double value = rule.preserve_nan && !rule.interpolate ? image.pixel(p) : 0.0;
            out[p] = (REAL)rule.kept(total[k], value);
        }
    }
}

// The image of a stack, each of which follows the last in memory.
__device__ inline Image image_of_stack(Image first, i64 number) {
    const i64 before = number * first.ny * first.nx;
    first.data += before;
    if (first.mask) first.mask += before;
    return first;
}

template <bool separable>
__device__ inline void convolve_tiles(
    const Image &stack, i64 images, Tile tile, const Rule &rule, const double *taps, REAL *out, u64 *n_empty) {
    DYNAMIC_SHARED(double, shared);
    const int n_taps = separable ? tile.ky + tile.kx : tile.ky * tile.kx;
    tile.taps = shared;
    tile.rows_at = (i64 *)(shared + n_taps);
    tile.columns_at = tile.rows_at + tile.rows();
    tile.values = (double *)(tile.columns_at + tile.columns());
    tile.sums = tile.values + tile.rows() * tile.columns();
    for (int i = threadIdx.x; i < n_taps; i += blockDim.x) tile.taps[i] = taps[i];
    const i64 across = (stack.nx + WIDTH - 1) / WIDTH;
    const i64 down = (stack.ny + tile.height - 1) / tile.height;
    u64 empty = 0;
    for (i64 t = blockIdx.x; t < images * across * down; t += gridDim.x) {
        const i64 line = t / across, number = line / down, row = line - number * down;
        const i64 y0 = row * tile.height, x0 = (t - line * across) * WIDTH;
        const Image image = image_of_stack(stack, number);
        REAL *const to = out + number * stack.ny * stack.nx;
        const bool missing = load(image, tile, y0, x0);
        if (missing && !rule.interpolate) fill_missing(tile, stack.fill);
        if (missing && rule.interpolate)
            convolve_tile<separable, true>(image, tile, rule, y0, x0, to, empty);
        else
            convolve_tile<separable, false>(image, tile, rule, y0, x0, to, empty);
        __syncthreads();
    }
    if (empty) atomicAdd(n_empty, empty);
}

// taps: the column, then the row. A tile has at most four rows per warp of its block.
extern "C" __global__ void __launch_bounds__(256) convolve_separable(
    const REAL *data, const bool *mask, i64 images, i64 ny, i64 nx, int boundary, double fill,
    const double *taps, int ky, int kx, int height, bool interpolate, bool preserve_nan,
    double scale, double whole, REAL *out, u64 *n_empty) {
    const Tile tile = {nullptr, nullptr, nullptr, nullptr, nullptr, height, ky, kx};
    convolve_tiles<true>(
        {data, mask, ny, nx, boundary, fill}, images, tile, {scale, whole, interpolate, preserve_nan}, taps,
        out, n_empty);
}

// taps: the kernel, row by row.
extern "C" __global__ void __launch_bounds__(256) convolve_direct(
    const REAL *data, const bool *mask, i64 images, i64 ny, i64 nx, int boundary, double fill,
    const double *taps, int ky, int kx, int height, bool interpolate, bool preserve_nan,
    double scale, double whole, REAL *out, u64 *n_empty) {
    const Tile tile = {nullptr, nullptr, nullptr, nullptr, nullptr, height, ky, kx};
    convolve_tiles<false>(
        {data, mask, ny, nx, boundary, fill}, images, tile, {scale, whole, interpolate, preserve_nan}, taps,
        out, n_empty);
}

// What a kernel too large for a tile sums at (y, x), read from the image itself.
template <class Read>
__device__ inline double weigh_far(
    const Image &image, const double *taps, int ky, int kx, bool separable, i64 y, i64 x, Read as) {
    const auto along = [&](int i, const double *row, double total) {
        const i64 from = place(y - ky / 2 + i, image.ny, image.boundary);
        return add_terms(total, kx, [&](int j) {
            const i64 at = place(x - kx / 2 + j, image.nx, image.boundary);
            const bool beyond = from < 0 || at < 0;
            return row[j] * as(beyond ? image.fill : image.pixel(from * image.nx + at));
        });
    };
    if (separable)
        return add_terms(0.0, ky, [&](int i) { return taps[i] * along(i, taps + ky, 0.0); });
    double total = 0.0;
    for (int i = 0; i < ky; ++i) total = along(i, taps + (i64)i * kx, total);
    return total;
}

// Kernels of any size: a thread per pixel, the image read from the caches.
extern "C" __global__ void convolve_far(
    const REAL *data, const bool *mask, i64 images, i64 ny, i64 nx, int boundary, double fill,
    const double *taps, int ky, int kx, bool separable, bool interpolate, bool preserve_nan,
    double scale, double whole, REAL *out, u64 *n_empty) {
    const Image stack = {data, mask, ny, nx, boundary, fill};
    const Rule rule = {scale, whole, interpolate, preserve_nan};
    const double instead = interpolate ? 0.0 : fill;
    u64 empty = 0;
    for (i64 at = global_thread(); at < images * ny * nx; at += global_threads()) {
        const i64 number = at / (ny * nx), p = at - number * ny * nx, y = p / nx, x = p - y * nx;
        const Image image = image_of_stack(stack, number);
        if (reaches_outside(image, y, x, ky, kx)) {
            out[at] = (REAL)rule.kept(0.0, image.pixel(p));
            continue;
        }
        const double total = weigh_far(
            image, taps, ky, kx, separable, y, x,
            [=](double v) { return v != v ? instead : v; });
        double weight = whole;
        if (interpolate)
            weight = weigh_far(
                image, taps, ky, kx, separable, y, x, [](double v) { return read<WEIGHT>(v); });
        out[at] = (REAL)rule.finish(total, weight, image.pixel(p), empty);
    }
    if (empty) atomicAdd(n_empty, empty);
}
