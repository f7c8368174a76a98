// Image moments of each source. Each row gives four sums over x; four powers of its y carry them into
// the sixteen moments. All coordinates are relative to the source's own box, so that the bits do not
// depend on where it lies.
//
// A row is added up pixel by pixel, each sum waiting for the one before. So several rows are added up
// side by side, in the lanes of vectors: their pixels are laid out as columns, with zeros where the
// source has none, which moves no bit of a sum.

#include "skyshed/kernels/moments/moments.h"

#include "skyshed/kernels/cpu.h"

namespace moments {
namespace {

constexpr int LANES = 8;
// Columns for a source of 90 by 90 pixels; they fit a core's cache.
constexpr i64 SMALL = 1024;
// Pixels of the largest box that is asked for ahead.
constexpr i64 ROOM_AHEAD = 1 << 14;

// One pixel each of LANES rows.
struct Column {
    double of[LANES];
};

// Sums side by side, as many as registers of this CPU hold. GCC has to be told: of loops over lanes it makes
// single sums, and of vectors that no register holds it makes worse.
#if defined(__AVX512F__)
constexpr int WIDE = 8, NARROW = 4;
#elif defined(__AVX__)
constexpr int WIDE = 4, NARROW = 4;
#else
constexpr int WIDE = 2, NARROW = 2;
#endif
#if defined(__GNUC__)
typedef double Wide __attribute__((vector_size(WIDE * sizeof(double))));
typedef double Narrow __attribute__((vector_size(NARROW * sizeof(double))));
template <class Vector> inline void multiply(Vector &a, double by) { a *= by; }
template <class Vector> inline void add(Vector &a, const Vector &b) { a += b; }
#else
template <int N> struct Lanes {
    double of[N];
};
typedef Lanes<WIDE> Wide;
typedef Lanes<NARROW> Narrow;
template <int N> inline void multiply(Lanes<N> &a, double by) {
    for (int k = 0; k < N; ++k) a.of[k] *= by;
}
template <int N> inline void add(Lanes<N> &a, const Lanes<N> &b) {
    for (int k = 0; k < N; ++k) a.of[k] += b.of[k];
}
#endif

// The sums of x^j value over the columns, for j < 4 and each row.
struct Sums {
    double of[4][LANES];
};

void add_up(const Column *columns, i64 n, double xcen, Sums &sums) {
    for (int lane = 0; lane < LANES; lane += WIDE) {
        Wide of[4] = {};
        for (i64 c = 0; c < n; ++c) {
            const double x = double(c) - xcen;
            Wide term;
            std::memcpy(&term, columns[c].of + lane, sizeof term);
            add(of[0], term);
            for (int j = 1; j < 4; ++j) {
                multiply(term, x);
                add(of[j], term);
            }
        }
        for (int j = 0; j < 4; ++j) std::memcpy(sums.of[j] + lane, of + j, sizeof of[j]);
    }
}

// Adds rows, of which the first is row y of the source, to the moments about a row.
void add_rows(double *out, i64 y, double about, const Sums &sums, i64 rows) {
    for (int first = 0; first < 4; first += NARROW) {
        Narrow moments[4];
        for (int i = 0; i < 4; ++i) std::memcpy(moments + i, out + 4 * i + first, sizeof moments[i]);
        for (int lane = 0; lane < rows; ++lane) {
            double of[NARROW];
            for (int j = 0; j < NARROW; ++j) of[j] = sums.of[first + j][lane];
            double power = 1.0;
            for (int i = 0; i < 4; ++i) {
                Narrow term;
                std::memcpy(&term, of, sizeof term);
                multiply(term, power);
                add(moments[i], term);
                power *= double(y + lane) - about;
            }
        }
        for (int i = 0; i < 4; ++i) std::memcpy(out + 4 * i + first, moments + i, sizeof moments[i]);
    }
}

// A source: its n pixels and its box.
template <class Value> struct Source {
    const i64 *pixel, *box;
    i64 n, nx;
    const Value *image;
    const bool *mask;

    // Asks for the image in its box, and for the list of its pixels, where a cache has room for them.
    void prefetch_all() const {
        if (width() * (box[1] - box[0]) > ROOM_AHEAD) return;
        for (i64 y = box[0]; y < box[1]; ++y) {
            const i64 first = y * nx + box[2], last = y * nx + box[3] - 1;
            for (i64 p = first; p < last + 15; p += 16) prefetch<2>(image + min(p, last));
            if (mask) prefetch<2>(mask + first), prefetch<2>(mask + last);
        }
        for (i64 j = 0; j < n; j += 8) prefetch<2>(pixel + j);
    }

    i64 width() const { return box[3] - box[2]; }
    i64 blocks() const { return (box[1] - box[0] + LANES - 1) / LANES; }

    // Lays out the pixels of a block of LANES rows, of which the first is pixel[j]; returns the first
    // pixel of a later block.
    i64 lay_out(i64 block, i64 j, Column *columns) const {
        std::memset(columns, 0, sizeof(Column) * size_t(width()));
        i64 corner = (box[0] + block * LANES) * nx + box[2];
        const i64 later = corner + LANES * nx;
        for (int lane = 0; j < n && pixel[j] < later; ++j) {
            const i64 p = pixel[j];
            for (; p >= corner + width(); corner += nx) ++lane;
            double value = counted(double(image[p]));
            if (mask && mask[p]) value = 0.0;
            columns[p - corner].of[lane] = value;
        }
        return j;
    }

    void add_block(i64 block, const Column *columns, Point about, double *out) const {
        Sums sums;
        add_up(columns, width(), about.x, sums);
        const i64 y = block * LANES;
        add_rows(out, y, about.y, sums, min(i64(LANES), box[1] - box[0] - y));
    }
};

// The moments about a corner and about the centroid of a source. It is laid out once where there is
// room for all of its blocks, otherwise block by block, twice. Returns false if it was stopped.
template <class Value>
bool measure_source(
    const Source<Value> &source, Column *columns, i64 room, double *raw, double *central, const int *stop) {
    const i64 width = source.width(), blocks = source.blocks();
    const i64 step = blocks * width <= room ? width : 0;  // from one block's columns to the next one's
    std::fill(raw, raw + 16, 0.0);
    for (i64 block = 0, j = 0; block < blocks; ++block) {
        if (stopped(stop)) return false;
        j = source.lay_out(block, j, columns + block * step);
        source.add_block(block, columns + block * step, corner(), raw);
    }
    if (!has_centroid(raw)) {
        for (int element = 0; element < 16; ++element) central[element] = undefined(element);
        return true;
    }
    const Point center = centroid(raw);
    std::fill(central, central + 16, 0.0);
    for (i64 block = 0, j = 0; block < blocks; ++block) {
        if (stopped(stop)) return false;
        if (!step) j = source.lay_out(block, j, columns);
        source.add_block(block, columns + block * step, center, central);
    }
    return true;
}

// The moments of sources order[k0:k1] about their corners and about their centroids.
template <class Value>
i64 measure(
    const i64 *pixel, const i64 *start, const i64 *order, const i64 *bbox, i64 nx, const Value *image,
    const bool *mask, double *raw, double *central, const int *stop, i64 k0, i64 k1) {
    i64 room = SMALL;
    for (i64 k = k0; k < k1; ++k) room = max(room, bbox[4 * order[k] + 3] - bbox[4 * order[k] + 2]);
    Scratch<Column> columns(room);
    if (!columns) return NO_MEMORY;
    const auto source_at = [&](i64 k) {
        const i64 i = order[k];
        return Source<Value>{pixel + start[i], bbox + 4 * i, start[i + 1] - start[i], nx, image, mask};
    };
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Source<Value> source = source_at(k);
        if (k + 1 < k1) source_at(k + 1).prefetch_all();
        if (!measure_source(source, columns.begin(), room, raw + 16 * i, central + 16 * i, stop))
            return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("moments.measure", measure<float>);
SKYSHED_KERNEL("moments.measure", measure<double>);

}  // namespace
}  // namespace moments
