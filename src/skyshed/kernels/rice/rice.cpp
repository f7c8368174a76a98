// Tiles compressed by RICE_1 on the CPU: a tile's numbers are decoded into room of its own, and those that
// are wanted become pixels of the window.

#include "skyshed/kernels/rice/rice.h"

#include "skyshed/kernels/cpu.h"

namespace rice {
namespace {

i64 decode_any(i64 bytes, const unsigned char *stream, const Tile &tile, i64 blocksize, int *numbers) {
    const auto put = [=](i64 i, int number) { numbers[i] = number; };
    const unsigned char *begin = stream + tile.begin;
    if (bytes == 1) return decode<1>(begin, tile.length, tile.n_pixels, blocksize, put);
    if (bytes == 2) return decode<2>(begin, tile.length, tile.n_pixels, blocksize, put);
    return decode<4>(begin, tile.length, tile.n_pixels, blocksize, put);
}

// What becomes of the numbers of a tile.
template <class Pixel> struct Meaning {
    double scale, zero;
    bool has_blank;
    int blank;
    Pixel blank_pixel;
    int dither, rounding;
    const float *random;
    const i64 *begins;
    i64 seed;

    // The pixels of n numbers, a step apart, from number i of the tile on.
    void plain(const int *__restrict number, i64 step, i64 n, Pixel *__restrict pixel) const {
        const double by = scale, plus = zero;
        const Pixel nothing = blank_pixel;
        const bool some = has_blank;
        const int none = blank;
        const int how = rounding;
        for (i64 x = 0; x < n; ++x) {
            const int value = number[x * step];
            const Pixel found = Pixel(scaled(value, by, plus, how));
            pixel[x] = some && value == none ? nothing : found;
        }
    }

    void dithered(const int *__restrict number, i64 step, i64 i, i64 n, Pixel *__restrict pixel) const {
        const double by = scale, plus = zero;
        const Pixel nothing = blank_pixel;
        const bool some = has_blank, zeros = dither == DITHER_2;
        const int none = blank;
        if (step != 1) {
            for (i64 x = 0; x < n; ++x) {
                const int value = number[x * step];
                const float shift = random[random_of(begins, seed, i + x * step).index];
                const Pixel found = Pixel(undithered(value, shift, by, plus, zeros));
                pixel[x] = some && value == none ? nothing : found;
            }
            return;
        }
        for (i64 done = 0; done < n;) {
            const Random from = random_of(begins, seed, i + done);
            const i64 length = min(from.left, n - done);
            const float *__restrict shift = random + from.index;
            const int *__restrict of = number + done;
            Pixel *__restrict to = pixel + done;
            for (i64 x = 0; x < length; ++x) {
                const int value = of[x];
                const Pixel found = Pixel(undithered(value, shift[x], by, plus, zeros));
                to[x] = some && value == none ? nothing : found;
            }
            done += length;
        }
    }
};

// Whole numbers that do not fit lose their upper bits, as in NumPy.
template <class Pixel>
void whole(const int *number, i64 step, i64 n, bool has_blank, int blank, Pixel blank_pixel, Pixel *pixel) {
    for (i64 x = 0; x < n; ++x) {
        const int value = number[x * step];
        pixel[x] = has_blank && value == blank ? blank_pixel : Pixel(value);
    }
}

constexpr bool is_whole(float) { return false; }
constexpr bool is_whole(double) { return false; }
template <class Pixel> constexpr bool is_whole(Pixel) { return true; }

// Decodes tiles k0 to k1 into the window, whose rows have nx pixels. No tile has more than `most` pixels.
template <class Pixel>
i64 decode_tiles(
    const unsigned char *stream, const i64 *tiles, const double *scale, const double *zero,
    const i64 *blank, i64 blank_pixel, i64 bytes, i64 blocksize, i64 dither, i64 rounding,
    const float *random, const i64 *begins, i64 most, i64 nx, Pixel *window, int *state, i64 k0, i64 k1) {
    Scratch<int> numbers(most);
    if (!numbers) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const Tile tile = tile_of(tiles, k);
        state[k] = int(decode_any(bytes, stream, tile, blocksize, numbers.begin()));
        if (state[k] != SOUND) continue;
        const bool has_blank = blank[k] >= -2147483648LL && blank[k] <= 2147483647LL;
        const int none = has_blank ? int(blank[k]) : 0;
        const i64 n = tile.x1 - tile.x0;
        for (i64 y = tile.y0; y < tile.y1; ++y) {
            const i64 i = tile.first + (y - tile.y0) * tile.step_y;
            Pixel *row = window + y * nx + tile.x0;
            const int *from = numbers.begin() + i;
            if constexpr (is_whole(Pixel())) {
                whole(from, tile.step_x, n, has_blank, none, Pixel(blank_pixel), row);
            } else {
                const Meaning<Pixel> meaning = {
                    scale[k], zero[k], has_blank, none, Pixel(NAN_VALUE), int(dither), int(rounding),
                    random, begins, tile.seed};
                if (dither == NO_DITHER) meaning.plain(from, tile.step_x, n, row);
                else meaning.dithered(from, tile.step_x, i, n, row);
            }
        }
    }
    return 0;
}

SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<unsigned char>);
SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<short>);
SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<int>);
SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<i64>);
SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<float>);
SKYSHED_KERNEL("rice.decode_tiles", decode_tiles<double>);

}  // namespace
}  // namespace rice
