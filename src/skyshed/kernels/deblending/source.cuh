// One source and one block of threads: what all steps of deblending share. A source's pixels are known
// by their place in it, 0..n-1 in raster order. The arrays lie in shared memory (places of 16 bits) or,
// for large sources, in global memory (places of 32 bits); the steps are the same.

#include "values.h"
#include "tree.h"
#include "flood.h"

using namespace deblending;

// Of the values of this image; 0 is not reached yet.
using Key = Ordered<REAL>::Bits;

// The block's memory. What stands on one line below takes turns in the same place.
template <class I> struct Work {
    Key *key;
    int *size, *node; Key *reach;        // the tree's nodes; the level at which the flood comes
    I *level, *died, *list; u64 *flux; double *share; int *low, *high, *state;  // the tree; basins
    int *up; I *far, *next;              // the tree's links; the flood's steps
    I *label, *above, *below, *cells;
    unsigned char *touch;
    u64 *sum;                            // of the tree's nodes, if the rule is about peaks
    int max_basins;
    int *first;  // where each level's pixels begin among `cells`; null where there are many levels
};

// Bytes per pixel are those of deblending/cuda.py. A multiple of 8 pixels keeps all aligned.
template <class I> __device__ inline Work<I> lay_out(unsigned char *at, i64 capacity, bool saddle) {
    Work<I> w;
    const i64 c = capacity, links = 2 * sizeof(I);
    w.key = (Key *)at, at += c * sizeof(Key);
    w.reach = (Key *)at, w.size = (int *)at, w.node = w.size + c, at += c * 8;
    w.sum = (u64 *)at, at += saddle ? c * 8 : 0;
    w.max_basins = int(c * 3 * sizeof(I) / 28);
    w.flux = (u64 *)at, w.share = (double *)(w.flux + w.max_basins);
    w.low = (int *)(w.share + w.max_basins), w.high = w.low + w.max_basins;
    w.state = w.high + w.max_basins;
    w.level = (I *)at, w.died = w.level + c, w.list = w.died + c, at += c * 3 * sizeof(I);
    w.up = (int *)at, w.far = (I *)at, w.next = w.far + c, at += c * links;
    w.label = (I *)at, w.above = w.label + c, w.below = w.above + c, w.cells = w.below + c;
    w.touch = (unsigned char *)(w.cells + c);
    w.first = nullptr;
    return w;
}

// Threads of the largest blocks.
#define MOST_THREADS 512
// Small sources list their pixels by level if there are no more levels than this.
#define FEW_LEVELS 62

// What the block agrees on.
struct Team {
    int n_cells, n_list, next_level, markers, doubt, low, high, alive;
    int firsts[MOST_THREADS / 32];  // by warp
    int first[FEW_LEVELS + 2];      // of a small source's levels
    u64 least, most;
    double total;
};

// The range of the values and the units in which sums are estimated: sums of integers have the same
// bits in any order. A unit times n terms stays below 2^61.
struct Scale {
    double unit, per_unit, error;  // error: of a sum of n values, or of its estimate
    bool finite, nonnegative;
};

// Ways are bits of `touch`.
template <class I>
__device__ inline int neighbour(const Work<I> &w, int k, unsigned touch, int way) {
    if (way == LEFT) return k - 1;
    if (way == RIGHT) return k + 1;
    const bool up = way == UP || way == UP_LEFT || way == UP_RIGHT;
    const int first = up ? w.above[k] : w.below[k];
    const int left = touch >> (up ? UP_LEFT : DOWN_LEFT) & 1;
    if (way == UP || way == DOWN) return first + left;
    if (way == UP_LEFT || way == DOWN_LEFT) return first;
    return first + left + (touch >> (up ? UP : DOWN) & 1);
}

template <class I, class Visit>
__device__ inline void for_neighbours(const Work<I> &w, int k, Visit visit) {
    const unsigned touch = w.touch[k];
    for (unsigned ways = touch; ways; ways &= ways - 1)
        visit(neighbour(w, k, touch, __ffs((int)ways) - 1));
}

// The first place in [low, high) whose pixel is not before p.
__device__ inline i64 place_of(const i64 *pixel, i64 low, i64 high, i64 p) {
    while (low < high) {
        const i64 middle = (low + high) / 2;
        if (pixel[middle] < p) low = middle + 1; else high = middle;
    }
    return low;
}

// Notes which of three pixels in a row, around p, a source has, from place `at` on; returns the place
// of the first of them. Of places between two pixels there are no more than there are pixels between.
__device__ inline i64 look(
    const i64 *pixel, i64 n, i64 at, i64 p, int left, int right, unsigned *found) {
    i64 first = at;
    *found = 0;
    if (left && at < n && pixel[at] == p - 1) *found |= 1, at++;
    if (at < n && pixel[at] == p) *found |= 2, at++;
    if (right && at < n && pixel[at] == p + 1) *found |= 4;
    return first;
}

