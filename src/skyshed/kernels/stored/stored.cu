// Pixels from numbers as they lie in a FITS file, on the GPU: one thread per pixel.

#include "skyshed/kernels/stored/stored.h"

template <class Word> __device__ inline void swap_all(const Word *word, i64 n, bool native, bool turn, Word *out) {
    for (i64 k = global_thread(); k < n; k += global_threads())
        out[k] = stored::turned(stored::in_order(word[k], native), turn);
}

extern "C" __global__ void swap_uint8(const unsigned char *word, i64 n, bool native, bool turn, unsigned char *out) {
    swap_all(word, n, native, turn, out);
}

extern "C" __global__ void swap_int16(const short *word, i64 n, bool native, bool turn, short *out) {
    swap_all(word, n, native, turn, out);
}

extern "C" __global__ void swap_int32(const int *word, i64 n, bool native, bool turn, int *out) {
    swap_all(word, n, native, turn, out);
}

extern "C" __global__ void swap_int64(const i64 *word, i64 n, bool native, bool turn, i64 *out) {
    swap_all(word, n, native, turn, out);
}

template <class Word, class Pixel>
__device__ inline void scale_all(
    const Word *word, i64 n, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    Pixel *pixel, bool *bad) {
    const stored::Scaling<Pixel> scaling = stored::scaling_by<Pixel>(scale, zero);
    for (i64 k = global_thread(); k < n; k += global_threads()) {
        const Word value = stored::in_order(word[k], native);
        Pixel number = scaling.scaled(stored::number_of<Pixel>(value, offset));
        if (has_blank && value == blank) number = (Pixel)NAN_VALUE;
        pixel[k] = number;
        bad[k] = stored::is_bad(number);
    }
}

extern "C" __global__ void scale_uint8(
    const unsigned char *word, i64 n, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    float *pixel, bool *bad) {
    scale_all(word, n, native, offset, scale, zero, has_blank, blank, pixel, bad);
}

extern "C" __global__ void scale_int16(
    const short *word, i64 n, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    float *pixel, bool *bad) {
    scale_all(word, n, native, offset, scale, zero, has_blank, blank, pixel, bad);
}

extern "C" __global__ void scale_int32(
    const int *word, i64 n, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    double *pixel, bool *bad) {
    scale_all(word, n, native, offset, scale, zero, has_blank, blank, pixel, bad);
}

extern "C" __global__ void scale_int64(
    const i64 *word, i64 n, bool native, i64 offset, double scale, double zero, bool has_blank, i64 blank,
    double *pixel, bool *bad) {
    scale_all(word, n, native, offset, scale, zero, has_blank, blank, pixel, bad);
}

template <class Word, class Pixel>
__device__ inline void scale_all_floats(
    const Word *word, i64 n, bool native, double scale, double zero, Pixel *pixel, bool *bad) {
    const stored::Scaling<Pixel> scaling = stored::scaling_by<Pixel>(scale, zero);
    for (i64 k = global_thread(); k < n; k += global_threads()) {
        const Pixel number = scaling.scaled(stored::bits_as<Pixel>(stored::in_order(word[k], native)));
        pixel[k] = number;
        bad[k] = stored::is_bad(number);
    }
}

extern "C" __global__ void scale_float32(
    const int *word, i64 n, bool native, double scale, double zero, float *pixel, bool *bad) {
    scale_all_floats(word, n, native, scale, zero, pixel, bad);
}

extern "C" __global__ void scale_float64(
    const i64 *word, i64 n, bool native, double scale, double zero, double *pixel, bool *bad) {
    scale_all_floats(word, n, native, scale, zero, pixel, bad);
}
