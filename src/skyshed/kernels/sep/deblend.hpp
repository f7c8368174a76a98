// SourceExtractor's deblending (Bertin & Arnouts 1996, section 5): thresholds between the detection's and the
// peak, a tree of what is connected above each, and branches cut where more than one has its share of the
// flux. Pixels below the branches go to one of them by chance, in proportion to Gaussians.
#pragma once
#include "skyshed/kernels/sep/objects.hpp"
#include "skyshed/kernels/sep/scan.hpp"

namespace sep {

// C's rand_r, as glibc has it: the same numbers on every system.
struct Random {
    static constexpr i64 GREATEST = 2147483647;
    unsigned state = 1;
    int draw() {
        const auto step = [this] { return state = state * 1103515245u + 12345u, state / 65536u; };
        unsigned value = step() % 2048u;
        value = (value << 10) ^ (step() % 1024u);
        value = (value << 10) ^ (step() % 1024u);
        return int(value);
    }
};

// A branch of the tree: an object, its sons in the next level, and whether it is still whole.
struct Branch {
    Object o;
    i64 first_son, n_sons;
    bool whole;
};

class Deblend {
  public:
    Deblend(const Pixels &f, i64 levels, double contrast, i64 least) : f(f), levels(levels), contrast(contrast),
        least(min(least, i64(3))) {}  // of a branch; SourceExtractor's limit

    // Splits an object; its parts, or itself, are added to `objects`, their pixels to `list`. False: no
    // memory, or stopped.
    bool split(const Object &root, const i64 *pixels, Grown<Object> &objects, Grown<i64> &list) {
        scan.stop = stop;
        if (!grow(root, pixels)) return false;
        cut();
        if (branches[0].whole) {
            Object alone = branches[0].o;
            if (!append(alone, pixels, objects, list)) return false;
            return true;
        }
        return gather(root, pixels, objects, list);
    }

  private:
    static bool append(Object &o, const i64 *pixels, Grown<Object> &objects, Grown<i64> &list) {
        const i64 begin = list.size();
        if (!list.resize(begin + o.n)) return false;
        std::memcpy(list.begin() + begin, pixels, sizeof(i64) * size_t(o.n));
        o.begin = begin;
        objects.add(o);
        return !objects.bad();
    }

    // Builds the tree from the bottom up. Pixels of all branches are in `held`; `number` and `owner` are maps
    // of the root's bounding box.
    bool grow(const Object &root, const i64 *pixels) {
        const i64 width = root.x1 - root.x0 + 1, height = root.y1 - root.y0 + 1;
        branches.clear(), held.clear(), level_begin.clear();
        if (!number.resize(width * height) || !owner.resize(root.n) || !scan.next.resize(root.n) ||
            !scan.prepare(width) || !held.resize(root.n))
            return false;
        std::fill(number.begin(), number.begin() + width * height, i64(-1));
        for (i64 k = 0; k < root.n; ++k) {
            const i64 x = pixels[k] % f.nx - root.x0, y = pixels[k] / f.nx - root.y0;
            number[y * width + x] = k, owner[k] = 0, held[k] = pixels[k];
        }
        Object first = root;
        first.begin = 0;
        branches.add({first, 0, 0, true});
        level_begin.add(0), level_begin.add(1);
        share = double(root.smooth_flux) * contrast;
        for (i64 level = 1; level < levels; ++level) {
            const double base = double(root.threshold), peak = double(root.smooth_peak);
            const float threshold =
                float(peak > 0.0 ? base * pow(peak / base, double(level) / double(levels)) : base);
            const i64 from = level_begin[level - 1], to = level_begin[level];
            for (i64 b = from; b < to; ++b) {
                const Object parent = branches[b].o;
                branches[b].first_son = branches.size();
                bool enough = true;
                const auto above = [&](i64 x, i64 y, bool &edge) -> i64 {
                    const i64 k = number[(y - root.y0) * width + (x - root.x0)];
                    if (k < 0 || owner[k] != b || !(f.smooth[pixels[k]] > threshold)) return -1;
                    edge = on_edge(x, y);
                    return k;
                };
                const auto done = [&](const Chain &chain) {
                    if (chain.n < least) return true;
                    Object son = {};
                    son.begin = held.size(), son.n = chain.n, son.flag = chain.edge ? EDGE : 0;
                    son.threshold = threshold;
                    for (i64 k = chain.first; k >= 0; k = scan.next[k]) held.add(pixels[k]);
                    if (held.bad()) return enough = false;
                    survey(son, f, held.begin() + son.begin);
                    branches.add({son, 0, 0, true});
                    return enough = !branches.bad();
                };
                if (!scan.run(parent.x0, parent.x1 + 1, parent.y0, parent.y1 + 1, above, done) || !enough)
                    return false;
                branches[b].n_sons = branches.size() - branches[b].first_son;
            }
            // The next level looks at the pixels of its own branches only.
            for (i64 k = 0; k < root.n; ++k) owner[k] = -1;
            for (i64 b = to; b < branches.size(); ++b)
                for (i64 k = 0; k < branches[b].o.n; ++k) {
                    const i64 p = held[branches[b].o.begin + k];
                    owner[number[(p / f.nx - root.y0) * width + (p % f.nx - root.x0)]] = b;
                }
            level_begin.add(branches.size());
        }
        return !level_begin.bad();
    }