// Finds the neighbours of a source's pixels begin, begin + step, ... before `end`; n is how many it has.
template <class I>
__device__ void find_neighbours(
    const Work<I> &w, const i64 *pixel, int n, i64 nx, bool corners, int begin, int end, int step) {
    for (int k = begin; k < end; k += step) {
        const i64 p = pixel[k], x = p % nx;
        const int left = x > 0 ? 1 : 0, right = x + 1 < nx ? 1 : 0;
        const int reach_left = corners ? left : 0, reach_right = corners ? right : 0;
        unsigned over, under, touch = 0;
        i64 at = place_of(pixel, max(i64(0), k - nx - 1), k, p - nx - reach_left);
        w.above[k] = (I)look(pixel, k, at, p - nx, reach_left, reach_right, &over);
        at = place_of(pixel, k + 1, min(i64(n), k + nx + 2), p + nx - reach_left);
        w.below[k] = (I)look(pixel, n, at, p + nx, reach_left, reach_right, &under);
        if (left && k > 0 && pixel[k - 1] == p - 1) touch |= 1u << LEFT;
        if (right && k + 1 < n && pixel[k + 1] == p + 1) touch |= 1u << RIGHT;
        touch |= (over >> 1 & 1) << UP | (over & 1) << UP_LEFT | (over >> 2) << UP_RIGHT;
        touch |= (under >> 1 & 1) << DOWN | (under & 1) << DOWN_LEFT | (under >> 2) << DOWN_RIGHT;
        w.touch[k] = (unsigned char)touch;
    }
}

__device__ inline double power_of_two(int e) {
    return __longlong_as_double((i64)(min(max(e, -1022), 1023) + 1023) << 52);
}

// Gathers the values and their range; every thread returns the same.
template <class I>
__device__ Scale take_values(const Work<I> &w, const REAL *values, int n, Team &team) {
    if (threadIdx.x == 0) team.least = ~0ULL, team.most = 0;
    __syncthreads();
    u64 least = ~0ULL, most = 0;
    for (int k = threadIdx.x; k < n; k += blockDim.x) {
        const REAL v = values[k];
        const Key key = key_of(v);
        w.key[k] = key;
        if (!counts(v)) continue;
        const u64 wide = key_of((double)v);
        least = min(least, wide), most = max(most, wide);
    }
    atomicMin(&team.least, least);
    atomicMax(&team.most, most);
    __syncthreads();
    Scale scale;
    const bool any = team.most > 0;
    const double low = any ? value_of(team.least) : 0.0, high = any ? value_of(team.most) : 0.0;
    const double largest = max(fabs(low), fabs(high));
    scale.nonnegative = low >= 0.0;
    const int digits = 32 - __clz(n);
    const int exponent = (int)((u64)__double_as_longlong(largest) >> 52 & 2047) - 1022;
    const int shift = min(61 - digits - exponent, 1000);
    scale.finite = exponent < 900;  // also spares the estimates an overflow
    scale.per_unit = power_of_two(shift);
    scale.unit = power_of_two(-shift);
    scale.error = n * scale.unit + 0x1p-50 * n * (n * largest);
    return scale;
}

// A value in units; exact to half a unit.
__device__ inline u64 units_of(double value, const Scale &scale) {
    return counts(value) && scale.finite ? (u64)(i64)rint(value * scale.per_unit) : 0;
}
__device__ inline double from_units(u64 units, const Scale &scale) {
    return (double)(i64)units * scale.unit;
}

// Where most of 32 pixels count, their values are added without a look at which: 0 moves no sum, and
// what each step adds need not wait for the sum before it.
#define MOST 8

// The sum, one by one in raster order, of the pixels first..last that have a label (all if 0). A warp
// works together; its lanes return the same.
template <class I>
__device__ double sum_in_order(const Work<I> &w, int first, int last, int label) {
    double total = 0.0;
    for (int at = first; at <= last; at += 32) {
        const int k = at + lane_of_thread();
        const double value = k <= last ? value_of(w.key[k]) : 0.0;
        const bool adds = k <= last && counts(value) && (label == 0 || w.label[k] == label);
        const unsigned adding = __ballot_sync(ALL_LANES, adds);
        if (__popc(adding) > MOST) {
            const double added = adds ? value : 0.0;
            #pragma unroll
            for (int lane = 0; lane < 32; ++lane) total += __shfl_sync(ALL_LANES, added, lane);
            continue;
        }
        for (unsigned left = adding; left; left &= left - 1)
            total += __shfl_sync(ALL_LANES, value, __ffs((int)left) - 1);
    }
    return total;
}
