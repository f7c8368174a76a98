// Markers on the GPU; tree.h says what they are. A group is known by a pixel, its root.
//
// Pixels join from the top level down. The root of a group is its first pixel of its highest level, so
// whoever joins first, the tree is the same. A pixel that was a root keeps the link by which its group
// was joined to another, and the level at which that happened (`died`).

// Pixels of level v may shorten their paths: their links mean nothing until the level is done.
template <class I> __device__ inline int root_of(const Work<I> &w, int k, int v) {
    int up = ld(w.up + k);
    while (up != k) {
        const int next = ld(w.up + up);
        if (next != up && w.level[k] == v) st(w.up + k, next);
        k = up;
        up = next;
    }
    return k;
}

template <class I> __device__ inline void join(const Work<I> &w, int a, int b, int v) {
    a = root_of(w, a, v);
    b = root_of(w, b, v);
    while (a != b) {
        const bool first = w.level[a] > w.level[b] || (w.level[a] == w.level[b] && a < b);
        const int stays = first ? a : b, goes = first ? b : a;
        const int seen = atomicCAS(w.up + goes, goes, stays);
        if (seen == goes) return;
        a = root_of(w, seen, v);
        b = root_of(w, stays, v);
    }
}

// Whether the group of root r, all above threshold v, is large enough. Where rounding could decide
// about its flux, the source is in doubt.
template <class I>
__device__ inline bool is_large(
    const Work<I> &w, int r, int v, const Rule &rule, const Scale &scale, Team &team) {
    if (!has_size(w.size[r], rule)) return false;
    if (!rule.saddle) return true;
    const double over = excess(from_units(w.sum[r], scale), w.size[r], v, rule);
    if (!scale.finite || !(fabs(over) > 4 * scale.error)) atomicExch(&team.doubt, 1);
    return over > 0.0;
}

// Lists the pixels by their level, in `cells`, so that each level need not look at all of them. What
// follows does not depend on their order within a level.
template <class I> __device__ void sort_by_level(const Work<I> &w, int n, int n_levels) {
    for (int v = threadIdx.x; v <= n_levels + 1; v += blockDim.x) st(w.first + v, 0);
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x) atomicAdd(w.first + w.level[k] + 1, 1);
    __syncthreads();
    // first[v + 1] becomes where level v begins, and then, counted up, where it ends.
    if (threadIdx.x < 32) {
        int before = 0;
        for (int at = 1; at <= n_levels + 1; at += 32) {
            const int v = at + threadIdx.x, mine = v <= n_levels + 1 ? ld(w.first + v) : 0;
            int upto = mine;
            for (int step = 1; step < 32; step <<= 1) {
                const int other = __shfl_up_sync(ALL_LANES, upto, step);
                if (lane_of_thread() >= step) upto += other;
            }
            if (v <= n_levels + 1) st(w.first + v, before + upto - mine);
            before += __shfl_sync(ALL_LANES, upto, 31);
        }
    }
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x)
        w.cells[atomicAdd(w.first + w.level[k] + 1, 1)] = (I)k;
    __syncthreads();
}

// Calls visit(k) for the pixels of level v, which the threads share; returns the highest level below
// that this thread knows to have pixels, 0 if none.
template <class I, class Visit>
__device__ inline int for_level(const Work<I> &w, int n, int v, Visit visit) {
    int below = 0;
    if (w.first) {
        for (int i = w.first[v] + threadIdx.x; i < w.first[v + 1]; i += blockDim.x)
            visit((int)w.cells[i]);
        if (threadIdx.x == 0)
            for (below = v - 1; below > 0 && w.first[below] == w.first[below + 1];) --below;
        return below;
    }
    for (int k = threadIdx.x; k < n; k += blockDim.x) {
        const int level = w.level[k];
        if (level < v) below = max(below, level);
        if (level == v) visit(k);
    }
    return below;
}

// Joins the pixels of level v to the groups above it and to each other, and notes the next level.
template <class I> __device__ void add_level(const Work<I> &w, int n, int v, Team &team) {
    const int below = for_level(w, n, v, [&](int k) {
        for_neighbours(w, k, [&](int q) {
            if (w.level[q] > v || (w.level[q] == v && q < k)) join(w, k, q, v);
        });
    });
    atomicMax(&team.next_level, below);
}

// Adds the new pixels, and the groups that are joined to others, to their roots.
template <class I>
__device__ void add_up(
    const Work<I> &w, int n, int v, int n_list, const Rule &rule, const Scale &scale, Team &team) {
    for_level(w, n, v, [&](int k) {
        const int root = root_of(w, k, -1);
        w.died[k] = (I)v;
        if (root == k) w.list[atomicAdd(&team.n_list, 1)] = (I)k;
        else st(w.up + k, root);
        atomicAdd(w.size + root, 1);
        if (rule.saddle) atomicAdd(w.sum + root, units_of(value_of(w.key[k]), scale));
    });
    for (int i = threadIdx.x; i < n_list; i += blockDim.x) {
        const int r = w.list[i];
        const int node = ld(w.node + r);
        if (node & DEAD) continue;
        const int root = root_of(w, r, -1);
        if (node & HELD) atomicAdd(w.node + root, 1);
        if (root == r) continue;
        w.died[r] = (I)v;
        st(w.up + r, root);
        atomicAdd(w.size + root, w.size[r]);
        if (rule.saddle) atomicAdd(w.sum + root, w.sum[r]);
    }
}

