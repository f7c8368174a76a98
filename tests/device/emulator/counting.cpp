// Counts the bytes that kernels load from and store to device memory, and notes which basic blocks they
// enter (work.h).
//
// The kernels are compiled with -fsanitize=thread, which calls a hook at every access of memory; these
// hooks take the place of the sanitizer's. Only accesses inside the given ranges count, so stacks and
// shared memory stay out. A load or store counts each time it runs: a hundred sweeps count a hundred
// times.
//
// An atomic counts as one load and, if it stores, one store. A compare-and-swap that fails counts
// nothing but its load, so that retries, which depend on the schedule, don't change the count.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "work.h"

namespace {

struct Range {
    uintptr_t begin, end;
};

std::vector<Range> ranges;  // in order of their begin
uintptr_t lowest, highest;
std::atomic<uint64_t> all_loaded, all_stored;

// A thread adds its counts up alone and hands them over when it ends.
struct Counts {
    uint64_t loaded = 0, stored = 0;
    ~Counts() {
        all_loaded += loaded;
        all_stored += stored;
    }
};
thread_local Counts counts;

inline bool on_device(const void *address) {
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (at < lowest || at >= highest) return false;
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), at,
                                        [](uintptr_t a, const Range &r) { return a < r.begin; });
    return after != ranges.begin() && at < (after - 1)->end;
}
inline void load(const void *address, size_t n) {
    if (on_device(address)) counts.loaded += n;
}
inline void store(const void *address, size_t n) {
    if (on_device(address)) counts.stored += n;
}

}  // namespace

extern "C" {

// Sets what counts as device memory: n pairs of begin and end, in order.
void emu_count_within(const uint64_t *pairs, size_t n) {
    ranges.clear();
    for (size_t i = 0; i < n; ++i) ranges.push_back({pairs[2 * i], pairs[2 * i + 1]});
    lowest = n ? ranges.front().begin : 0;
    highest = 0;
    for (const Range &r : ranges) highest = std::max(highest, r.end);
    all_loaded = all_stored = 0;
}

void emu_counted(uint64_t *loaded_stored) {
    loaded_stored[0] = all_loaded;
    loaded_stored[1] = all_stored;
}

// The hook of -fsanitize-coverage=trace-pc.
void __sanitizer_cov_trace_pc() {
    emu::passed(__builtin_return_address(0), __builtin_frame_address(0));
}

void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}

#define ACCESS(n)                                                \
    void __tsan_read##n(void *a) { load(a, n); }                 \
    void __tsan_write##n(void *a) { store(a, n); }               \
    void __tsan_unaligned_read##n(void *a) { load(a, n); }       \
    void __tsan_unaligned_write##n(void *a) { store(a, n); }     \
    void __tsan_volatile_read##n(void *a) { load(a, n); }        \
    void __tsan_volatile_write##n(void *a) { store(a, n); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
#undef ACCESS
void __tsan_read_range(void *a, size_t n) { load(a, n); }
void __tsan_write_range(void *a, size_t n) { store(a, n); }

void __tsan_atomic_thread_fence(int) { std::atomic_thread_fence(std::memory_order_seq_cst); }
void __tsan_atomic_signal_fence(int) {}

#define ATOMIC(bits, T)                                                                          \
    T __tsan_atomic##bits##_load(const volatile T *a, int) {                                     \
        load((const void *)a, sizeof(T));                                                        \
        return __atomic_load_n(a, __ATOMIC_RELAXED);                                             \
    }                                                                                            \
    void __tsan_atomic##bits##_store(volatile T *a, T v, int) {                                  \
        store((const void *)a, sizeof(T));                                                       \
        __atomic_store_n(a, v, __ATOMIC_RELAXED);                                                \
    }                                                                                            \
    T __tsan_atomic##bits##_exchange(volatile T *a, T v, int) {                                  \
        load((const void *)a, sizeof(T));                                                        \
        store((const void *)a, sizeof(T));                                                       \
        return __atomic_exchange_n(a, v, __ATOMIC_RELAXED);                                      \
    }                                                                                            \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile T *a, T *seen, T v, int, int) {   \
        const bool done = __atomic_compare_exchange_n(a, seen, v, false, __ATOMIC_RELAXED,       \
                                                      __ATOMIC_RELAXED);                         \
        if (done) store((const void *)a, sizeof(T));                                             \
        return done;                                                                             \
    }                                                                                            \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile T *a, T *seen, T v, int x, int y) { \
        return __tsan_atomic##bits##_compare_exchange_strong(a, seen, v, x, y);                  \
    }                                                                                            \
    T __tsan_atomic##bits##_compare_exchange_val(volatile T *a, T seen, T v, int x, int y) {     \
        __tsan_atomic##bits##_compare_exchange_strong(a, &seen, v, x, y);                        \
        return seen;                                                                             \
    }
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
#undef ATOMIC
}
