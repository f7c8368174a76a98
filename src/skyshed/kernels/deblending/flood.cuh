// The watershed on the GPU; flood.h says what it is.
//
// The levels at which cells flood, a fixed point, are found by relaxation in any order, and so are the
// steps, `far`. A cell takes the label of its best neighbour; if several are best and their labels
// differ, only the serial flood knows: `False`.

// The flood's level at a pixel: a seed's is its value.
template <class I> __device__ inline Key reach_of(const Work<I> &w, int q) {
    return w.label[q] ? w.key[q] : ld(w.reach + q);
}

// Lets the flood rise until it stands; says whether this thread raised anything.
template <class I> __device__ inline bool raise(const Work<I> &w, int k) {
    Key best = 0;
    for_neighbours(w, k, [&](int q) { best = max(best, reach_of(w, q)); });
    const Key mine = flood_level(w.key[k], best);
    if (mine <= ld(w.reach + k)) return false;
    st(w.reach + k, mine);
    return true;
}

template <class I> __device__ inline int steps_of(const Work<I> &w, int q) {
    return w.label[q] ? 0 : (int)ld(w.far + q);
}

template <class I> __device__ inline bool approach(const Work<I> &w, int k, int never) {
    const Key mine = w.reach[k];
    int least = never;
    for_neighbours(w, k, [&](int q) {
        least = min(least, steps_from(mine, reach_of(w, q), steps_of(w, q), never));
    });
    if (least >= (int)ld(w.far + k)) return false;
    st(w.far + k, (I)least);
    return true;
}

template <class I> __device__ inline Best<Key> best_of(const Work<I> &w, int k) {
    Best<Key> best = {0, 0, -1};
    for_neighbours(w, k, [&](int q) {
        if (reach_of(w, q)) best.meet(reach_of(w, q), steps_of(w, q), q);
    });
    return best;
}

template <class I> __device__ inline int label_to_be(const Work<I> &w, int q) {
    return w.label[q] ? w.label[q] : w.label[w.next[q]];
}

// Whether all neighbours as good as the best one will have its label.
template <class I> __device__ inline bool is_certain(const Work<I> &w, int k) {
    const int label = label_to_be(w, k);
    const Best<Key> best = best_of(w, k);
    bool certain = true;
    for_neighbours(w, k, [&](int q) {
        if (best.equals(reach_of(w, q), steps_of(w, q))) certain &= label_to_be(w, q) == label;
    });
    return certain;
}

// Floods the cells; returns false, with no label given, where a serial flood has to decide. Cells out
// of reach keep 0.
template <class I> __device__ bool flood(const Work<I> &w, int m) {
    const int never = sizeof(I) == 2 ? 0xffff : 0x7fffffff;
    for (int i = threadIdx.x; i < m; i += blockDim.x) {
        w.reach[w.cells[i]] = 0;
        w.far[w.cells[i]] = (I)never;
    }
    __syncthreads();
    bool moved;
    do {
        moved = false;
        for (int i = threadIdx.x; i < m; i += blockDim.x) moved |= raise(w, w.cells[i]);
    } while (__syncthreads_or(moved));
    do {
        moved = false;
        for (int i = threadIdx.x; i < m; i += blockDim.x)
            if (w.reach[w.cells[i]]) moved |= approach(w, w.cells[i], never);
    } while (__syncthreads_or(moved));
    for (int i = threadIdx.x; i < m; i += blockDim.x) {
        const int k = w.cells[i], best = best_of(w, k).at;
        w.next[k] = (I)(best < 0 ? k : best);
    }
    __syncthreads();
    do {
        moved = false;
        for (int i = threadIdx.x; i < m; i += blockDim.x) {
            const int k = w.cells[i], next = ld(w.next + k);
            if (w.reach[k] == 0 || w.label[next]) continue;
            st(w.next + k, ld(w.next + next));
            moved = true;
        }
    } while (__syncthreads_or(moved));
    bool certain = true;
    for (int i = threadIdx.x; i < m; i += blockDim.x)
        if (w.reach[w.cells[i]]) certain &= is_certain(w, w.cells[i]);
    if (!__syncthreads_and(certain)) return false;
    for (int i = threadIdx.x; i < m; i += blockDim.x)
        if (w.reach[w.cells[i]]) w.label[w.cells[i]] = w.label[w.next[w.cells[i]]];
    __syncthreads();
    return true;
}

// The serial flood, by one thread. The heap lies in the flood's own arrays.
template <class I> __device__ void flood_by_one(const Work<I> &w, int n, int missing) {
    Heap<Key, I> heap = {w.reach, w.far, w.next, 0};
    for (int k = 0; k < n; k++)
        if (w.label[k]) heap.push(w.key[k], 0, k);
    flood_by_heap(
        heap, missing, w.label, w.key, [&](int p, auto visit) { for_neighbours(w, p, visit); },
        [](int) { return true; });
}
