// Quadratic fits around the peaks: a thread per source, number by number as the CPU twin.

// The pixels, in compressed rows.
struct Rows {
    const i64 *pixel, *start, *bbox;
    i64 nx;
};

struct Images {
    const REAL *data, *error;
    const bool *mask;
};

// The brightest pixel of a source's bounding box, where what is masked or not its own counts as 0.
__device__ inline i64 peak_of(const Rows &rows, const Images &images, i64 i, i64 peak) {
    const REAL high = images.data[peak];
    if (high > 0) return peak;
    const i64 *box = rows.bbox + 4 * i;
    i64 k = rows.start[i];
    for (i64 row = box[0]; row < box[1]; ++row)
        for (i64 p = row * rows.nx + box[2]; p < row * rows.nx + box[3]; ++p, ++k)
            if (k == rows.start[i + 1] || rows.pixel[k] != p || (images.mask && images.mask[p]))
                return high == 0 && peak < p ? peak : p;
    return peak;
}

// Fits to the box of 3 x 3 pixels from a corner; out is the maximum's place about the middle, the
// variances of x and y, and their covariance. Returns whether there is a maximum; too few pixels
// give coefficients of 0, which have none.
__device__ inline bool fit(
    const Images &images, i64 corner, i64 nx, const double *weights, double *out) {
    int subset = 0;
    for (int k = 0; k < 9; ++k)
        if (!images.mask || !images.mask[corner + k / 3 * nx + k % 3]) subset |= 1 << k;
    const double *weight = weights + 45 * subset;
    double c[5] = {};
    for (int k = 0; k < 9; ++k) {
        if (!(subset >> k & 1)) continue;
        const double value = images.data[corner + k / 3 * nx + k % 3];
#pragma unroll
        for (int j = 0; j < 5; ++j) c[j] += weight[9 * j + k] * value;
    }
    const double bx = c[0], by = c[1], xy = c[2], xx = c[3], yy = c[4];
    const double determinant = 4.0 * xx * yy - xy * xy;
    if (determinant <= 0.0 || xx > 0.0) return false;
    const double x = (by * xy - 2.0 * yy * bx) / determinant;
    const double y = (bx * xy - 2.0 * xx * by) / determinant;
    out[0] = x, out[1] = y;
    out[2] = out[3] = out[4] = images.error ? 0.0 : NAN_VALUE;
    if (!images.error) return true;
    // The derivatives of the maximum's place by the coefficients, times those by the pixels.
    const double by_x[] = {-2.0 * yy, xy, by + 2.0 * xy * x, -4.0 * yy * x, -2.0 * bx - 4.0 * xx * x};
    const double by_y[] = {xy, -2.0 * xx, bx + 2.0 * xy * y, -2.0 * by - 4.0 * yy * y, -4.0 * xx * y};
    for (int k = 0; k < 9; ++k) {
        if (!(subset >> k & 1)) continue;
        const double sigma = images.error[corner + k / 3 * nx + k % 3];
        double gx = 0.0, gy = 0.0;
#pragma unroll
        for (int j = 0; j < 5; ++j) {
            gx += by_x[j] / determinant * weight[9 * j + k];
            gy += by_y[j] / determinant * weight[9 * j + k];
        }
        out[2] += gx * gx * (sigma * sigma);
        out[3] += gy * gy * (sigma * sigma);
        out[4] += gx * gy * (sigma * sigma);
    }
    return true;
}

// weights: 5 x 9 for each of the 512 subsets of the pixels. peak[i] is -1 where there is none.
extern "C" __global__ void fit_peaks(
    const i64 *pixel, const i64 *start, const i64 *bbox, i64 n, i64 nx, const REAL *data,
    const REAL *error, const bool *mask, const i64 *peak, const double *weights,
    const double *plain, const double *plain_covariance, double *centre, double *covariance,
    bool *fallback) {
    const Rows rows = {pixel, start, bbox, nx};
    const Images images = {data, error, mask};
    for (i64 i = global_thread(); i < n; i += global_threads()) {
        const i64 height = bbox[4 * i + 1] - bbox[4 * i], width = bbox[4 * i + 3] - bbox[4 * i + 2];
        double out[5];
        bool found = false, fitted = false;
        if (peak[i] >= 0 && height >= 3 && width >= 3) {
            const i64 p = peak_of(rows, images, i, peak[i]);
            const i64 y = p / nx - bbox[4 * i], x = p % nx - bbox[4 * i + 2];
            if (y == 0 || y == height - 1 || x == 0 || x == width - 1) {
                found = true;
                out[0] = x, out[1] = y;
                out[2] = out[3] = out[4] = NAN_VALUE;
            } else if (fit(images, p - nx - 1, nx, weights, out)) {
                out[0] += x, out[1] += y;
                found = fitted = 0.0 < out[0] && out[0] < width - 1.0 && 0.0 < out[1] &&
                                 out[1] < height - 1.0;
            }
        }
        fallback[i] = !fitted;
        for (int k = 0; k < 2; ++k) centre[2 * i + k] = found ? out[k] : plain[2 * i + k];
        for (int k = 0; k < 3; ++k)
            covariance[3 * i + k] = found ? out[2 + k] : plain_covariance[3 * i + k];
    }
}
