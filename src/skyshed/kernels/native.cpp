// What a library says of itself: its kernels, and which levels of instructions the CPU has.

#include "skyshed/kernels/cpu.h"

namespace registry {
const Kernel *last = nullptr;
}

SKYSHED_EXPORT const registry::Kernel *skyshed_kernels() { return registry::last; }

// Whether this CPU, and its system, can run code for a level. Of a level's instructions those are
// asked for that every compiler can ask for: no CPU has them without the others.
SKYSHED_EXPORT int skyshed_can_run(const char *level) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    if (!std::strcmp(level, "x86-64-v3")) return v3;
    if (!std::strcmp(level, "x86-64-v4"))
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return !std::strcmp(level, "x86-64") || !std::strcmp(level, "generic");
}
