// What the CPU's twins, the `.cpp` files, start with.
//
// A kernel is a function of pointers to arrays, of i64, double and bool, that returns an i64: what it
// has to say, or NO_MEMORY or STOPPED. SKYSHED_KERNEL registers it; `native.py` reads its parameters
// from what is registered, so that a signature stands once. Kernels throw nothing.
#pragma once

#include <cstdlib>
#include <cstring>

#include "skyshed/kernels/both.h"

#ifdef _WIN32
#define SKYSHED_EXPORT extern "C" __declspec(dllexport)
#else
#define SKYSHED_EXPORT extern "C" __attribute__((visibility("default")))
#endif

// Before a function with a loop that is to be vectorised: what it calls becomes part of it.
#if defined(__GNUC__)
#define SKYSHED_FLAT __attribute__((flatten))
#else
#define SKYSHED_FLAT
#endif

constexpr i64 NO_MEMORY = -1, STOPPED = -2;

// Room that a kernel needs for a while, not initialised. Where the size is known before, arrays of
// the caller's are better: NumPy has the system use large pages.
template <class T> class Scratch {
  public:
    explicit Scratch(i64 n) : at(static_cast<T *>(std::malloc(sizeof(T) * size_t(max(n, i64(1)))))) {}
    ~Scratch() { std::free(at); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    explicit operator bool() const { return at; }
    T &operator[](i64 i) { return at[i]; }
    T *begin() { return at; }
    // Takes other room; what there was is lost.
    void renew(i64 n) {
        std::free(at);
        at = static_cast<T *>(std::malloc(sizeof(T) * size_t(max(n, i64(1)))));
    }

  private:
    T *at;
};

// Whether the caller has set a kernel's flag: a kernel with items that may take long looks now and
// then, and returns STOPPED.
inline bool stopped(const int *flag) { return flag && *const_cast<const volatile int *>(flag); }

// Asks for memory ahead of its use, without waiting: brings it to the nearest cache (3), or to the next
// one (2), which holds more.
template <int NEAR = 3> inline void prefetch(const void *at) {
#if defined(__GNUC__)
    __builtin_prefetch(at, 0, NEAR);
    asm volatile("");  // else GCC takes a function that only prefetches for one without effect: no calls
#else
    (void)at;
#endif
}

inline void prefetch_to_write(const void *at) {
#if defined(__GNUC__)
    __builtin_prefetch(at, 1);
#else
    (void)at;
#endif
}

// A mask as bytes, 0 or 1: loops over bool are not vectorised by all compilers.
inline const unsigned char *bytes_of(const bool *mask) {
    return reinterpret_cast<const unsigned char *>(mask);
}

// A whole number of less than 2^51 as a double, as a loop over several at a time has it: before AVX-512 no
// instruction converts integers of 64 bits, but in a double of this size the last bit counts ones.
inline double whole(i64 k) {
    constexpr double ONES = 6755399441055744.0;  // 3 * 2^51
    constexpr i64 BITS_OF_ONES = 0x4338000000000000;
    const i64 bits = BITS_OF_ONES + k;
    double shifted;
    std::memcpy(&shifted, &bits, sizeof shifted);
    return shifted - ONES;
}

// Before a loop: no iteration reads what another one writes, so that it may be vectorised without asking
// where its arrays lie.
#if defined(__clang__)
#define SKYSHED_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define SKYSHED_INDEPENDENT _Pragma("GCC ivdep")
#elif defined(_MSC_VER)
#define SKYSHED_INDEPENDENT __pragma(loop(ivdep))
#else
#define SKYSHED_INDEPENDENT
#endif

// The number of the lowest bit that is set; there is one.
inline int lowest_bit(u64 word) {
#if defined(__GNUC__)
    return __builtin_ctzll(word);
#else
    int bit = 0;
    while (!(word >> bit & 1)) ++bit;
    return bit;
#endif
}

namespace registry {

struct Kernel {
    const char *name, *parameters;
    void *function;
    const Kernel *next;
};

// The kernel registered last. (A constant, so set before any file's kernels register.)
extern const Kernel *last;

// Two letters for a parameter: an array to read, an array to write or a value; and of what.
template <class T> constexpr char letter() = delete;
template <> constexpr char letter<bool>() { return '?'; }
template <> constexpr char letter<unsigned char>() { return 'B'; }
template <> constexpr char letter<short>() { return 'h'; }
template <> constexpr char letter<int>() { return 'i'; }
template <> constexpr char letter<unsigned>() { return 'I'; }
template <> constexpr char letter<i64>() { return 'q'; }
template <> constexpr char letter<u64>() { return 'Q'; }
template <> constexpr char letter<float>() { return 'f'; }
template <> constexpr char letter<double>() { return 'd'; }

template <class T> struct Parameter { static constexpr char how = 'v', what = letter<T>(); };
template <class T> struct Parameter<T *> { static constexpr char how = 'w', what = letter<T>(); };
template <class T> struct Parameter<const T *> { static constexpr char how = 'r', what = letter<T>(); };

template <class... All> struct Parameters {
    char text[2 * sizeof...(All) + 1] = {};
    constexpr Parameters() {
        int i = 0;
        ((text[i++] = Parameter<All>::how, text[i++] = Parameter<All>::what), ...);
    }
};
template <class... All> constexpr Parameters<All...> letters;

struct Registered : Kernel {
    template <class... All>
    Registered(const char *name, i64 (*function)(All...))
        : Kernel{name, letters<All...>.text, reinterpret_cast<void *>(function), last} {
        last = this;
    }
};

}  // namespace registry

#define SKYSHED_JOINED_(a, b) a##b
#define SKYSHED_JOINED(a, b) SKYSHED_JOINED_(a, b)
// SKYSHED_KERNEL("folder.name", function<float>): several functions may have one name, and then
// differ in what their arrays hold.
#define SKYSHED_KERNEL(name, ...) \
    static registry::Registered SKYSHED_JOINED(registered_, __COUNTER__)(name, __VA_ARGS__)
