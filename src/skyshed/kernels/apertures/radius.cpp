// The radius of the circle that holds a given flux.
//
// A source's pixels are read once, into a square patch about its centre, and added up in each row from the
// centre outwards. In a quadrant the rim of a circle runs outwards and down, in pieces that begin at the
// lines of the grid that it crosses. The piece that begins at a line is found from that line alone, so that
// all pieces are computed side by side; so is the flux of the cells of a row that are wholly inside.

#include "skyshed/kernels/apertures/radius.h"

#include "skyshed/kernels/apertures/rows.hpp"

namespace apertures {
namespace {

// Scratch memory that grows.
template <class T> class Room {
  public:
    explicit Room(i64 n) : at(n), n(n) {}
    T *begin() { return at.begin(); }
    bool grow(i64 wanted) {
        if (wanted > n) at.renew(n = 2 * wanted);
        return bool(at);
    }

  private:
    Scratch<T> at;
    i64 n;
};

// Cells along one axis, on both sides of the centre: first those to the right or above, then those to the
// left or below. The pixel at the centre is two cells, one on each side.
template <class Offset> struct Cells {
    double first[2];      // where the first cell of each side ends
    i64 each, room;       // cells of a side, a multiple of four; how many there may be
    double *begin, *end;  // where cells begin and end: distances from the centre
    double *crossed;      // where the circle crosses the line at which a piece begins
    Offset *pixel;        // where their pixels are, relative to that at the centre

    static i64 doubles(i64 room) { return 3 * (2 * room + LANES); }

    void take(double *from, Offset *pixels, i64 n) {
        each = 0, room = n;
        begin = from, end = begin + 2 * room + LANES, crossed = end + 2 * room + LANES, pixel = pixels;
    }
    // Places at least n cells on each side, pixels a step apart. Those beyond the last pixel are there to
    // fill up, and take it.
    void place(i64 n, Offset step, i64 last) {
        n = (n + 3) / 4 * 4;
        if (n == each) return;
        each = n;
        for (i64 side = 0; side < 2; ++side) {
            const i64 at = side * n;
            for (i64 k = 0; k < n; ++k) {
                begin[at + k] = larger(first[side] + double(k - 1), 0.0);
                end[at + k] = first[side] + double(k);
                pixel[at + k] = Offset(min(k, last)) * (side ? -step : step);
            }
            begin[at] = 0.0;
        }
    }
    // Notes where a circle crosses some lines.
    void cross(double radius, const double *lines) {
        const i64 n = 2 * each;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) crossed[k] = leaves(radius, smaller(lines[k], radius));
    }
    // How many lines are no further than `reach`, on the side that has more of them.
    i64 lines(double reach) const { return lines_within(smaller(first[0], first[1]), reach); }
};

// A patch of pixels about a centre, and what a circle in it is computed with. Offset holds where a pixel is.
template <class Offset> class Patch {
  public:
    Patch() : pixels(1 << 12), lines(1 << 8), rim(1 << 10), offsets(1 << 7) {}

    // Makes room for circles up to a radius; says whether there is.
    bool resize(double largest) {
        half = i64(ceil(largest)) + 1;
        stride = 2 * half + 2;
        rows = 2 * half + 1;
        const i64 room = half + 4, pieces = 8 * room + LANES;
        if (!pixels.grow(2 * (rows * stride + 2 * LANES)) || !lines.grow(2 * columns.doubles(room)) ||
            !rim.grow(4 * pieces) || !offsets.grow(4 * room))
            return false;
        value = pixels.begin() + LANES;
        before = value + rows * stride + 2 * LANES;
        columns.take(lines.begin(), offsets.begin(), room);
        upright.take(lines.begin() + columns.doubles(room), offsets.begin() + 2 * room, room);
        area = rim.begin(), square = area + pieces, pixel = square + pieces, inside = pixel + pieces;
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
        columns.first[0] = 0.5 - dx, columns.first[1] = 0.5 + dx;
        upright.first[0] = 0.5 - dy, upright.first[1] = 0.5 + dy;
        add_up_rows();
    }

    // The flux in a circle about the centre.
    double flux_within(double radius) {
        columns.place(columns.lines(radius) + 1, 1, half);
        upright.place(upright.lines(radius), Offset(stride), half);
        columns.cross(radius, columns.begin);
        upright.cross(radius, upright.end);
        i64 n = 0;
        for (int side = 0; side < 2; ++side) {
            from_columns(upright.first[side], Offset(side ? -stride : stride), radius, n);
            n += 2 * columns.each;
        }
        for (int side = 0; side < 2; ++side) {
            from_rows(columns.first[side], side, radius, n);
            n += 2 * upright.each;
        }
        return flux_of(n, radius);
    }

  private:
    // Adds up each row from the centre on: before[k] are the cells 0 to k - 1 to the right, and before[-1 - k]
    // those to the left. Two rows at a time, each pixel by pixel: a core does four sums at the same time.
    void add_up_rows() {
        const double right = columns.first[0], left = columns.first[1];
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

    // Notes the pieces that begin where the rim comes into a column, above the centre or below it, from
    // number n on. `first` is where the rows begin there, and `step` leads from one to the next.
    SKYSHED_FLAT void from_columns(double first, Offset step, double radius, i64 n) {
        const double whole = radius * radius, *begin = columns.begin, *end = columns.end;
        const double *crossed = columns.crossed, *centre = value + half * stride + half;
        const Offset *at = columns.pixel;
        double *areas = area + n, *squares = square + n, *pixels_of = pixel + n, *insides = inside + n;
        const i64 cells = 2 * columns.each;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < cells; ++k) {
            const double row = lines_inside(whole, first, crossed[k], begin[k]);
            const double low = begin_of(first, row);
            const Piece piece = piece_from(radius, begin[k], crossed[k], end[k], low);
            const double there = centre[at[k] + Offset(int(row)) * step];
            areas[k] = piece.under, squares[k] = piece.square, insides[k] = 0.0;
            pixels_of[k] = begin[k] < radius ? there : 0.0;
        }
    }

    // Notes the pieces that begin where the rim comes into a row, to the right of the centre or to the left,
    // and the flux of what is inside up to there. `first` is where the columns begin.
    SKYSHED_FLAT void from_rows(double first, int left, double radius, i64 n) {
        const double whole = radius * radius, *begin = upright.begin, *end = upright.end;
        const double *crossed = upright.crossed, *centre = value + half * stride + half;
        const double *sums = before + half * stride + half - left;
        const Offset *at = upright.pixel, step = left ? -1 : 1;
        double *areas = area + n, *squares = square + n, *pixels_of = pixel + n, *insides = inside + n;
        const i64 cells = 2 * upright.each;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < cells; ++k) {
            const double column = lines_inside(whole, first, crossed[k], end[k]);
            const Piece piece = piece_from(radius, crossed[k], end[k], first + column, begin[k]);
            const Offset there = at[k] + Offset(int(column)) * step;
            const double here = centre[there], up_to = sums[there], height = end[k] - begin[k];
            areas[k] = (crossed[k] - begin_of(first, column)) * height + piece.under;
            squares[k] = piece.square;
            pixels_of[k] = end[k] <= radius ? here : 0.0;
            insides[k] = end[k] <= radius ? up_to * height : 0.0;
        }
    }

    // The flux of the n pieces that are noted.
    double flux_of(i64 n, double radius) {
        const double whole = radius * radius, quarter = 0.25 / (radius * radius);
        if (has_short_pieces(quarter)) {
            SKYSHED_INDEPENDENT
            for (i64 k = 0; k < n; ++k)
                inside[k] += pixel[k] * (area[k] + whole * small_cap(quarter * square[k]));
        } else {
            for (i64 k = 0; k < n; ++k)
                inside[k] += pixel[k] * (area[k] + whole * cap(quarter * square[k]));
        }
        return add_up(inside, n);
    }

    i64 half = 0, stride = 0, rows = 0;
    Room<double> pixels, lines, rim;
    Room<Offset> offsets;
    double *value = nullptr, *before = nullptr;
    Cells<Offset> columns = {}, upright = {};
    // Of each piece: the area below its chord, the square of the chord, the pixel, and the flux inside.
    double *area = nullptr, *square = nullptr, *pixel = nullptr, *inside = nullptr;
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
    Patch<int> patch;
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