// Where several large groups have met, those that never split before are markers: `label` gets the
// level above which their pixels are, plus 1. Then the groups that they are now part of have split.
template <class I> __device__ void mark(const Work<I> &w, int v, int n_list, Team &team) {
    for (int i = threadIdx.x; i < n_list; i += blockDim.x) {
        const int r = w.list[i], node = w.node[r];
        if (!is_marker(node, w.node[w.up[r]])) continue;
        w.label[r] = (I)(v + 1);
        atomicAdd(&team.markers, 1);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n_list; i += blockDim.x) {
        const int r = w.list[i], node = ld(w.node + r), root = w.up[r];
        if (node & DEAD) continue;
        if (has_siblings(node, root != r, ld(w.node + root))) atomicOr(w.node + root, SPLIT);
    }
}

// Groups above the lowest threshold are siblings, too.
template <class I>
__device__ void mark_lowest(
    const Work<I> &w, const Rule &rule, const Scale &scale, Team &team) {
    int held = 0;
    for (int i = threadIdx.x; i < team.n_list; i += blockDim.x) {
        const int r = w.list[i];
        const bool large = w.up[r] == r && is_large(w, r, 0, rule, scale, team);
        w.node[r] = w.up[r] == r ? opened(w.node[r], large) : DEAD;
        held += large;
    }
    if (threadIdx.x == 0) team.alive = 0;
    __syncthreads();
    if (held) atomicAdd(&team.alive, held);
    __syncthreads();
    for (int i = threadIdx.x; i < team.n_list; i += blockDim.x) {
        const int r = w.list[i];
        if (!is_marker(w.node[r], team.alive)) continue;
        w.label[r] = 1;
        atomicAdd(&team.markers, 1);
    }
}

// Finds the markers; team.markers says how many. team.doubt says that rounding may have decided.
template <class I>
__device__ void find_markers(
    const Work<I> &w, int n, int n_levels, const Rule &rule, const Scale &scale, Team &team) {
    if (threadIdx.x == 0) team.n_list = team.markers = team.doubt = team.next_level = 0;
    __syncthreads();
    int top = 0;
    for (int k = threadIdx.x; k < n; k += blockDim.x) {
        const int level = level_of(value_of(w.key[k]), rule.threshold, n_levels);
        w.level[k] = (I)level;
        w.up[k] = k, w.size[k] = 0, w.node[k] = 0, w.label[k] = 0;
        if (rule.saddle) w.sum[k] = 0;
        top = max(top, level);
    }
    atomicMax(&team.next_level, top);
    __syncthreads();
    if (w.first) sort_by_level(w, n, n_levels);
    for (int v = team.next_level; v > 0; v = team.next_level) {
        const int n_list = team.n_list;
        for (int i = threadIdx.x; i < n_list; i += blockDim.x) {
            const int r = w.list[i];
            if (w.up[r] != r) w.node[r] = DEAD;
            else w.node[r] = opened(w.node[r], is_large(w, r, v, rule, scale, team));
        }
        __syncthreads();
        if (threadIdx.x == 0) team.next_level = 0;
        __syncthreads();
        add_level(w, n, v, team);
        __syncthreads();
        add_up(w, n, v, n_list, rule, scale, team);
        __syncthreads();
        mark(w, v, n_list, team);
        __syncthreads();
    }
    mark_lowest(w, rule, scale, team);
    __syncthreads();
}

// Labels the markers' pixels, from 1 in raster order of their first pixels; 0 elsewhere.
template <class I> __device__ void draw_markers(const Work<I> &w, int n, Team &team) {
    for (int k = threadIdx.x; k < n; k += blockDim.x) w.node[k] = n;
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x) {
        const int owner = owner_of(k, w.level[k], w.up, w.died, w.label);
        w.size[k] = owner;
        if (owner >= 0) atomicMin(w.node + owner, k);
    }
    // As many pixels as there are threads at a time: each warp counts its own after those before.
    int count = 0;
    for (int begin = 0; begin < n; begin += blockDim.x) {
        const int k = begin + threadIdx.x, owner = k < n ? w.size[k] : -1;
        __syncthreads();  // what is there has been read
        const bool is_first = owner >= 0 && w.node[owner] == k;
        const unsigned firsts = __ballot_sync(ALL_LANES, is_first);
        if (lane_of_thread() == 0) team.firsts[threadIdx.x / 32] = __popc(firsts);
        __syncthreads();
        int before = count;
        for (int i = 0; i < blockDim.x / 32; ++i) {
            count += team.firsts[i];
            if (i < threadIdx.x / 32) before += team.firsts[i];
        }
        const unsigned upto = firsts & ((2u << lane_of_thread()) - 1);
        if (is_first) w.list[owner] = (I)(before + __popc(upto));
    }
    __syncthreads();
    for (int k = threadIdx.x; k < n; k += blockDim.x)
        w.label[k] = w.size[k] >= 0 ? w.list[w.size[k]] : (I)0;
    __syncthreads();
}
