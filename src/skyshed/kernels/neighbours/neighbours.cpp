// The nearest points of a grid, from a tree that halves them along the longer side of their box
// (Bentley 1975, CACM 18, 509), and is searched from the nearest box on (Arya & Mount 1993, DCC, 381).
//
// Points at equal distances come in the order that the tree is built and searched in. It is that of
// SciPy's cKDTree, balanced and with compact nodes: the same partition of the standard library, the
// same comparisons.
#include <algorithm>

#include "skyshed/kernels/cpu.h"

namespace neighbours {
namespace {

// What belongs to a node, in a row of an array of the caller's.
struct Node {
    i64 begin, end;     // its points, in the order of the tree
    i64 axis;           // that it is split along, LEAF if it is not
    i64 below, beyond;  // the nodes on either side
};
constexpr i64 LEAF = -1;

struct Tree {
    const i64 *points;
    i64 *order;
    Node *nodes;
    double *splits;
    i64 leafsize, n_nodes;

    double at(i64 point, i64 axis) const { return double(points[2 * point + axis]); }

    // The least and the greatest coordinate of some points.
    void bounds(i64 begin, i64 end, i64 axis, i64 &low, i64 &high) const {
        low = high = points[2 * order[begin] + axis];
        for (i64 i = begin; i < end; ++i) {
            const i64 value = points[2 * order[i] + axis];
            low = min(low, value), high = max(high, value);
        }
    }

    // The axis along which points spread farthest, the first of equals.
    i64 longest_axis(i64 begin, i64 end) const {
        i64 low[2], high[2];
        for (i64 axis = 0; axis < 2; ++axis) bounds(begin, end, axis, low[axis], high[axis]);
        return high[1] - low[1] > high[0] - low[0];
    }

    // Puts the points below a value first; returns where the others begin.
    i64 part(i64 begin, i64 end, i64 axis, double value) {
        return std::partition(order + begin, order + end,
                              [&](i64 point) { return at(point, axis) < value; }) -
               order;
    }

    i64 build(i64 begin, i64 end) {
        const i64 number = n_nodes++;
        nodes[number] = {begin, end, LEAF, LEAF, LEAF};
        if (end - begin <= leafsize) return number;
        const i64 axis = longest_axis(begin, end), middle = begin + (end - begin) / 2;
        const auto lower = [&](i64 a, i64 b) { return at(a, axis) < at(b, axis); };
        std::nth_element(order + begin, order + middle, order + end, lower);
        double split = at(order[middle], axis);
        i64 cut = part(begin, middle, axis, split);
        if (cut == begin) {  // the lowest value comes often: it is parted from all others
            split = std::nextafter(split, INF_VALUE);
            cut = part(begin, end, axis, split);
        }
        splits[number] = split;
        const i64 below = build(begin, cut), beyond = build(cut, end);
        nodes[number] = {begin, end, axis, below, beyond};
        return number;
    }
};

// Items by their key, the least first; which of equals is first follows from how they came.
template <class Item> struct Queue {
    Item *items;
    i64 n = 0;

    void push(const Item &item) {
        i64 i = n++;
        for (; i > 0 && item.key < items[(i - 1) / 2].key; i = (i - 1) / 2)
            items[i] = items[(i - 1) / 2];
        items[i] = item;
    }

    Item pop() {
        const Item first = items[0], last = items[--n];
        i64 i = 0;
        for (i64 child = 1; child < n; child = 2 * i + 1) {
            if (child + 1 < n && items[child + 1].key < items[child].key) ++child;
            if (!(items[child].key < last.key)) break;
            items[i] = items[child];
            i = child;
        }
        items[i] = last;
        return first;
    }
};

struct Found {
    double key;  // the squared distance, negative: the farthest is the first to go
    i64 point;
};

// A node to look into: the squared distance of its box, and what each axis adds to that.
struct Box {
    double key;
    double along[2];
    i64 node;
};

// Where all points are.
struct Bounds {
    i64 low[2], high[2];
};

void search(const Tree &tree, const Bounds &bounds, const i64 *place, i64 k, Queue<Found> &found,
            Queue<Box> &boxes) {
    double reach = INF_VALUE;
    Box box = {0.0, {0.0, 0.0}, 0};
    for (int axis = 0; axis < 2; ++axis) {
        const double outside = double(
            max(max(bounds.low[axis] - place[axis], place[axis] - bounds.high[axis]), i64(0)));
        box.along[axis] = outside * outside;
        box.key += box.along[axis];
    }
    found.n = boxes.n = 0;
    for (;;) {
        const Node &node = tree.nodes[box.node];
        if (node.axis == LEAF) {
            for (i64 i = node.begin; i < node.end; ++i) {
                const i64 point = tree.order[i];
                const double dy = tree.at(point, 0) - double(place[0]);
                const double dx = tree.at(point, 1) - double(place[1]);
                const double distance = dy * dy + dx * dx;
                if (!(distance < reach)) continue;
                if (found.n == k) found.pop();
                found.push({-distance, point});
                if (found.n == k) reach = -found.items[0].key;
            }
            if (boxes.n == 0) return;
            box = boxes.pop();
            continue;
        }
        if (box.key > reach) return;
        Box near = box, far = box;
        const double split = tree.splits[box.node], at = double(place[node.axis]);
        near.node = at < split ? node.below : node.beyond;
        far.node = at < split ? node.beyond : node.below;
        const double beyond = (split - at) * (split - at);
        far.key += beyond - far.along[node.axis];
        far.along[node.axis] = beyond;
        if (near.key > far.key) std::swap(near, far);
        if (far.key <= reach) boxes.push(far);
        box = near;
    }
}

i64 build(const i64 *points, i64 n, i64 leafsize, i64 *order, i64 *nodes, double *splits) {
    Tree tree = {points, order, reinterpret_cast<Node *>(nodes), splits, leafsize, 0};
    tree.build(0, n);
    return tree.n_nodes;
}
SKYSHED_KERNEL("neighbours.build", build);

i64 ask(const i64 *points, i64 n, i64 *order, i64 *nodes, double *splits, i64 n_nodes,
        const i64 *places, i64 k, double *distance, i64 *index, i64 first, i64 past) {
    const Tree tree = {points, order, reinterpret_cast<Node *>(nodes), splits, 0, n_nodes};
    Scratch<Found> nearest(k);
    Scratch<Box> waiting(n_nodes);
    if (!nearest || !waiting) return NO_MEMORY;
    Bounds bounds;
    for (i64 axis = 0; axis < 2; ++axis) tree.bounds(0, n, axis, bounds.low[axis], bounds.high[axis]);
    Queue<Found> found = {nearest.begin()};
    Queue<Box> boxes = {waiting.begin()};
    for (i64 i = first; i < past; ++i) {
        search(tree, bounds, places + 2 * i, k, found, boxes);
        for (i64 j = found.n; j < k; ++j) distance[i * k + j] = INF_VALUE, index[i * k + j] = n;
        while (found.n) {
            const Found farthest = found.pop();
            distance[i * k + found.n] = sqrt(-farthest.key);
            index[i * k + found.n] = farthest.point;
        }
    }
    return 0;
}
SKYSHED_KERNEL("neighbours.ask", ask);

}  // namespace
}  // namespace neighbours
