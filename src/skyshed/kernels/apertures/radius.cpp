// The radius of the circle that holds a given flux.
//
// A source's pixels are read once, into a square patch about its centre, and added up in each row from the
// centre outwards. In a quadrant the rim of a circle runs outwards and down, in pieces that begin at the
// lines of the grid that it crosses. The piece that begins at a line is found from that line alone, so that
// all pieces are computed side by side; so is the flux of the cells of a row that are wholly inside.

#include "skyshed/kernels/apertures/rim.hpp"

namespace apertures {
namespace {

// Scratch memory that grows.
class Room {
  public:
    explicit Room(i64 n) : at(n), n(n) {}
    double *begin() { return at.begin(); }
    bool grow(i64 wanted) {
        if (wanted > n) at.renew(n = 2 * wanted);
        return bool(at);
    }

  private:
    Scratch<double> at;
    i64 n;
};

// Cells along one axis, from the centre on, by turns to the right and to the left of it: the pixel at the
// centre is two cells. Along the other axis right is above, and left is below.
struct Cells {
    double right, left;   // where the first ones end
    double *begin, *end;  // where cells begin and end: distances from the centre
    double *crossed;      // where the circle crosses the line at which a piece begins
    double *pixel;        // where their pixels are, relative to that at the centre

    static i64 doubles(i64 room) { return 4 * (2 * room + LANES); }

    void take(double *from, i64 room) {
        const i64 next = 2 * room + LANES;
        begin = from, end = begin + next, crossed = end + next, pixel = crossed + next;
    }
    // Places n cells on each side, pixels a step apart. Those beyond the last pixel are there to fill up,
    // and take it. `offset` is how far the centre is from that of its pixel.
    void place(double offset, i64 n, double step, double last) {
        right = 0.5 - offset, left = 0.5 + offset;
        double number = 0.0;
        for (i64 k = 0; k < 2 * n; k += 2) {
            begin[k] = right + (number - 1.0), begin[k + 1] = left + (number - 1.0);
            end[k] = right + number, end[k + 1] = left + number;
            pixel[k] = smaller(number, last) * step, pixel[k + 1] = -pixel[k];
            number += 1.0;
        }
        begin[0] = begin[1] = 0.0;
    }
    // Notes where a circle crosses the first n lines on each side.
    void cross(double radius, const double *lines, i64 n) {
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < 2 * n; ++k) crossed[k] = leaves(radius, smaller(lines[k], radius));
    }
    double nearest() const { return smaller(right, left); }
    // How many lines are no further than `reach`, on the side that has more of them.
    i64 lines(double reach) const { return lines_within(nearest(), reach); }
};

// A patch of pixels about a centre, and what a circle in it is computed with.
class Patch {
  public:
    Patch() : pixels(1 << 12), lines(1 << 8), rim(1 << 8) {}

    // Makes room for circles up to a radius; says whether there is.
    bool resize(double largest) {
        half = i64(ceil(largest)) + 1;
        stride = 2 * half + 2;
        rows = 2 * half + 1;
        const i64 room = half + 4, pieces = 8 * room;
        if (!pixels.grow(2 * (rows * stride + 2 * LANES)) || !lines.grow(2 * columns.doubles(room)) ||
            !rim.grow(5 * pieces))
            return false;
        value = pixels.begin() + LANES;
        before = value + rows * stride + 2 * LANES;
        columns.take(lines.begin(), room);
        upright.take(lines.begin() + columns.doubles(room), room);
        of_pixel = rim.begin(), under = of_pixel + pieces, square = under + pieces;
        inside = square + pieces, flux = inside + pieces;
        return true;
    }

