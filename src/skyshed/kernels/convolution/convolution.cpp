// Convolution in bands of rows and blocks of columns: one read and one write of the image.
//
// A ring holds the last rows in the cache: their sums along the kernel's row where the kernel is a column
// and a row, else the rows themselves. Whether a pixel is missing is known for every segment of columns;
// only results of segments under which one is are done again, with weights.

#include "skyshed/kernels/convolution/sums.hpp"

namespace convolution {
namespace {

constexpr i64 SEGMENT = 64;
// Elements of a ring that the second cache holds beside the image's rows, and the columns of a block.
constexpr i64 RING = 1 << 14, LEAST_COLUMNS = 512;
// Columns that are added up for all rows of a kernel before the next.
constexpr i64 DIRECT = 512;

i64 segments_of(i64 n) { return (n + SEGMENT - 1) / SEGMENT; }

// Calls work(x, m) for the segments x to x + m of n columns of which `which` is true.
template <class Work> void each_segment(const bool *which, i64 n, Work work) {
    for (i64 x = 0; x < n; x += SEGMENT)
        if (which[x / SEGMENT]) work(x, min(SEGMENT, n - x));
}

// Copies m <= SEGMENT pixels, NaN for those missing; whether any is.
template <class Value>
bool read_pixels(const Value *row, const unsigned char *hidden, i64 m, double *__restrict values) {
    int some = 0, masked = 0;
    for (i64 i = 0; i < m; ++i) {
        values[i] = row[i];
        some |= row[i] != row[i];
    }
    if (hidden) for (i64 i = 0; i < m; ++i) masked |= hidden[i];
    if (masked) for (i64 i = 0; i < m; ++i) values[i] = hidden[i] ? NAN_VALUE : values[i];
    return some | masked;
}

// A block of columns x0 to x0 + n of an image.
template <class Value> class Block {
  public:
    Block(const Image<Value> &image, const Taps &taps, const Rule &rule, Value *out, i64 x0, i64 n)
        : image(image), taps(taps), rule(rule), out(out), x0(x0), n(n), width(n + taps.kx - 1),
          length(taps.separable ? n : width), depth(taps.ky - 1 + ROWS), line(width), total(n),
          ring(length * depth), weights(length * depth), whole(SEGMENT),
          missing(segments_of(n) * depth), parts(segments_of(width)), some(segments_of(n)) {
        if (*this && taps.separable) std::fill(whole.begin(), whole.begin() + SEGMENT, taps.of_row());
    }

    explicit operator bool() const {
        return line && total && ring && weights && whole && missing && parts && some;
    }

    // Reads row y of the image, or of what is outside, as the k-th of the block.
    void read_row(i64 k, i64 y) {
        double *values = taps.separable ? line.begin() : ring_at(k);
        read_line(y, values);
        find_holes(k, values);
        if (!taps.separable) return;
        add_row<AS_IS>(taps.row(), taps.kx, values, n, true, ring_at(k));
        if (!rule.interpolate) return;
        each_segment(missing_at(k), n, [&](i64 x, i64 m) {
            add_row<MISSING_IS_ZERO>(taps.row(), taps.kx, values + x, m, true, ring_at(k) + x);
            add_row<WEIGHT>(taps.row(), taps.kx, values + x, m, true, weights_at(k) + x);
        });
    }

    // Writes the results of rows y to y + rows, the first of which is the sum of lines k and following;
    // returns how many are empty. There are ROWS rows, or one.
    i64 write_rows(i64 k, i64 y, i64 rows) {
        Value *const at = out + y * image.nx + x0;
        const auto lines = [=](int i) { return ring_at(k + i); };
        if (!taps.separable) for (i64 row = 0; row < rows; ++row) add_directly(k + row, at + row * image.nx);
        else if (rows == ROWS)
            add_columns(taps.column(), taps.ky, lines, n, total.begin(), at, image.nx);
        else add_column(taps.column(), taps.ky, lines, n, total.begin(), at);
        i64 empty = 0;
        for (i64 row = 0; row < rows; ++row) empty += mend_row(k + row, y + row, at + row * image.nx);
        return empty;
    }

  private:
    const Image<Value> &image;
    const Taps &taps;
    const Rule &rule;
    Value *const out;
    // The first column and how many; the length of a line with its margins, and of one of the ring; how
    // many these are.
    const i64 x0, n, width, length, depth;
    Scratch<double> line, total, ring, weights;
    Scratch<double> whole;  // weights of a segment where no pixel is missing
    Scratch<bool> missing;  // whether a pixel is, under the row of the kernel, for each line and segment
    Scratch<bool> parts;    // the same of the line that is read, but not under the kernel
    Scratch<bool> some;     // the same for all rows of the kernel

    double *ring_at(i64 k) { return ring.begin() + k % depth * length; }
    double *weights_at(i64 k) { return weights.begin() + k % depth * length; }
    bool *missing_at(i64 k) { return missing.begin() + k % depth * segments_of(n); }

    // Reads row y with the margins, and says in which segments of the line pixels are missing.
    void read_line(i64 y, double *values) {
        std::fill(parts.begin(), parts.begin() + segments_of(width), false);
        y = place(y, image.ny, image.boundary);
        if (y < 0) {
            std::fill(values, values + width, image.fill);
            std::fill(parts.begin(), parts.begin() + segments_of(width), image.fill != image.fill);
            return;
        }
        const i64 left = x0 - taps.kx / 2, begin = max(i64(0), -left), end = min(width, image.nx - left);
        const auto outside = [&](i64 i) {
            const i64 x = place(left + i, image.nx, image.boundary);
            values[i] = x < 0 ? image.fill : image.pixel(y * image.nx + x);
            parts[i / SEGMENT] |= values[i] != values[i];
        };
        for (i64 i = 0; i < begin; ++i) outside(i);
        for (i64 i = begin, m; i < end; i += m) {
            m = min(SEGMENT - i % SEGMENT, end - i);
            parts[i / SEGMENT] |= read_at(y * image.nx + left + i, m, values + i);
            prefetch_row(y, left + i);
        }
        for (i64 i = end; i < width; ++i) outside(i);
    }

    bool read_at(i64 p, i64 m, double *values) const {
        const unsigned char *hidden = image.mask ? bytes_of(image.mask + p) : nullptr;
        return m == SEGMENT ? read_pixels(image.data + p, hidden, SEGMENT, values)
                            : read_pixels(image.data + p, hidden, m, values);
    }

    // What the next row reads and writes comes while this one is summed.
    void prefetch_row(i64 y, i64 x) const {
        constexpr i64 LINE = 64 / sizeof(Value);
        if (y + 1 < image.ny) {
            const i64 p = (y + 1) * image.nx + x;
            for (i64 i = 0; i < SEGMENT; i += LINE) prefetch(image.data + p + i);
            if (image.mask) prefetch(image.mask + p);
        }
        if (y >= taps.ky / 2) {
            const Value *to = out + (y - taps.ky / 2) * image.nx + x;
            for (i64 i = 0; i < SEGMENT; i += LINE) prefetch_to_write(to + i);
        }
    }

    // Says under which segments of results a pixel is missing; replaces them where that is the rule.
    void find_holes(i64 k, double *values) {
        for (i64 s = 0; s < segments_of(n); ++s) {
            const i64 last = min(((s + 1) * SEGMENT + taps.kx - 2) / SEGMENT, segments_of(width) - 1);
            bool any = false;
            for (i64 part = s; part <= last; ++part) any |= parts[part];
            missing_at(k)[s] = any;
        }
        if (rule.interpolate) return;
        each_segment(parts.begin(), width, [&](i64 x, i64 m) {
            for (i64 i = x; i < x + m; ++i) values[i] = values[i] != values[i] ? image.fill : values[i];
        });
    }

    // A row of results of a kernel that is no column and row.
    void add_directly(i64 k, Value *row) {
        for (i64 x = 0; x < n; x += DIRECT) {
            const i64 m = min(DIRECT, n - x);
            sum_directly<AS_IS>(k, x, m, total.begin());
            for (i64 i = 0; i < m; ++i) row[x + i] = Value(total[i]);
        }
    }

    template <int reading> void sum_directly(i64 k, i64 x, i64 m, double *sums) {
        for (int i = 0; i < taps.ky; ++i)
            add_row<reading>(taps.row(i), taps.kx, ring_at(k + i) + x, m, i == 0, sums);
    }

    // Does those results of a row again that miss pixels; returns how many are empty.
    i64 mend_row(i64 k, i64 y, Value *row) {
        if (!rule.interpolate && !rule.preserve_nan) return 0;
        std::fill(some.begin(), some.begin() + segments_of(n), false);
        for (int i = 0; i < taps.ky; ++i)
            for (i64 s = 0; s < segments_of(n); ++s) some[s] |= missing_at(k + i)[s];
        i64 empty = 0;
        each_segment(some.begin(), n, [&](i64 x, i64 m) {
            double values[SEGMENT];
            read_at(y * image.nx + x0 + x, m, values);
            if (rule.interpolate) empty += mend(k, x, m, values, row + x);
            else for (i64 i = 0; i < m; ++i) row[x + i] = Value(rule.kept(row[x + i], values[i]));
        });
        return empty;
    }

    i64 mend(i64 k, i64 x, i64 m, const double *values, Value *results) {
        double sums[SEGMENT], weight[SEGMENT], room[SEGMENT];
        if (taps.separable) {
            const auto of_values = [=](int i) { return ring_at(k + i) + x; };
            const auto of_weights = [=](int i) {
                return missing_at(k + i)[x / SEGMENT] ? weights_at(k + i) + x : whole.begin();
            };
            add_column(taps.column(), taps.ky, of_values, m, room, sums);
            add_column(taps.column(), taps.ky, of_weights, m, room, weight);
        } else {
            sum_directly<MISSING_IS_ZERO>(k, x, m, sums);
            sum_directly<WEIGHT>(k, x, m, weight);
        }
        int empty = 0;
        for (i64 i = 0; i < m; ++i)
            results[i] = Value(rule.finish(sums[i], weight[i], values[i], empty));
        return empty;
    }
};

// Columns of a block for a kernel of so many rows.
i64 columns_for(i64 ky) { return max(LEAST_COLUMNS, RING / (ky - 1 + ROWS) / SEGMENT * SEGMENT); }

// Pixels of row y, x0 to x1, that have no result.
template <class Value>
void leave(const Image<Value> &image, const Rule &rule, i64 y, i64 x0, i64 x1, Value *out) {
    for (i64 p = y * image.nx + x0; p < y * image.nx + x1; ++p)
        out[p] = Value(rule.kept(0.0, image.pixel(p)));
}

// Convolves rows y0 to y1 of an image; returns how many results are empty.
template <class Value>
i64 convolve(
    const Value *data, const bool *mask, i64 ny, i64 nx, i64 boundary, double fill, const double *elements,
    i64 ky, i64 kx, bool separable, bool interpolate, bool preserve_nan, double scale, Value *out,
    const int *stop, i64 y0, i64 y1) {
    const Image<Value> image = {data, mask, ny, nx, int(boundary), fill};
    const Taps taps = {elements, int(ky), int(kx), separable};
    const Rule rule = {scale, taps.of_all(), interpolate, preserve_nan};
    // What has results: everything, unless nothing is outside.
    const i64 top = boundary == NOTHING ? ky / 2 : 0, left = boundary == NOTHING ? kx / 2 : 0;
    const i64 first = min(max(y0, top), y1);
    const i64 last = left < nx - left ? max(min(y1, ny - top), first) : first;
    for (i64 y = y0; y < y1; ++y) {
        const bool inside = y >= first && y < last;
        leave(image, rule, y, 0, inside ? left : nx, out);
        if (inside) leave(image, rule, y, nx - left, nx, out);
    }
    i64 empty = 0;
    for (i64 x0 = left; x0 < nx - left && first < last; x0 += columns_for(ky)) {
        Block<Value> block(image, taps, rule, out, x0, min(columns_for(ky), nx - left - x0));
        if (!block) return NO_MEMORY;
        i64 k = 0;
        for (; k < ky - 1; ++k) block.read_row(k, first - ky / 2 + k);
        for (i64 y = first, rows; y < last; y += rows) {
            if (stopped(stop)) return STOPPED;
            rows = y + ROWS <= last ? ROWS : 1;
            for (i64 end = k + rows; k < end; ++k) block.read_row(k, first - ky / 2 + k);
            empty += block.write_rows(k - rows - (ky - 1), y, rows);
        }
    }
    return empty;
}

SKYSHED_KERNEL("convolution.convolve", convolve<float>);
SKYSHED_KERNEL("convolution.convolve", convolve<double>);

// Writes the weight of a kernel that misses nothing.
i64 weigh(const double *elements, i64 ky, i64 kx, bool separable, double *whole) {
    *whole = Taps{elements, int(ky), int(kx), separable}.of_all();
    return 0;
}

SKYSHED_KERNEL("convolution.weigh", weigh);

}  // namespace
}  // namespace convolution
