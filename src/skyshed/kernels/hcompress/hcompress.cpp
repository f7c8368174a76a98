// Tiles of HCOMPRESS_1: whether a decoder that trusts them stays within their bytes and their pixels.

#include <utility>

#include "skyshed/kernels/cpu.h"

namespace hcompress {
namespace {

enum State { SOUND, ENDS, NO_HEADER, OTHER_SIZE, NO_CODE, NOT_FOLLOWED };

// What a stream begins with.
constexpr unsigned char MAGIC[] = {0xDD, 0x99};
// Bytes of the header: the magic, rows, columns and scale, the sum of the pixels, three numbers of planes.
constexpr i64 HEADER = 2 + 3 * 4 + 8 + 3;
// Of a quadrant's bit plane: a bit of each pixel as it is, or a quadtree of them.
constexpr int DIRECT = 0x0, QUADTREE = 0xF;

class Bits {
  public:
    Bits(const unsigned char *begin, const unsigned char *end) : at(begin), end(end) {}

    // The next bit, the highest of a byte first; 0 beyond the end.
    int one() {
        if (left == 0) {
            ended |= at == end;
            byte = at == end ? 0 : *at++;
            left = 8;
        }
        return byte >> --left & 1;
    }
    int several(int n) {
        int value = 0;
        while (n--) value = value << 1 | one();
        return value;
    }
    void to_next_byte() { left = 0; }
    bool have_ended() const { return ended; }

    // Four bits in the code of quadtrees: short for a single one, long for none.
    int coded() {
        int code = several(3);
        if (code < 4) return 1 << code;
        code = code << 1 | one();
        switch (code) {
            case 8: return 3;
            case 9: return 5;
            case 10: return 10;
            case 11: return 12;
            case 12: return 15;
        }
        code = code << 1 | one();
        switch (code) {
            case 26: return 6;
            case 27: return 7;
            case 28: return 9;
            case 29: return 11;
            case 30: return 13;
        }
        code = code << 1 | one();
        return code == 62 ? 0 : 14;
    }

  private:
    const unsigned char *at, *end;
    int byte = 0, left = 0;
    bool ended = false;
};

// A number of four bytes, the highest first.
i64 number_at(const unsigned char *at) {
    return i64(int(unsigned(at[0]) << 24 | unsigned(at[1]) << 16 | unsigned(at[2]) << 8 | at[3]));
}

i64 half_of(i64 n) { return (n + 1) / 2; }

// Gives each of rows x columns bits, the four of a node of the level above being those of a square.
void spread(
    const unsigned char *nodes, i64 rows, i64 columns, unsigned char *bits, i64 width, bool together) {
    for (i64 y = 0; y < rows; ++y)
        for (i64 x = 0; x < columns; ++x) {
            const int node = nodes[y / 2 * half_of(columns) + x / 2];
            const unsigned char bit = node >> (3 - 2 * (y % 2) - x % 2) & 1;
            unsigned char &to = bits[y * width + x];
            to = together ? to | bit : bit;
        }
}

// Room for the nodes of two levels of a quadtree, and for which pixels are not 0.
struct Room {
    Scratch<unsigned char> nodes, above, nonzero;
};

// Follows the planes of a quadrant, whose first pixel is `pixels`, in rows of `width`.
State follow_planes(
    Bits &bits, int planes, i64 rows, i64 columns, unsigned char *pixels, i64 width, Room &room,
    const int *stop) {
    const i64 size = half_of(rows) * half_of(columns);
    int levels = 0;
    while (i64(1) << levels < max(rows, columns)) ++levels;
    for (int plane = 0; plane < planes; ++plane) {
        if (bits.have_ended()) return ENDS;
        if (stopped(stop)) return NOT_FOLLOWED;
        const int how = bits.several(4);
        unsigned char *nodes = room.nodes.begin(), *above = room.above.begin();
        if (how == DIRECT) {
            for (i64 k = 0; k < size; ++k) nodes[k] = (unsigned char)bits.several(4);
        } else if (how == QUADTREE) {
            nodes[0] = (unsigned char)bits.coded();
            // Level k has a node for each square of 2^(levels - k) pixels a side.
            for (int k = 1; k < levels; ++k) {
                const i64 side = i64(1) << (levels - k);
                const i64 high = (rows + side - 1) / side, wide = (columns + side - 1) / side;
                if (stopped(stop)) return NOT_FOLLOWED;
                std::swap(nodes, above);
                spread(above, high, wide, nodes, wide, false);
                for (i64 node = high * wide - 1; node >= 0; --node)
                    if (nodes[node]) nodes[node] = (unsigned char)bits.coded();
            }
        } else {
            return NO_CODE;
        }
        spread(nodes, rows, columns, pixels, width, true);
    }
    return bits.have_ended() ? ENDS : SOUND;
}

State follow(
    const unsigned char *stream, i64 length, i64 rows, i64 columns, bool wide, Room &room, const int *stop) {
    if (length < HEADER) return ENDS;
    if (!std::equal(MAGIC, MAGIC + sizeof MAGIC, stream)) return NO_HEADER;
    if (number_at(stream + 2) != rows || number_at(stream + 6) != columns) return OTHER_SIZE;
    const unsigned char *planes = stream + HEADER - 3;
    for (int k = 0; k < 3; ++k)
        if (planes[k] > (wide ? 63 : 31)) return NO_CODE;
    unsigned char *nonzero = room.nonzero.begin();
    std::fill_n(nonzero, rows * columns, 0);
    Bits bits(stream + HEADER, stream + length);
    const i64 y = half_of(rows), x = half_of(columns);
    const struct { i64 y, x, rows, columns; int planes; } quadrants[] = {
        {0, 0, y, x, planes[0]}, {0, x, y, columns - x, planes[1]}, {y, 0, rows - y, x, planes[1]},
        {y, x, rows - y, columns - x, planes[2]}};
    for (const auto &of : quadrants) {
        const State state = follow_planes(
            bits, of.planes, of.rows, of.columns, nonzero + of.y * columns + of.x, columns, room, stop);
        if (state != SOUND) return state;
    }
    if (bits.several(4) != 0) return NO_CODE;
    // Signs of what is not 0 begin with a byte.
    bits.to_next_byte();
    for (i64 k = 0; k < rows * columns; ++k)
        if (nonzero[k]) bits.one();
    return bits.have_ended() ? ENDS : SOUND;
}

// Of tiles k0 to k1 - 1.
i64 check_tiles(
    const unsigned char *stream, const i64 *tiles, bool wide, int *state, const int *stop, i64 k0, i64 k1) {
    for (i64 k = k0; k < k1; ++k) {
        const i64 *tile = tiles + 4 * k, rows = tile[2], columns = tile[3];
        const i64 nodes = half_of(rows) * half_of(columns);
        Room room = {Scratch<unsigned char>(nodes), Scratch<unsigned char>(nodes),
                     Scratch<unsigned char>(rows * columns)};
        if (!room.nodes || !room.above || !room.nonzero) return NO_MEMORY;
        state[k] = follow(stream + tile[0], tile[1], rows, columns, wide, room, stop);
        if (state[k] == NOT_FOLLOWED) return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("hcompress.check_tiles", check_tiles);

}  // namespace
}  // namespace hcompress
