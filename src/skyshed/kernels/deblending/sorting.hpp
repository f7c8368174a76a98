// Cells in the order of their keys, from large to small.
#pragma once
#include "skyshed/kernels/cpu.h"

namespace deblending {

template <class Key> struct Entry {
    Key key;
    int cell;
};

// Up to so many are sorted by insertion; others are cut into at most so many parts at a time.
constexpr int FEW = 24, PARTS = 1024;
// More than so many may take long: the flag of kernels is looked at before.
constexpr int HEEDED = 1 << 14;

template <class Key> void insert(Entry<Key> *entry, int n) {
    for (int i = 1; i < n; ++i) {
        const Entry<Key> one = entry[i];
        int j = i;
        for (; j > 0 && entry[j - 1].key < one.key; --j) entry[j] = entry[j - 1];
        entry[j] = one;
    }
}

// Sorts n entries, stably. There is no worst case: each round looks at bits that differ, of which
// there are no more than a key has. If the flag is set it ends, and the order is any.
template <class Key>
void sort_descending(Entry<Key> *entry, int n, Entry<Key> *spare, const int *flag = nullptr) {
    if (n <= FEW) return insert(entry, n);
    if (n > HEEDED && stopped(flag)) return;
    Key least = entry[0].key, most = least;
    for (int i = 1; i < n; ++i) {
        least = entry[i].key < least ? entry[i].key : least;
        most = entry[i].key > most ? entry[i].key : most;
    }
    if (least == most) return;
    const Key parts = Key(min(n, PARTS));
    int shift = 0;
    while ((most - least) >> shift >= parts) ++shift;
    int end[PARTS + 1] = {};
    for (int i = 0; i < n; ++i) ++end[(most - entry[i].key) >> shift];
    const int n_parts = int((most - least) >> shift) + 1;
    for (int part = 0, sum = 0; part < n_parts; ++part) {
        const int size = end[part];
        end[part] = sum;
        sum += size;
    }
    for (int i = 0; i < n; ++i) spare[end[(most - entry[i].key) >> shift]++] = entry[i];
    std::memcpy(entry, spare, size_t(n) * sizeof(Entry<Key>));
    for (int part = 0, begin = 0; part < n_parts; begin = end[part++])
        if (end[part] - begin > 1) sort_descending(entry + begin, end[part] - begin, spare, flag);
}

}  // namespace deblending
