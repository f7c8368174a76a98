// What the warps of a launch execute, as a GPU would take the steps.
//
// Every thread leaves a trace: the basic blocks of the program that it has entered. Lanes of a warp
// that are at the same place take one step together. Where they are apart, those in the deepest
// call, and of these the ones at the lowest address, go first, until the others' place is reached:
// in code that is laid out as it was written that brings lanes together where branches and loops end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace emu {

// Kinds of instructions; instructions.py says which are which.
constexpr int KINDS = 5;

struct Steps {
    double of[KINDS] = {};
    double all() const {
        double sum = 0.0;
        for (double n : of) sum += n;
        return sum;
    }
    Steps &operator+=(const Steps &more) {
        for (int k = 0; k < KINDS; ++k) of[k] += more.of[k];
        return *this;
    }
};

// What build.py knows of a library, and what it wants to know of a launch.
struct Work {
    const char *code;        // where the library's program begins
    uint64_t size;           // how long it is
    const int32_t *part_at;  // which basic block the trace's addresses are in, by offset
    const Steps *parts;      // what a basic block executes
    Steps warps;             // instructions that warps execute
    Steps lanes;             // the same, each times the lanes that take part
    Steps longest;           // what the warps that others wait for execute, in the longest block
    Steps one_by_one;        // the same, summed over all blocks
};

using Trace = std::vector<uint64_t>;

// Where the running thread leaves its trace, and where its stack begins; null without a count.
extern constinit thread_local Trace *trace;
extern constinit thread_local const char *stack_top;
extern constinit thread_local const char *code;

// Called at the beginning of each basic block. Deeper calls come first in the order of numbers.
inline void passed(const void *place, const void *frame) {
    if (!trace) return;
    const auto depth = uint32_t(stack_top - static_cast<const char *>(frame));
    trace->push_back(uint64_t(~depth) << 32 | uint32_t(static_cast<const char *>(place) - code));
}

// Merges the traces of a warp's lanes, and empties them.
template <int N> Steps merged(Trace *const *traces, int lanes, Work &sum, const Work &known) {
    constexpr uint64_t END = ~0ull;
    uint64_t head[N];
    size_t at[N] = {};
    for (int l = 0; l < N; ++l) head[l] = l < lanes && !traces[l]->empty() ? (*traces[l])[0] : END;
    Steps steps;
    for (;;) {
        uint64_t next = END;
        for (int l = 0; l < N; ++l) next = std::min(next, head[l]);
        if (next == END) break;
        int together = 0;
        for (int l = 0; l < N; ++l) {
            if (head[l] != next) continue;
            ++together;
            head[l] = ++at[l] < traces[l]->size() ? (*traces[l])[at[l]] : END;
        }
        const uint32_t offset = uint32_t(next);
        const int part = offset < known.size ? known.part_at[offset] : -1;
        if (part < 0) continue;
        const Steps &mix = known.parts[part];
        steps += mix;
        for (int k = 0; k < KINDS; ++k) sum.lanes.of[k] += mix.of[k] * together;
    }
    for (int l = 0; l < lanes; ++l) traces[l]->clear();
    sum.warps += steps;
    return steps;
}

}  // namespace emu