    // Reads the pixels of a box, 0 elsewhere. (x, y) is the centre, `sky` is subtracted.
    template <class Value>
    void read(const Field<Value> &f, const Box &box, const Box &next, int own, double sky, double x, double y) {
        const double column = floor(x + 0.5), row = floor(y + 0.5);
        const i64 x0 = i64(column) - f.at.x0 - half, y0 = i64(row) - f.at.y0 - half;
        std::fill(value, value + (box.y0 - y0) * stride, 0.0);
        for (i64 k = box.y0; k < box.y1; ++k) {
            prefetch_ahead<Value, Value>(f, nullptr, box, next, k);
            double *of_row = value + (k - y0) * stride;
            std::fill(of_row, of_row + (box.x0 - x0), 0.0);
            read_row(f, box, own, sky, k, box.x0, box.x1, of_row + (box.x0 - x0));
            std::fill(of_row + (box.x1 - x0), of_row + stride, 0.0);
        }
        std::fill(value + (box.y1 - y0) * stride, value + rows * stride, 0.0);
        const double dx = x - column, dy = y - row;
        columns.place(dx, half + 4, 1.0, double(half));
        upright.place(dy, half + 4, double(stride), double(half));
        add_up_rows();
    }

    // The largest of the pixels, in size.
    double largest() const {
        double sizes[LANES] = {};
        const i64 n = rows * stride, whole = n / LANES * LANES;
        for (i64 p = 0; p < whole; p += LANES)
            for (i64 k = 0; k < LANES; ++k) sizes[k] = larger(sizes[k], fabs(value[p + k]));
        for (i64 p = whole; p < n; ++p) sizes[0] = larger(sizes[0], fabs(value[p]));
        return *std::max_element(sizes, sizes + LANES);
    }

    // The flux in a circle about the centre.
    double flux_within(double radius) {
        // A circle within the pixel at the centre: the search begins with one.
        if (radius <= smaller(columns.nearest(), upright.nearest()))
            return PI * radius * radius * value[half * stride + half];
        // The cells on each side that the rim comes into, and perhaps one to fill up: four pieces at a time.
        const i64 across = (columns.lines(radius) + 1 + 1) / 2 * 2;
        const i64 up = (upright.lines(radius) + 1) / 2 * 2;
        columns.cross(radius, columns.begin, across);
        upright.cross(radius, upright.end, up);
        i64 n = 0;
        for (int side = 0; side < 2; ++side) {
            n = from_columns(side, radius, across, n);
            n = from_rows(side, radius, up, n);
        }
        if (has_short_pieces(0.25 / (radius * radius))) add_caps<true>(radius, n);
        else add_caps<false>(radius, n);
        return add_up(flux, n);
    }

  private:
    // Adds up each row from the centre on: before[k] are the cells 0 to k - 1 to the right, before[-1 - k]
    // those to the left. Two rows at a time, each pixel by pixel: a core does four sums at the same time.
    void add_up_rows() {
        const double right = columns.right, left = columns.left;
        for (i64 row = 0; row < rows; row += 2) {
            const double *in[2];
            double *out[2], to_right[2], to_left[2];
            for (i64 k = 0; k < 2; ++k) {
                // The last row is done again where there is none left.
                const i64 centre = min(row + k, rows - 1) * stride + half;
                in[k] = value + centre, out[k] = before + centre;
                out[k][0] = out[k][-1] = 0.0;
                to_right[k] = right * in[k][0], to_left[k] = left * in[k][0];
            }
            for (i64 x = 1; x <= half; ++x)
                for (int k = 0; k < 2; ++k) {
                    out[k][x] = to_right[k], out[k][-1 - x] = to_left[k];
                    to_right[k] += in[k][x], to_left[k] += in[k][-x];
                }
        }
    }

    // Lists the pieces that begin where the rim comes into a column, above the centre or below it, from
    // piece `from` on; returns where that ends. What fills up is 0.
    SKYSHED_FLAT i64 from_columns(int below, double radius, i64 cells, i64 from) {
        const double whole = radius * radius;
        const double first = below ? upright.left : upright.right;
        const double *begin = columns.begin, *end = columns.end, *crossed = columns.crossed;
        const double *at = columns.pixel;
        const double centre = double(half * stride + half), step = double(below ? -stride : stride);
        double *values = of_pixel + from, *areas = under + from, *squares = square + from;
        double *more = inside + from;
        const i64 n = 2 * cells;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double row = lines_inside(whole, first, crossed[k], begin[k]);
            const Piece piece =
                piece_from(radius, begin[k], crossed[k], end[k], begin_of(first, row));
            const double here = value[whole_number(centre + (at[k] + row * step))];
            values[k] = begin[k] < radius ? here : 0.0;
            areas[k] = piece.under, squares[k] = piece.square;
            more[k] = 0.0;
        }
        return from + n;
    }

