// CUDA C++ on the CPU: enough of the language to run this project's kernels and to find their bugs.
//
// A kernel file is compiled behind this header; runtime.cpp runs it. Only what CUDA has exists here,
// so a kernel that compiles here and by NVRTC uses real functions. Bits are CUDA's without FMA
// contraction.
#pragma once

// Little is included, because every kernel file is compiled behind it: <cmath> has min and max, too.
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>

#define CUDA_ON_CPU 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __constant__ static const
#ifdef EMU_ADDRESS_SANITIZER
// The address sanitizer sees the ends of statics, but not of those of a thread. So blocks run one
// after the other where it watches.
#define __shared__ static
#else
// A block runs on one OS thread, so a static of that thread is the block's.
#define __shared__ static thread_local
#endif

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

// What is one instruction on a GPU, or a few, is a call where instructions are counted: its insides
// are no basic blocks of the kernel's.
#ifdef EMU_COUNTED
#define EMU_ONE_STEP __attribute__((noinline, no_sanitize_coverage))
#define EMU_CAST __attribute__((noinline, no_sanitize_coverage)) inline
// Reading a kernel's arguments is no access of memory.
#define EMU_CALLER __attribute__((noinline, no_sanitize_coverage, no_sanitize("thread"))) static
#else
#define EMU_ONE_STEP
#define EMU_CALLER static
#define EMU_CAST constexpr __attribute__((always_inline)) inline
#endif

namespace emu {

constexpr int WARP = 32;

// What a thread can ask about itself; the runtime points these at the running fiber.
extern constinit thread_local const uint3 *thread_index, *block_index;
extern constinit thread_local const dim3 *block_size, *grid_size;
extern constinit thread_local char *shared_memory;

// Another thread of the block may run here: called before every access that can race.
void preempt();
// Waits for the whole block; returns how many threads gave a true predicate.
int barrier(int line, int predicate);
// Waits for the lanes of the mask, which bring a value each; returns that of lane `from`, or one's
// own where there is no such lane.
uint64_t exchange(unsigned mask, uint64_t value, int line, int from);
unsigned ballot(unsigned mask, int predicate, int line);
int lane();

template <class T> EMU_ONE_STEP T shuffle(unsigned mask, T value, int line, int from) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = exchange(mask, bits, line, from);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

// Ends the launch: what the thread does is not what was meant.
[[noreturn]] void refuse(const char *what, int line, double value);

// What build.py makes of `(int)value` and `int(value)`: the device's conversion. A float is rounded
// towards zero and saturates; NaN is 0, or the least number where either side has 64 bits (PTX ISA,
// "cvt"). An integer that does not fit would lose its upper half there, as here: it is refused.
template <class To> struct Cast {
    int line;
};
// `(u64)(i64)value`: the operator takes its left side first.
template <class To, class Through> struct Casts {
    int line;
};
template <class To, class Through>
EMU_CAST Casts<To, Through> operator->*(Cast<To> cast, Cast<Through>) {
    return {cast.line};
}
template <class To, class From> EMU_CAST To operator->*(Cast<To> cast, From value) {
    using Limits = std::numeric_limits<To>;
    if constexpr (std::floating_point<To>) {
        return To(value);
    } else if constexpr (std::floating_point<From>) {
        if (value != value) {
            if (sizeof(From) < 8 && sizeof(To) < 8) return 0;
            return To(To(1) << (sizeof(To) * 8 - 1));
        }
        // The least number is exact in any float; one more than the largest is a power of two.
        if (value < From(Limits::min())) return Limits::min();
        if (value >= From(Limits::max() / 2 + 1) * 2) return Limits::max();
        return To(value);
    } else {
        if constexpr (std::integral<From> && sizeof(To) < sizeof(From))
            if (std::is_signed_v<From> ? (value < From(Limits::min()) || value > From(Limits::max()))
                                       : value > From(Limits::max()))
                refuse("does not fit in 32 bits or less", cast.line, double(value));
        return To(value);
    }
}

template <class To, class Through, class From>
EMU_CAST To operator->*(Casts<To, Through> cast, From value) {
    return Cast<To>{cast.line}->*(Cast<Through>{cast.line}->*value);
}

inline unsigned mask_or_all(unsigned mask = 0xFFFFFFFFu) { return mask; }
inline int threads() { return int(block_size->x * block_size->y * block_size->z); }

template <class T> EMU_ONE_STEP T atomic_apply(T *address, auto change) {
    preempt();
    T seen = __atomic_load_n(address, __ATOMIC_RELAXED), wanted;
    do wanted = change(seen);
    while (!__atomic_compare_exchange_n(address, &seen, wanted, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return seen;
}

}  // namespace emu

#ifdef EMU_COUNTED
// Registers on a GPU: reading them is no access of memory.
namespace emu {
#define EMU_REGISTER(T, name)                                                                         \
    __attribute__((noinline, no_sanitize_coverage, no_sanitize("thread"))) inline T name##_() {       \
        return *name;                                                                                \
    }
EMU_REGISTER(uint3, thread_index)
EMU_REGISTER(uint3, block_index)
EMU_REGISTER(dim3, block_size)
EMU_REGISTER(dim3, grid_size)
#undef EMU_REGISTER
}  // namespace emu
#define threadIdx emu::thread_index_()
#define blockIdx emu::block_index_()
#define blockDim emu::block_size_()
#define gridDim emu::grid_size_()
#else
#define threadIdx (*emu::thread_index)
#define blockIdx (*emu::block_index)
#define blockDim (*emu::block_size)
#define gridDim (*emu::grid_size)
#endif
constexpr int warpSize = emu::WARP;

#define __syncthreads() ((void)emu::barrier(__LINE__, 0))
#define __syncthreads_count(p) emu::barrier(__LINE__, (p) != 0)
#define __syncthreads_or(p) (emu::barrier(__LINE__, (p) != 0) != 0)
#define __syncthreads_and(p) (emu::barrier(__LINE__, (p) != 0) == emu::threads())
#define __syncwarp(...) ((void)emu::exchange(emu::mask_or_all(__VA_ARGS__), 0, __LINE__, -1))
#define __shfl_sync(mask, v, from) emu::shuffle((mask), (v), __LINE__, (from) & 31)
#define __shfl_down_sync(mask, v, d) emu::shuffle((mask), (v), __LINE__, emu::lane() + int(d))
#define __shfl_up_sync(mask, v, d) emu::shuffle((mask), (v), __LINE__, emu::lane() - int(d))
#define __shfl_xor_sync(mask, v, m) emu::shuffle((mask), (v), __LINE__, emu::lane() ^ int(m))
#define __ballot_sync(mask, p) emu::ballot((mask), (p) != 0, __LINE__)
#define __any_sync(mask, p) (emu::ballot((mask), (p) != 0, __LINE__) != 0)
#define __all_sync(mask, p) (emu::ballot((mask), (p) != 0, __LINE__) == (mask))

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// The atomics CUDA really has, for the types it has them for (no signed 64-bit add, no 64-bit float
// minimum, ...).
#define EMU_ATOMIC(T)                                                                                \
    inline T atomicAdd(T *a, T v) { return emu::atomic_apply(a, [v](T x) { return x + v; }); }       \
    inline T atomicExch(T *a, T v) { return emu::atomic_apply(a, [v](T) { return v; }); }            \
    inline T atomicMin(T *a, T v) { return emu::atomic_apply(a, [v](T x) { return x < v ? x : v; }); } \
    inline T atomicMax(T *a, T v) { return emu::atomic_apply(a, [v](T x) { return x > v ? x : v; }); } \
    inline T atomicOr(T *a, T v) { return emu::atomic_apply(a, [v](T x) { return x | v; }); }        \
    inline T atomicAnd(T *a, T v) { return emu::atomic_apply(a, [v](T x) { return x & v; }); }       \
    inline T atomicCAS(T *a, T expected, T v) {                                                      \
        return emu::atomic_apply(a, [=](T x) { return x == expected ? v : x; });                     \
    }
EMU_ATOMIC(int)
EMU_ATOMIC(unsigned)
EMU_ATOMIC(unsigned long long)
#undef EMU_ATOMIC
inline long long atomicMin(long long *a, long long v) {
    return emu::atomic_apply(a, [v](long long x) { return x < v ? x : v; });
}
inline long long atomicMax(long long *a, long long v) {
    return emu::atomic_apply(a, [v](long long x) { return x > v ? x : v; });
}

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll((unsigned long long)v) : 64; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }

