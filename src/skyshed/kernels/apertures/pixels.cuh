// Which pixels an aperture takes: its box, its mirror, its neighbours. The rules are the
// contract's.

#define NONE 0
#define MASK 1
#define CORRECT 2

struct Field {
    const REAL *data;
    const int *labels;
    const bool *mask;
    i64 ny, nx;            // of the images here
    i64 y0, x0;            // of their first pixel in the whole image
    i64 whole_ny, whole_nx;
    i64 largest_box;
    int method;
};

// `where` holds the integers of a field in its order; one upload, many kernels.
__device__ inline Field field_of(
    const REAL *data, const int *labels, const bool *mask, const i64 *where) {
    return {data, labels, mask, where[0], where[1], where[2], where[3], where[4], where[5],
            where[6], (int)where[7]};
}

struct Box {
    i64 y0, y1, x0, x1;    // indices of the images here, half-open
    i64 my, mx;            // the mirror of pixel (y, x) is (my - y, mx - x)
    __device__ bool empty() const { return y0 >= y1 || x0 >= x1; }
    __device__ i64 width() const { return x1 - x0; }
    __device__ i64 size() const { return empty() ? 0 : (y1 - y0) * (x1 - x0); }
};

// Whether an aperture's box is larger than what is measured, or not finite.
__device__ inline bool too_large(const Field &f, double x, double y, double width, double height) {
    const double across = ceil(x + width + 0.5) - floor(x - width + 0.5);
    const double up = ceil(y + height + 0.5) - floor(y - height + 0.5);
    return !(across * up <= max((double)f.whole_ny * (double)f.whole_nx, (double)f.largest_box));
}

// The box of an aperture about (x, y), clipped to the image; empty if not finite or too large.
__device__ inline Box box_of(const Field &f, double x, double y, double width, double height) {
    const double left = floor(x - width + 0.5), right = ceil(x + width + 0.5);
    const double low = floor(y - height + 0.5), high = ceil(y + height + 0.5);
    // What comes after these lines is small enough to be an integer.
    if (too_large(f, x, y, width, height)) return {0, 0, 0, 0, 0, 0};
    if (right <= 0 || high <= 0 || left >= f.whole_nx || low >= f.whole_ny)
        return {0, 0, 0, 0, 0, 0};
    const i64 y0 = max(0LL, (i64)max(low, -1.0)), x0 = max(0LL, (i64)max(left, -1.0));
    const i64 y1 = (i64)min((double)f.whole_ny, high), x1 = (i64)min((double)f.whole_nx, right);
    // The pixel that is mirrored onto itself is found from the clipped box, truncated towards it.
    Box box;
    box.my = 2 * (y0 + (i64)(y - y0 + 0.5) - f.y0);
    box.mx = 2 * (x0 + (i64)(x - x0 + 0.5) - f.x0);
    box.y0 = max(y0 - f.y0, 0LL), box.y1 = min(y1 - f.y0, f.ny);
    box.x0 = max(x0 - f.x0, 0LL), box.x1 = min(x1 - f.x0, f.nx);
    return box;
}

// Finds the pixel opposite to a neighbour's pixel (y, x), in p, and says whether it may stand in.
__device__ inline bool mirrored(const Field &f, const Box &box, int label, i64 y, i64 x, i64 &p) {
    const i64 my = box.my - y, mx = box.mx - x;
    if (my < box.y0 || my >= box.y1 || mx < box.x0 || mx >= box.x1) return false;
    p = my * f.nx + mx;
    const int there = f.labels[p];
    return (there == label || there == 0) && !(f.mask && f.mask[p]);
}

// Where the value of a pixel is taken from.
enum Taken { LEFT_OUT, AS_ZERO, FROM };

// Says it for pixel (y, x), and leaves the index in p.
__device__ inline Taken taken(const Field &f, const Box &box, int label, i64 y, i64 x, i64 &p) {
    p = y * f.nx + x;
    if (f.mask && f.mask[p]) return LEFT_OUT;
    const int here = f.labels[p];
    if (here == label || here == 0 || f.method == NONE) return FROM;
    if (f.method == MASK) return LEFT_OUT;
    return mirrored(f, box, label, y, x, p) ? FROM : AS_ZERO;
}

// The source that item c belongs to: first[i] <= c < first[i + 1].
__device__ inline i64 source_of(i64 c, const i64 *first, i64 n) {
    i64 low = 0, high = n;
    while (high - low > 1) {
        const i64 middle = (low + high) / 2;
        if (first[middle] <= c) low = middle; else high = middle;
    }
    return low;
}
