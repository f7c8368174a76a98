// The radius of the circle that holds a given flux.
//
// A source's pixels are read once, into a square patch about its centre with row-wise prefix sums. The
// flux in a circle is then one difference per half row for the pixels inside it, and exact overlaps for
// those on its rim. In one quadrant the rim runs outwards and down, cell by cell, so that each cell's
// share of the circle is a trapezium and a cap.

#include "skyshed/kernels/apertures/radius.h"

#include "skyshed/kernels/apertures/rows.hpp"

namespace apertures {
namespace {

// Room for a rim, in cells, over half the side of its patch, which is more than its radius r + 1: in a
// quadrant it crosses at most r + 1 lines of the grid each way; that makes 8 r + 12 cells.
constexpr i64 RIM = 16;

// The lines of the grid on one side of the centre: how far away they are, and where a circle leaves them.
struct Lines {
    double first;      // the distance of the first one
    double *distance;  // from the first on
    double *far;       // far[-1] is there, but never used

    void place(double distance_of_first, i64 n) {
        first = distance_of_first;
        for (i64 k = 0; k < n; ++k) distance[k] = first + double(k);
    }
    void cross(double radius, i64 n) {
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < n; ++k) far[k] = leaves(radius, distance[k]);
    }
    // How many lines are closer than `reach`.
    i64 within(double reach) const { return lines_within(first, reach); }
    // The cell that ends at the first line that is not closer than `reach`, given `within(reach)`. (Where
    // it is just as far, `within` counts it.)
    i64 last_cell(double reach, i64 n) const { return n && distance[n - 1] >= reach ? n - 1 : n; }
};

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

// A patch of pixels about a centre, and what a circle in it is computed with.
class Patch {
  public:
    Patch() : pixels(1 << 12), lines(1 << 8), rim(1 << 10) {}

    // Makes room for circles up to a radius; says whether there is.
    bool resize(double largest) {
        half = i64(ceil(largest)) + 1;
        stride = 2 * half + 2;
        rows = 2 * half + 1;
        room = padded(half + 2);
        if (!pixels.grow(2 * (rows * stride + LANES)) || !lines.grow(8 * (room + LANES)) ||
            !rim.grow(3 * (RIM * half + 2 * LANES)))
            return false;
        value = pixels.begin();
        prefix = value + rows * stride + LANES;
        double *at = lines.begin() + LANES;
        for (Lines *side : {&right, &left, &up, &down}) {
            side->distance = at, side->far = at + room + LANES;
            at += 2 * (room + LANES);
        }
        area = rim.begin();
        square = area + RIM * half + 2 * LANES;
        pixel = square + RIM * half + 2 * LANES;
        return true;
    }

    // Reads the pixels of a box, 0 elsewhere, and adds up each row's pixels before them. (x, y) is the
    // centre, `sky` is subtracted.
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
        add_up_rows();
        const double dx = x - column, dy = y - row;
        const i64 n = padded(half + 2);
        right.place(0.5 - dx, n), left.place(0.5 + dx, n), up.place(0.5 - dy, n), down.place(0.5 + dy, n);
    }

    // The flux in a circle about the centre.
    double flux_within(double radius) {
        const i64 n_lines = min(padded(i64(radius) + 2), room);
        for (Lines *side : {&right, &left, &up, &down}) side->cross(radius, n_lines);
        double total = 0.0;
        i64 n = 0;
        for (int side = 0; side < 2; ++side) {
            const Lines &rows_at = side ? down : up;
            const i64 step_row = side ? -stride : stride;
            double low = 0.0, near = radius;
            i64 n_right = right.within(near), n_left = left.within(near);
            for (i64 row = 0; low < radius; ++row) {
                const double high = rows_at.distance[row];
                const double far = high < radius ? rows_at.far[row] : 0.0;
                const double *at = value + half * stride + half + row * step_row;
                const double *before = prefix + (at - value);
                const i64 last_right = right.last_cell(near, n_right);
                const i64 last_left = left.last_cell(near, n_left);
                n_right = right.within(far), n_left = left.within(far);
                if (n_right) {
                    const double inside = right.first * at[0] + (before[n_right] - before[1]);
                    total += (high - low) * inside;
                }
                n = list<1>(right, at, n_right, last_right, low, high, near, far, radius, n);
                if (n_left) {
                    const double inside = left.first * at[0] + (before[0] - before[1 - n_left]);
                    total += (high - low) * inside;
                }
                n = list<-1>(left, at, n_left, last_left, low, high, near, far, radius, n);
                low = high, near = far;
            }
        }
        return total + flux_of_rim(n, radius);
    }