// Of two floats of which one is no number, CUDA's are the other; -0 is less than 0.
template <std::floating_point T> EMU_ONE_STEP T min(T a, T b) {
    if (a != a || b != b) return a != a ? b : a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <std::floating_point T> EMU_ONE_STEP T max(T a, T b) {
    if (a != a || b != b) return a != a ? b : a;
    return a > b || (a == b && !std::signbit(a)) ? a : b;
}
template <std::integral T> constexpr T min(T a, T b) { return b < a ? b : a; }
template <std::integral T> constexpr T max(T a, T b) { return a < b ? b : a; }

#define EMU_BITS(name, From, To)     \
    inline To name(From v) {         \
        To bits;                     \
        std::memcpy(&bits, &v, sizeof bits); \
        return bits;                 \
    }
EMU_BITS(__float_as_int, float, int)
EMU_BITS(__float_as_uint, float, unsigned)
EMU_BITS(__int_as_float, int, float)
EMU_BITS(__uint_as_float, unsigned, float)
EMU_BITS(__double_as_longlong, double, long long)
EMU_BITS(__longlong_as_double, long long, double)
#undef EMU_BITS

using std::abs; using std::atan2; using std::ceil; using std::cos; using std::exp; using std::fabs;
using std::floor; using std::fma; using std::fmax; using std::fmin; using std::hypot; using std::isfinite;
using std::isinf; using std::isnan; using std::log; using std::pow; using std::rint; using std::round; using std::sin; using std::sinh; using std::sqrt; using std::trunc;
