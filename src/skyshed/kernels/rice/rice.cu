// Tiles compressed by RICE_1 on the GPU: one thread decodes a tile's numbers, as each follows from the one
// before; then one block lays those that are wanted in the window.

#include "skyshed/kernels/rice/rice.h"

// Where the numbers of tile k begin is first[k].
extern "C" __global__ void decode_numbers(
    const unsigned char *stream, const i64 *tiles, const i64 *first, i64 n, int bytes, i64 blocksize,
    int *numbers, int *state) {
    for (i64 k = global_thread(); k < n; k += global_threads()) {
        const rice::Tile tile = rice::tile_of(tiles, k);
        const unsigned char *begin = stream + tile.begin;
        int *room = numbers + first[k];
        const auto put = [=](i64 i, int number) { room[i] = number; };
        if (bytes == 1) state[k] = rice::decode<1>(begin, tile.length, tile.n_pixels, blocksize, put);
        else if (bytes == 2) state[k] = rice::decode<2>(begin, tile.length, tile.n_pixels, blocksize, put);
        else state[k] = rice::decode<4>(begin, tile.length, tile.n_pixels, blocksize, put);
    }
}

// Calls put(p, number, i, k) for pixel p of the window, which number i of tile k becomes.
template <class Put>
__device__ inline void place(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, i64 nx, Put put) {
    for (i64 k = blockIdx.x; k < n; k += gridDim.x) {
        if (state[k] != rice::SOUND) continue;
        const rice::Tile tile = rice::tile_of(tiles, k);
        const i64 width = tile.x1 - tile.x0, size = (tile.y1 - tile.y0) * width;
        for (i64 p = threadIdx.x; p < size; p += blockDim.x) {
            const i64 y = p / width, x = p - y * width;
            const i64 i = tile.first + y * tile.step_y + x * tile.step_x;
            put((tile.y0 + y) * nx + tile.x0 + x, numbers[first[k] + i], i, k);
        }
    }
}

// Whole numbers that do not fit lose their upper bits.
extern "C" __global__ void place_uint8(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, const i64 *blank,
    i64 blank_pixel, i64 nx, unsigned char *window) {
    place(tiles, first, n, numbers, state, nx, [=](i64 p, int number, i64, i64 k) {
        const i64 value = number == blank[k] ? blank_pixel : number;
        window[p] = (unsigned char)(value & 0xff);
    });
}

extern "C" __global__ void place_int16(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, const i64 *blank,
    i64 blank_pixel, i64 nx, short *window) {
    place(tiles, first, n, numbers, state, nx, [=](i64 p, int number, i64, i64 k) {
        const i64 value = number == blank[k] ? blank_pixel : number;
        window[p] = (short)(((value & 0xffff) ^ 0x8000) - 0x8000);
    });
}

extern "C" __global__ void place_int32(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, const i64 *blank,
    i64 blank_pixel, i64 nx, int *window) {
    place(tiles, first, n, numbers, state, nx, [=](i64 p, int number, i64, i64 k) {
        window[p] = number == blank[k] ? (int)blank_pixel : number;
    });
}

extern "C" __global__ void place_int64(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, const i64 *blank,
    i64 blank_pixel, i64 nx, i64 *window) {
    place(tiles, first, n, numbers, state, nx, [=](i64 p, int number, i64, i64 k) {
        window[p] = number == blank[k] ? blank_pixel : number;
    });
}

// Pixels that are floats: REAL.
extern "C" __global__ void place_real(
    const i64 *tiles, const i64 *first, i64 n, const int *numbers, const int *state, const i64 *blank,
    const double *scale, const double *zero, int dither, int rounding, const float *random,
    const i64 *begins, i64 nx, REAL *window) {
    place(tiles, first, n, numbers, state, nx, [=](i64 p, int number, i64 i, i64 k) {
        double value;
        if (number == blank[k]) {
            value = NAN_VALUE;
        } else if (dither == rice::NO_DITHER) {
            value = rice::scaled(number, scale[k], zero[k], rounding);
        } else {
            const i64 seed = rice::tile_of(tiles, k).seed;
            const float shift = random[rice::random_of(begins, seed, i).index];
            value = rice::undithered(number, shift, scale[k], zero[k], dither == rice::DITHER_2);
        }
        window[p] = (REAL)value;
    });
}