    bool on_edge(i64 x, i64 y) const { return x == 0 || y == 0 || x == f.nx - 1 || y == ny - 1; }

    bool counts(const Object &o) const {
        return double(o.smooth_flux - o.threshold * float(o.n)) > share;
    }

    // Cuts from the top down, and lists the branches that become objects.
    void cut() {
        parts.clear();
        for (i64 level = levels - 2; level >= 0; --level)
            for (i64 b = level_begin[level]; b < level_begin[level + 1]; ++b) {
                Branch &parent = branches[b];
                i64 n = 0;
                const i64 from = parent.first_son, to = from + parent.n_sons;
                for (i64 s = from; s < to; ++s) {
                    n += counts(branches[s].o);
                    parent.whole = parent.whole && branches[s].whole;
                }
                if (n < 2) continue;
                for (i64 s = from; s < to; ++s)
                    if (branches[s].whole && counts(branches[s].o)) parts.add(s);
                parent.whole = false;
            }
    }

    // Makes objects of the parts, and gives them the pixels of the root that no part has.
    bool gather(const Object &root, const i64 *pixels, Grown<Object> &objects, Grown<i64> &list) {
        const i64 n = parts.size(), width = root.x1 - root.x0 + 1;
        if (parts.bad() || !given.resize(root.n) || !amplitude.resize(n) || !sum.resize(n + 1)) return false;
        for (i64 k = 0; k < root.n; ++k) given[k] = -1;
        for (i64 i = 0; i < n; ++i) {
            Object &o = branches[parts[i]].o;
            o.flag |= MERGED;
            measure(o, f, held.begin() + o.begin, false, 0.0);
            o.threshold = root.threshold;
            for (i64 k = 0; k < o.n; ++k) {
                const i64 p = held[o.begin + k];
                given[number[(p / f.nx - root.y0) * width + (p % f.nx - root.x0)]] = i;
            }
            const float distance = float(double(o.n) / (2 * PI * double(o.correction) * double(o.a) * double(o.b)));
            const float limit = 4.0f * o.smooth_peak;  // of how far a part expands
            amplitude[i] = distance < 70.0f ? o.threshold * std::exp(distance) : limit;
            if (amplitude[i] > limit) amplitude[i] = limit;
        }
        for (i64 k = 0; k < root.n; ++k) {
            if (stopped(stop)) return false;
            if (given[k] < 0) given[k] = -2 - pick(pixels[k], n);
        }
        for (i64 i = 0; i < n; ++i) {
            if (stopped(stop)) return false;
            Object o = branches[parts[i]].o;
            const i64 begin = list.size();
            for (i64 k = 0; k < o.n; ++k) list.add(held[o.begin + k]);
            for (i64 k = 0; k < root.n; ++k)
                if (given[k] == -2 - i) list.add(pixels[k]);
            if (list.bad()) return false;
            o.begin = begin, o.n = list.size() - begin;
            objects.add(o);
        }
        return !objects.bad();
    }

    // The part that a pixel falls to.
    i64 pick(i64 p, i64 n) {
        const i64 x = p % f.nx, y = p / f.nx;
        float nearest = 1e31f;
        i64 closest = 0;
        sum[0] = 0.0f;
        for (i64 i = 0; i < n; ++i) {
            const Object &o = branches[parts[i]].o;
            const float dx = float(double(x) - o.x), dy = float(double(y) - o.y);
            const float square = o.cxx * dx * dx + o.cyy * dy * dy + o.cxy * dx * dy;
            const float distance = float(0.5 * double(square) / double(o.correction));
            sum[i + 1] = float(double(sum[i]) + (distance < 70.0f ? double(amplitude[i] * std::exp(-distance)) : 0.0));
            if (distance < nearest) nearest = distance, closest = i;
        }
        if (!(double(sum[n]) > 1.0e-31)) return closest;
        const float chance = sum[n] * float(random.draw()) / float(Random::GREATEST);
        i64 i = 0;
        while (i < n && sum[i + 1] < chance) ++i;
        return i == n ? closest : i;
    }

    const Pixels f;
    const i64 levels;
    const double contrast;
    const i64 least;

  public:
    i64 ny = 0;  // rows of the image
    const int *stop = nullptr;  // a kernel's flag
    Random random;

  private:
    double share = 0.0;
    Scan scan;
    Grown<Branch> branches;
    Grown<i64> held, number, owner, level_begin, parts, given;
    Grown<float> amplitude, sum;
};

}  // namespace sep