    // The same where the rim comes into a row, to the right of the centre or to its left, and with what is
    // inside up to there.
    SKYSHED_FLAT i64 from_rows(int left, double radius, i64 cells, i64 from) {
        const double whole = radius * radius;
        const double first = left ? columns.left : columns.right;
        const double *begin = upright.begin, *end = upright.end, *crossed = upright.crossed;
        const double *at = upright.pixel, *sums = before - left;
        const double centre = double(half * stride + half), step = left ? -1.0 : 1.0;
        double *values = of_pixel + from, *areas = under + from, *squares = square + from;
        double *more = inside + from;
        const i64 n = 2 * cells;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double column = lines_inside(whole, first, crossed[k], end[k]);
            const Piece piece = piece_from(radius, crossed[k], end[k], first + column, begin[k]);
            const i64 there = whole_number(centre + (at[k] + column * step));
            const double here = value[there], height = end[k] - begin[k], held = sums[there] * height;
            values[k] = end[k] <= radius ? here : 0.0;
            areas[k] = (crossed[k] - begin_of(first, column)) * height + piece.under;
            squares[k] = piece.square;
            more[k] = end[k] <= radius ? held : 0.0;
        }
        return from + n;
    }

    // Turns n pieces into flux: what is between a chord and the rim comes to what is below the chord. It is
    // a loop of its own since roots and quotients take long: a core begins the next pieces meanwhile, as
    // many as it has room for.
    template <bool SHORT> SKYSHED_FLAT void add_caps(double radius, i64 n) {
        const double whole = radius * radius, quarter = 0.25 / whole;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) {
            const double part = quarter * square[k];
            const double area = under[k] + whole * (SHORT ? small_cap(part) : cap(part));
            flux[k] = of_pixel[k] * area + inside[k];
        }
    }

    i64 half = 0, stride = 0, rows = 0;
    Room pixels, lines, rim;
    double *value = nullptr, *before = nullptr;
    // Of each piece: its pixel's value, the area below its chord, the square of its chord's length; the flux
    // inside up to it, and its own with that.
    double *of_pixel = nullptr, *under = nullptr, *square = nullptr, *inside = nullptr, *flux = nullptr;
    Cells columns = {}, upright = {};
};

// The roots over sources order[k0:k1].
template <class Value>
i64 radius_of_flux(
    const Value *data, const int *labels, const bool *mask, const i64 *where, const int *label,
    const double *circles, const double *background, const double *flux, const i64 *order, double *out,
    const int *stop, i64 k0, i64 k1) {
    const Field<Value> f = field_of(data, labels, mask, where);
    const auto box_at = [&](i64 i) {
        const double *c = circles + 3 * i;
        return searchable(c[0], c[1], c[2], background[i], flux[i]) ? box_of(f.at, c[0], c[1], c[2], c[2])
                                                                    : Box{};
    };
    Patch patch;
    Box next = box_at(order[k0]);
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Box box = next;
        if (k + 1 < k1) next = box_at(order[k + 1]);
        out[i] = NAN_VALUE;
        if (box.empty()) continue;
        const double *c = circles + 3 * i;
        if (!patch.resize(c[2])) return NO_MEMORY;
        patch.read(f, box, next, label[i], background[i], c[0], c[1]);
        if (vanishes(flux[i], patch.largest(), box)) continue;
        out[i] = search(
            [&](double radius) {
                return stopped(stop) ? NAN_VALUE : 1.0 - patch.flux_within(radius) / flux[i];
            },
            c[2]);
        if (stopped(stop)) return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("apertures.radius_of_flux", radius_of_flux<float>);
SKYSHED_KERNEL("apertures.radius_of_flux", radius_of_flux<double>);

}  // namespace
}  // namespace apertures
