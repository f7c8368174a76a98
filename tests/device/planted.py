"""Kernels with one defect each, of the kinds that the emulator exists to find, and sound twins."""

import numpy as np

SOURCE = r"""
__device__ int ld(const int *p) {
#ifdef CUDA_ON_CPU
    emu::preempt();
    return __atomic_load_n(p, __ATOMIC_RELAXED);
#else
    return *(const volatile int *)p;
#endif
}
__device__ void st(int *p, int v) {
#ifdef CUDA_ON_CPU
    emu::preempt();
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
#else
    *(volatile int *)p = v;
#endif
}

extern "C" __global__ void count(int *total) { atomicAdd(total, 1); }

extern "C" __global__ void count_lost(int *total) { st(total, ld(total) + 1); }

// Each thread hooks the root of its own tree under root 0.
extern "C" __global__ void hook(int *parent, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int a = i, b = (i * 7 + 1) % n;
    while (true) {
        while (ld(&parent[a]) != a) a = ld(&parent[a]);
        while (ld(&parent[b]) != b) b = ld(&parent[b]);
        if (a == b) return;
        if (a > b) { int t = a; a = b; b = t; }
        if (atomicCAS(&parent[b], b, a) == b) return;
    }
}

extern "C" __global__ void hook_plain(int *parent, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int a = i, b = (i * 7 + 1) % n;
    while (ld(&parent[a]) != a) a = ld(&parent[a]);
    while (ld(&parent[b]) != b) b = ld(&parent[b]);
    if (a == b) return;
    if (a > b) { int t = a; a = b; b = t; }
    st(&parent[b], a);
}

extern "C" __global__ void reverse(int *out) {
    __shared__ int seen[128];
    seen[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = seen[127 - threadIdx.x];
}

extern "C" __global__ void reverse_unsynchronised(int *out) {
    __shared__ int seen[128];
    seen[threadIdx.x] = threadIdx.x;
    out[blockIdx.x * blockDim.x + threadIdx.x] = seen[127 - threadIdx.x];
}

extern "C" __global__ void two_barriers(int *out) {
    if (threadIdx.x < 64)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 1;
}

extern "C" __global__ void returned_early(int *out) {
    if (threadIdx.x == 5) return;
    __syncthreads();
    out[threadIdx.x] = 1;
}

extern "C" __global__ void returned_lane(int *out) {
    if (threadIdx.x == 5) return;
    out[threadIdx.x] = __shfl_down_sync(0xffffffffu, int(threadIdx.x), 1);
}

extern "C" __global__ void lane_outside(int *out) {
    out[threadIdx.x] = __shfl_sync(0x0000ffffu, int(threadIdx.x), 20);
}

extern "C" __global__ void one_too_far(int *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) out[i] = i;
}

extern "C" __global__ void same_place(int *out) { out[0] = blockIdx.x; }

// Counts on shared memory that nobody has set.
extern "C" __global__ void votes_from_zero(int *out) {
    __shared__ int votes;
    atomicAdd(&votes, 1);
    __syncthreads();
    if (threadIdx.x == 0) out[blockIdx.x] = votes;
}

// A block twice as large as `seen` has room for.
extern "C" __global__ void past_shared(int *out) {
    __shared__ int seen[32];
    seen[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = seen[threadIdx.x];
}

extern "C" __global__ void past_dynamic(int *out) {
    int *seen = reinterpret_cast<int *>(emu::shared_memory);
    seen[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = seen[threadIdx.x];
}

extern "C" __global__ void sum_warp(const double *x, double *out) {
    double v = x[threadIdx.x];
    for (int d = 16; d; d >>= 1) v += __shfl_down_sync(0xffffffffu, v, d);
    if (threadIdx.x == 0) out[0] = v;
}

extern "C" __global__ void warp_votes(unsigned *out) {
    unsigned odd = __ballot_sync(0xffffffffu, threadIdx.x & 1);
    out[threadIdx.x] = odd;
}

// Waits for a thread that never says so; by itself, and at barriers.
extern "C" __global__ void waits_for_ever(const int *flag, int *out) {
    while (!ld(flag)) {}
    out[0] = 1;
}
extern "C" __global__ void meets_for_ever(const int *flag, int *out) {
    while (!__syncthreads_or(ld(flag))) {}
    out[0] = 1;
}

// What a device makes of numbers that are none, or too large, or next to nothing.
extern "C" __global__ void convert(
    const double *x, int *wide, long long *wider, unsigned *positive
) {
    const int i = threadIdx.x;
    wide[i] = (int)x[i];
    wider[i] = (long long)(x[i]);
    positive[i] = unsigned(x[i]);
}
extern "C" __global__ void convert_floats(const float *x, int *wide, long long *wider) {
    const int i = threadIdx.x;
    wide[i] = int(x[i]);
    wider[i] = (long long)x[i];
}
extern "C" __global__ void extremes(const double *a, const double *b, double *low, double *high) {
    low[threadIdx.x] = min(a[threadIdx.x], b[threadIdx.x]);
    high[threadIdx.x] = max(a[threadIdx.x], b[threadIdx.x]);
}
extern "C" __global__ void halves(float *x) { x[threadIdx.x] = x[threadIdx.x] * 0.5f; }
extern "C" __global__ void narrow(const long long *x, int *out) {
    out[threadIdx.x] = (int)x[threadIdx.x];
}

extern "C" __global__ void block_votes(int *out) {
    int votes = __syncthreads_count(threadIdx.x < 10);
    votes += 100 * __syncthreads_or(threadIdx.x == 3);
    votes += 1000 * __syncthreads_and(threadIdx.x == 3);
    out[threadIdx.x] = votes;
}
"""


def module(variant="plain"):
    """Build the kernels; imported late, so that a sanitized process finds the package's path."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.device.emulator.build import Module

    return Module(SOURCE, Path("planted.cu"), variant)


def sound(variant):
    """Launch the sound kernels."""
    kernels = module(variant)
    kernels.launch("count", (4,), (64,), (np.zeros(1, np.int32),), preempt=0.1)
    kernels.launch(
        "hook", (2,), (64,), (np.arange(128, dtype=np.int32), np.int32(128)), preempt=0.1
    )
    kernels.launch("reverse", (4,), (128,), (np.zeros(512, np.int32),), preempt=0.1)
    kernels.launch("sum_warp", (1,), (32,), (np.ones(32), np.zeros(1)), preempt=0.1)
    kernels.launch("past_shared", (1,), (32,), (np.zeros(32, np.int32),))
    kernels.launch("past_dynamic", (1,), (64,), (np.zeros(64, np.int32),), shared=4 * 64)


def out_of_bounds(variant):
    """Write one element past the end."""
    module(variant).launch("one_too_far", (2,), (64,), (np.zeros(100, np.int32), np.int32(100)))


def past_shared(variant):
    """Launch a block that is larger than its static shared memory."""
    module(variant).launch("past_shared", (1,), (64,), (np.zeros(64, np.int32),))


def past_dynamic(variant):
    """Launch a block with less dynamic shared memory than it uses, by one element."""
    module(variant).launch("past_dynamic", (2,), (64,), (np.zeros(64, np.int32),), shared=4 * 63)


def missing_barrier(variant):
    """Read what another thread writes without a barrier between."""
    module(variant).launch("reverse_unsynchronised", (1,), (128,), (np.zeros(128, np.int32),))


def racing_stores(variant):
    """Store from all blocks to one place."""
    module(variant).launch("same_place", (64,), (32,), (np.zeros(1, np.int32),))
