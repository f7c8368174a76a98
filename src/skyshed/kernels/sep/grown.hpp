// Arrays that grow, for results whose size is not known before.
#pragma once
#include "skyshed/kernels/cpu.h"

namespace sep {

// Plain values only: they are moved as bytes. After `bad` there was no memory, and nothing is added.
template <class T> class Grown {
  public:
    Grown() = default;
    ~Grown() { std::free(at); }
    Grown(const Grown &) = delete;
    Grown &operator=(const Grown &) = delete;
    T &operator[](i64 i) { return at[i]; }
    const T &operator[](i64 i) const { return at[i]; }
    T *begin() { return at; }
    i64 size() const { return n; }
    bool bad() const { return failed; }
    void clear() { n = 0; }
    bool resize(i64 size) {
        if (size > room) {
            const i64 more = max(size, 2 * room);
            void *moved = std::realloc(static_cast<void *>(at), sizeof(T) * size_t(more));
            if (!moved) return failed = true, false;
            at = static_cast<T *>(moved), room = more;
        }
        n = size;
        return true;
    }
    void add(const T &value) {
        const T copy = value;  // which may lie in what is moved
        if (resize(n + 1)) at[n - 1] = copy;
    }

  private:
    T *at = nullptr;
    i64 n = 0, room = 0;
    bool failed = false;
};

}  // namespace sep