  private:
    // Four rows at a time, each pixel by pixel: a core does four sums at the same time.
    void add_up_rows() {
        for (i64 row = 0; row < rows; row += 4) {
            const double *in[4];
            double *out[4], running[4] = {};
            for (i64 k = 0; k < 4; ++k) {
                // The last rows are done again where there are none left.
                in[k] = value + min(row + k, rows - 1) * stride;
                out[k] = prefix + min(row + k, rows - 1) * stride;
            }
            for (i64 x = 0; x < stride; ++x)
                for (int k = 0; k < 4; ++k) out[k][x] = running[k], running[k] += in[k][x];
        }
    }

    // Lists the cells of half a row that the circle's rim crosses, from number n on; returns how many
    // there are then. Distances from the centre: `low` and `high` of the row's edges; `near` and `far` of
    // where the rim leaves it there. The cells are those from `cell` to `last`, and end at `lines`; at is
    // the pixel at the centre. A few are always computed together.
    template <int STEP>
    i64 list(
        const Lines &lines, const double *at, i64 cell, i64 last, double low, double high, double near,
        double far, double radius, i64 n) {
        const double start = cell ? lines.first + double(cell - 1) : 0.0;
        const double below = (far - start) * (high - low);
        const double top = far == 0.0 ? smaller(high, radius) : high;
        const i64 cells = last - cell + 1, end = padded(cells);
        const double *distance = lines.distance + cell, *leaving = lines.far + cell;
        const double *values = at + STEP * cell;
        double *areas = area + n, *squares = square + n, *pixels_of = pixel + n;
        SKYSHED_INDEPENDENT
        for (i64 k = 0; k < end; ++k) {
            const double u = distance[k], v = leaving[k];
            const Piece piece = piece_of(
                distance[k - 1], leaving[k - 1], u < near ? u : near, u < near ? v : low, low);
            areas[k] = piece.under, squares[k] = piece.square;
            pixels_of[k] = values[STEP * k];
        }
        // The first cell begins where the rim comes into the row.
        const bool more = distance[0] < near;
        const Piece piece =
            piece_of(far, top, more ? distance[0] : near, more ? leaving[0] : low, low);
        areas[0] = below + piece.under, squares[0] = piece.square;
        return n + cells;
    }

    // The flux of the n cells that are listed.
    double flux_of_rim(i64 n, double radius) {
        const double whole = radius * radius, quarter = 0.25 / (radius * radius);
        const i64 end = padded(n);
        for (i64 k = n; k < end; ++k) area[k] = square[k] = pixel[k] = 0.0;
        if (has_short_pieces(quarter)) {
            SKYSHED_INDEPENDENT
            for (i64 k = 0; k < end; ++k) pixel[k] *= area[k] + whole * small_cap(quarter * square[k]);
        } else {
            for (i64 k = 0; k < n; ++k) pixel[k] *= area[k] + whole * cap(quarter * square[k]);
        }
        return add_up(pixel, end);
    }

    i64 half = 0, stride = 0, rows = 0, room = 0;
    Room pixels, lines, rim;
    double *value = nullptr, *prefix = nullptr;
    Lines right = {}, left = {}, up = {}, down = {};
    // Cells of the rim: the area below its chord, the square of the chord, and the pixel.
    double *area = nullptr, *square = nullptr, *pixel = nullptr;
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
