// Convolution in bands of rows and blocks of columns: one read and one write of the image.
//
// A ring holds the last ky rows in the cache: their sums along the kernel's row where the kernel is a
// column and a row, else the rows themselves. Whether a pixel is missing is known for every segment of
// columns; only results of segments under which one is are done again, with weights.

#include "skyshed/kernels/convolution/convolution.h"

#include <type_traits>

#include "skyshed/kernels/cpu.h"

namespace convolution {
namespace {

constexpr i64 SEGMENT = 64;
// Elements of a ring that the second cache holds beside the image's rows, and the columns of a block.
constexpr i64 RING = 1 << 14, LEAST_COLUMNS = 512;
// Columns that are added up for all rows of a kernel before the next.
constexpr i64 DIRECT = 512;
// Taps that are added in one pass over a line: a multiple of four, so that the order is the same.
constexpr int TAPS = 8;

// Calls add(N, j), N a constant, for taps j to j + N; the last call is for the last ones.
template <class Add> void in_groups(int n, Add add) {
    for (int j = 0; j < n; j += TAPS) {
        switch (min(n - j, TAPS)) {
            case 1: add(std::integral_constant<int, 1>(), j); break;
            case 2: add(std::integral_constant<int, 2>(), j); break;
            case 3: add(std::integral_constant<int, 3>(), j); break;
            case 4: add(std::integral_constant<int, 4>(), j); break;
            case 5: add(std::integral_constant<int, 5>(), j); break;
            case 6: add(std::integral_constant<int, 6>(), j); break;
            case 7: add(std::integral_constant<int, 7>(), j); break;
            default: add(std::integral_constant<int, TAPS>(), j); break;
        }
    }
}

// Sums of the terms taps[j] * read(line(j)[x]), after 0 or after the sums there are; line(j) is where
// x = 0 is.
template <int N, int reading, bool first, class Line, class Out>
void add_lines(const double *taps, Line line, i64 n, Out *__restrict sums) {
    double tap[N];
    const double *at[N];
    for (int j = 0; j < N; ++j) tap[j] = taps[j], at[j] = line(j);
    for (i64 x = 0; x < n; ++x)
        sums[x] = Out(add_terms(
            first ? 0.0 : double(sums[x]), N, [&](int j) { return tap[j] * read<reading>(at[j][x]); }));
}

// Sums along a row, of terms taps[j] * line[x + j].
template <int reading>
void add_row(const double *taps, int kx, const double *line, i64 n, bool first, double *sums) {
    in_groups(kx, [&](auto N, int j) {
        const auto from = [&](int i) { return line + j + i; };
        if (first && !j) add_lines<N, reading, true>(taps, from, n, sums);
        else add_lines<N, reading, false>(taps + j, from, n, sums);
    });
}

// Sums along a column, of lines from x0 on; total is room for a tall one's.
template <class Out>
void add_column(
    const double *taps, int ky, const double *const *lines, i64 x0, i64 n, double *total, Out *out) {
    in_groups(ky, [&](auto N, int i) {
        const auto from = [&](int k) { return lines[i + k] + x0; };
        if (ky <= TAPS) add_lines<N, AS_IS, true>(taps, from, n, out);
        else if (!i) add_lines<N, AS_IS, true>(taps, from, n, total);
        else add_lines<N, AS_IS, false>(taps + i, from, n, total);
    });
    if (ky > TAPS) for (i64 x = 0; x < n; ++x) out[x] = Out(total[x]);
}

// A block of columns x0 to x0 + n of an image.
template <class Value> class Block {
  public:
    Block(const Image<Value> &image, const Taps &taps, const Rule &rule, i64 x0, i64 n)
        : image(image), taps(taps), rule(rule), x0(x0), n(n), width(n + taps.kx - 1),
          length(taps.separable ? n : width), segments((n + SEGMENT - 1) / SEGMENT),
          n_parts((width + SEGMENT - 1) / SEGMENT),           of_row(taps.separable ? taps.of_row() : 1.0), line(width), total(n),
          ring(length * taps.ky), weights(length * taps.ky), missing(segments * taps.ky),
          parts(n_parts), lines(taps.ky), whole(length) {
        if (*this) std::fill(whole.begin(), whole.begin() + length, of_row);
    }

    explicit operator bool() const {
        return line && total && ring && weights && missing && parts && lines && whole;
    }

    // Reads the row that is k-th in the block; y may be outside of the image.
    void read_row(i64 k, i64 y) {
        const i64 slot = k % taps.ky;
        double *values = taps.separable ? line.begin() : ring.begin() + slot * length;
        bool *holes = missing.begin() + slot * segments;
        read_line(y, values);
        find_holes(values, holes);
        if (taps.separable) {
            double *sums = ring.begin() + slot * length;
            add_row<AS_IS>(taps.row(), taps.kx, values, n, true, sums);
            each_hole(holes, [&](i64 x, i64 m) {
                add_row<MISSING_IS_ZERO>(taps.row(), taps.kx, values + x, m, true, sums + x);
                add_row<WEIGHT>(
                    taps.row(), taps.kx, values + x, m, true, weights.begin() + slot * length + x);
            });
        }
    }

    // Writes the results of row y, whose last row was the k-th; returns how many are empty.
    i64 write_row(i64 k, i64 y, Value *out) {
        out += y * image.nx + x0;
        add_rows(k, 0, n, out);
        i64 empty = 0;
        for (i64 s = 0; s < segments; ++s) {
            bool some = false;
            for (int i = 0; i < taps.ky; ++i) some |= missing[i * segments + s];
            if (some && (rule.interpolate || rule.preserve_nan))
                empty += write_segment(k, y, s * SEGMENT, min(SEGMENT, n - s * SEGMENT), out);
        }
        return empty;
    }

  private:
    const Image<Value> &image;
    const Taps &taps;
    const Rule &rule;
    // The first column and how many; the length of a line with its margins, and of one of the ring; how
    // many segments of results, and of a line, there are.
    const i64 x0, n, width, length, segments, n_parts;
    const double of_row;
    Scratch<double> line, total, ring, weights;
    Scratch<bool> missing;  // whether a pixel is under the row of the kernel, for each line and segment
    Scratch<bool> parts;    // the same of the line that is read, without the row of the kernel
    Scratch<const double *> lines;
    Scratch<double> whole;  // a line of weights where no pixel is missing

    // Reads row y with the margins, and says of which segments of the line pixels are missing.
    void read_line(i64 y, double *values) {
        std::fill(parts.begin(), parts.begin() + n_parts, false);
        y = place(y, image.ny, image.boundary);
        if (y < 0) {
            std::fill(values, values + width, image.fill);
            if (image.fill != image.fill) std::fill(parts.begin(), parts.begin() + n_parts, true);
            return;
        }
        const i64 left = x0 - taps.kx / 2, begin = max(i64(0), -left), end = min(width, image.nx - left);
        const i64 p = y * image.nx + left;  // where the line would begin
        for (i64 i = begin, m; i < end; i += m) {
            m = min(SEGMENT - i % SEGMENT, end - i);
            const unsigned char *hidden = image.mask ? bytes_of(image.mask + (p + i)) : nullptr;
            parts[i / SEGMENT] |= read_pixels(image.data + (p + i), hidden, m, values + i);
        }
        const auto outside = [&](i64 i) {
            const i64 x = place(left + i, image.nx, image.boundary);
            values[i] = x < 0 ? image.fill : image.pixel(y * image.nx + x);
            parts[i / SEGMENT] |= values[i] != values[i];
        };
        for (i64 i = 0; i < begin; ++i) outside(i);
        for (i64 i = end; i < width; ++i) outside(i);
    }

    // Reads m <= SEGMENT pixels; whether any is missing.
    bool read_pixels(const Value *row, const unsigned char *hidden, i64 m, double *values) const {
        prefetch_row(row + image.nx);
        return m == SEGMENT ? read_segment(row, hidden, SEGMENT, values)
                            : read_segment(row, hidden, m, values);
    }

    static bool read_segment(
        const Value *row, const unsigned char *hidden, i64 m, double *__restrict values) {
        int some = 0, masked = 0;
        for (i64 i = 0; i < m; ++i) {
            values[i] = row[i];
            some |= row[i] != row[i];
        }
        if (hidden) {
            for (i64 i = 0; i < m; ++i) masked |= hidden[i];
            if (masked) for (i64 i = 0; i < m; ++i) values[i] = hidden[i] ? NAN_VALUE : values[i];
        }
        return some | masked;
    }

    // The next row's pixels come while this one's are summed.
    static void prefetch_row(const Value *row) {
        constexpr i64 LINE = 64 / sizeof(Value);
        for (i64 i = 0; i < SEGMENT; i += LINE) prefetch(row + i);
    }

    // Says under which segments of results a pixel is missing; replaces them where that is the rule.
    void find_holes(double *values, bool *holes) {
        for (i64 s = 0; s < segments; ++s) {
            const i64 last = min(((s + 1) * SEGMENT + taps.kx - 2) / SEGMENT, n_parts - 1);
            holes[s] = false;
            for (i64 part = s; part <= last; ++part) holes[s] |= parts[part];
        }
        if (rule.interpolate) return;
        for (i64 part = 0; part < n_parts; ++part) {
            if (!parts[part]) continue;
            for (i64 i = part * SEGMENT; i < min((part + 1) * SEGMENT, width); ++i)
                values[i] = values[i] != values[i] ? image.fill : values[i];
        }
    }

    // Calls the work for the columns of segments with holes, if these are left out of sums.
    template <class Work> void each_hole(const bool *holes, Work work) {
        if (!rule.interpolate) return;
        for (i64 s = 0; s < segments; ++s)
            if (holes[s]) work(s * SEGMENT, min(SEGMENT, n - s * SEGMENT));
    }

    // Sums of columns x to x + m of the rows up to the k-th: as they are.
    template <class Out> void add_rows(i64 k, i64 x, i64 m, Out *out) {
        for (int i = 0; i < taps.ky; ++i) lines[i] = ring.begin() + (k + 1 + i) % taps.ky * length;
        if (taps.separable) {
            add_column(taps.column(), taps.ky, lines.begin(), x, m, total.begin(), out);
            return;
        }
        for (i64 x1 = x + m; x < x1; x += m, out += m) {
            m = min(DIRECT, x1 - x);
            sum_directly<AS_IS>(x, m, total.begin());
            for (i64 i = 0; i < m; ++i) out[i] = Out(total[i]);
        }
    }

    template <int reading> void sum_directly(i64 x, i64 m, double *sums) {
        for (int i = 0; i < taps.ky; ++i)
            add_row<reading>(taps.row(i), taps.kx, lines[i] + x, m, i == 0, sums);
    }

    // Writes m results from column x on, over a row of which a pixel is missing; lines are the ring's.
    i64 write_segment(i64 k, i64 y, i64 x, i64 m, Value *out) {
        const i64 p = y * image.nx + x0 + x;
        if (!rule.interpolate) {
            for (i64 i = 0; i < m; ++i) out[x + i] = Value(rule.kept(out[x + i], image.pixel(p + i)));
            return 0;
        }
        double sums[SEGMENT], weight[SEGMENT], buffer[SEGMENT];
        if (taps.separable) {
            add_column(taps.column(), taps.ky, lines.begin(), x, m, buffer, sums);
            for (int i = 0; i < taps.ky; ++i) {
                const i64 slot = (k + 1 + i) % taps.ky;
                lines[i] = missing[slot * segments + x / SEGMENT] ? weights.begin() + slot * length
                                                                  : whole.begin();
            }
            add_column(taps.column(), taps.ky, lines.begin(), x, m, buffer, weight);
            for (int i = 0; i < taps.ky; ++i) lines[i] = ring.begin() + (k + 1 + i) % taps.ky * length;
        } else {
            sum_directly<MISSING_IS_ZERO>(x, m, sums);
            sum_directly<WEIGHT>(x, m, weight);
        }
        i64 empty = 0;
        for (i64 i = 0; i < m; ++i)
            out[x + i] = Value(rule.finish(sums[i], weight[i], image.pixel(p + i), empty));
        return empty;
    }
};

// Columns of a block for a kernel of so many rows.
i64 columns_for(int ky) { return max(LEAST_COLUMNS, RING / ky / SEGMENT * SEGMENT); }

// Pixels of row y, x0 to x1, that have no result.
template <class Value>
void leave(const Image<Value> &image, const Rule &rule, i64 y, i64 x0, i64 x1, Value *out) {
    for (i64 p = y * image.nx + x0; p < y * image.nx + x1; ++p)
        out[p] = Value(rule.kept(0.0, image.pixel(p)));
}

// Convolves rows y0 to y1 of an image; returns how many results could not be made up.
template <class Value>
i64 convolve(
    const Value *data, const bool *mask, i64 ny, i64 nx, i64 boundary, double fill, const double *elements,
    i64 ky, i64 kx, bool separable, bool interpolate, bool preserve_nan, double scale, Value *out, i64 y0,
    i64 y1) {
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
    for (i64 x0 = left; x0 < nx - left && first < last; x0 += columns_for(int(ky))) {
        Block<Value> block(image, taps, rule, x0, min(columns_for(int(ky)), nx - left - x0));
        if (!block) return NO_MEMORY;
        for (i64 k = 0; k < last - first + ky - 1; ++k) {
            const i64 y = first + k - ky / 2;
            block.read_row(k, y);
            if (k >= ky - 1) empty += block.write_row(k, y - ky / 2, out);
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
