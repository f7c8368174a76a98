// Runs a kernel's blocks and threads in a shuffled order.
//
// Blocks are dealt to OS threads in a random order; the threads of a block are fibers on one OS
// thread, switched at barriers, at warp collectives and, with preemption on, at random before racy
// accesses. The same seed gives the same schedule within a block. Misuse that hardware punishes
// silently or by hanging ends the launch with a message: divergent barriers, threads that have
// returned while others wait for them, lanes that disagree about a mask.
//
// A library of its own, without instrumentation: the sanitizers watch the kernels, and are told here
// about fibers.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>

#include "cuda_on_cpu.h"
#include "work.h"
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim

#if !defined(__x86_64__)
#error "the fiber switch is written for x86-64"
#endif

#ifdef EMU_THREAD_SANITIZER
extern "C" {
void *__tsan_get_current_fiber();
void *__tsan_create_fiber(unsigned);
void __tsan_destroy_fiber(void *);
void __tsan_switch_to_fiber(void *, unsigned);
void __tsan_acquire(void *);
void __tsan_release(void *);
}
#endif
#ifdef EMU_ADDRESS_SANITIZER
extern "C" {
void __sanitizer_start_switch_fiber(void **, const void *, size_t);
void __sanitizer_finish_switch_fiber(void *, const void **, size_t *);
void __asan_unpoison_memory_region(const void volatile *, size_t);
}
#endif

extern "C" __attribute__((visibility("hidden"))) void emu_switch(void **save, void *load);
asm(R"(
    .text
    .hidden emu_switch
    .globl emu_switch
    .type emu_switch, @function
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size emu_switch, .-emu_switch
)");

namespace emu {

constinit thread_local const uint3 *thread_index = nullptr, *block_index = nullptr;
constinit thread_local const dim3 *block_size = nullptr, *grid_size = nullptr;
constinit thread_local char *shared_memory = nullptr;
constinit thread_local Trace *trace = nullptr;
constinit thread_local const char *stack_top = nullptr, *code = nullptr;

namespace {

constexpr size_t STACK = 256 * 1024;

enum State { READY, AT_BARRIER, AT_COLLECTIVE, RETURNED };

struct Fiber {
    void *sp = nullptr;
    char *stack = nullptr;
    uint3 tid{};
    int linear = 0;
    State state = READY;
    int line = 0;       // where it waits
    unsigned mask = 0;  // with which lanes
    int predicate = 0;
    void *tsan = nullptr;
    bool fresh = true;  // has yet to run in this block
    Trace trace;
};

// Values that lanes bring to a collective. Two slots in turn: a fast lane's next value must not
// overwrite one that a slow lane has still to read.
struct Warp {
    uint64_t value[2][WARP];
    unsigned turn[WARP];
    char token;
};

struct Launch {
    void (*thunk)(void **);
    void *(*statics)();
    void **args;
    dim3 grid, block;
    size_t shared;
    uint64_t seed;
    double preempt;
    const char *name;
    Work *work;  // null where it does not count
    std::atomic<bool> failed{false};
    char message[512];
};

struct Block {
    Launch *launch = nullptr;
    uint3 index{};
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    std::vector<char> shared;
    std::mt19937_64 random;
    void *scheduler_sp = nullptr;
    Fiber *current = nullptr;
    size_t waiting = 0;  // fibers that are neither ready nor returned
    int votes = 0;
    void *tsan = nullptr;
    char token = 0, done = 0;  // what the thread sanitizer is told that barriers, ends synchronise
    const void *os_stack = nullptr;
    size_t os_size = 0;
    Work work{};               // of all blocks on this OS thread
    std::vector<Steps> since;  // what each warp executes from one barrier to the next
    Steps critical;            // what the block's longest warps have executed
};

thread_local Block *block = nullptr;

void report(Block &b, const std::string &what) {
    if (!b.launch->failed.exchange(true))
        std::snprintf(b.launch->message, sizeof b.launch->message, "%s, block (%u,%u,%u): %s",
                      b.launch->name, b.index.x, b.index.y, b.index.z, what.c_str());
}

void to_scheduler() {
    Fiber *me = block->current;
#ifdef EMU_THREAD_SANITIZER
    __tsan_switch_to_fiber(block->tsan, 1);
#endif
#ifdef EMU_ADDRESS_SANITIZER
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, block->os_stack, block->os_size);
#endif
    emu_switch(&me->sp, block->scheduler_sp);
#ifdef EMU_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

// Whether a thread of the block runs, and not the scheduler, for the handler of signals.
thread_local volatile std::sig_atomic_t inside = 0;

void resume(Fiber &fiber) {
    block->current = &fiber;
    thread_index = &fiber.tid;
#ifdef EMU_THREAD_SANITIZER
    // A thread of the block comes after what its OS thread did before; later switches order nothing.
    __tsan_switch_to_fiber(fiber.tsan, fiber.fresh ? 0 : 1);
    fiber.fresh = false;
#endif
#ifdef EMU_ADDRESS_SANITIZER
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, fiber.stack, STACK);
#endif
    if (block->launch->work) trace = &fiber.trace, stack_top = fiber.stack + STACK;
    inside = 1;
    emu_switch(&block->scheduler_sp, fiber.sp);
    inside = 0;
    trace = nullptr;
#ifdef EMU_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

// A fiber's first and last function.
void run_thread() {
#ifdef EMU_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(nullptr, &block->os_stack, &block->os_size);
#endif
    block->launch->thunk(block->launch->args);
    block->current->state = RETURNED;
#ifdef EMU_THREAD_SANITIZER
    __tsan_release(&block->done);
#endif
    for (;;) to_scheduler();
}

void prepare(Fiber &fiber) {
    void **top = reinterpret_cast<void **>(fiber.stack + STACK);
    *--top = nullptr;  // keeps the stack aligned as after a call
    *--top = reinterpret_cast<void *>(&run_thread);
    for (int i = 0; i < 6; ++i) *--top = nullptr;  // the registers that emu_switch pops
    fiber.sp = top;
    fiber.state = READY;
    fiber.fresh = true;
}

void wait(State how, int line, unsigned mask, int predicate, void *token) {
    Fiber *me = block->current;
    me->state = how;
    me->line = line;
    me->mask = mask;
    me->predicate = predicate;
    ++block->waiting;
#ifdef EMU_THREAD_SANITIZER
    __tsan_release(token);
#endif
    to_scheduler();
#ifdef EMU_THREAD_SANITIZER
    __tsan_acquire(token);
#endif
}

[[noreturn]] void stop_thread(const std::string &what) {
    report(*block, what);
    for (;;) to_scheduler();
}

void meet_warps(Block &b);

bool release_barrier(Block &b) {
    for (Fiber &f : b.fibers)
        if (f.state != AT_BARRIER) return false;
    b.votes = 0;
    for (Fiber &f : b.fibers) {
        if (f.line != b.fibers[0].line) {
            report(b, "divergent barrier: threads wait at lines " + std::to_string(b.fibers[0].line) +
                          " and " + std::to_string(f.line));
            return false;
        }
        b.votes += f.predicate;
        f.state = READY;
    }
    b.waiting = 0;
    meet_warps(b);
    return true;
}

bool release_warp(Block &b, size_t first) {
    size_t stop = std::min(first + WARP, b.fibers.size());
    bool moved = false;
    for (size_t i = first; i < stop; ++i) {
        const Fiber &f = b.fibers[i];
        if (f.state != AT_COLLECTIVE) continue;
        const unsigned mask = f.mask;
        const int line = f.line;
        bool together = true;
        for (int l = 0; l < WARP && together; ++l) {
            if (!(mask >> l & 1)) continue;
            together = first + l < stop && b.fibers[first + l].state == AT_COLLECTIVE &&
                       b.fibers[first + l].mask == mask && b.fibers[first + l].line == line;
        }
        if (!together) continue;
        for (int l = 0; l < WARP; ++l)
            if (mask >> l & 1) b.fibers[first + l].state = READY, --b.waiting;
        moved = true;
    }
    return moved;
}

// Lets those go on whose company is complete; where there is none, the block would hang for ever.
void release(Block &b) {
    if (release_barrier(b)) return;
    bool moved = false;
    for (size_t first = 0; first < b.fibers.size(); first += WARP) moved |= release_warp(b, first);
    if (moved || b.launch->failed) return;
    size_t returned = 0;
    int barrier_line = 0, warp_line = 0;
    for (Fiber &f : b.fibers) {
        returned += f.state == RETURNED;
        if (f.state == AT_BARRIER) barrier_line = f.line;
        if (f.state == AT_COLLECTIVE) warp_line = f.line;
    }
    report(b, "divergent barrier, threads wait for ever: at line " + std::to_string(barrier_line) +
                  " for the block, at line " + std::to_string(warp_line) + " for their warp (0: none); " +
                  std::to_string(returned) + " threads have returned");
}

// Counts what the warps have executed: all threads wait or have returned.
void count_steps(Block &b) {
    if (!b.launch->work) return;
    for (size_t w = 0; w < b.warps.size(); ++w) {
        const size_t first = w * WARP, n = std::min<size_t>(WARP, b.fibers.size() - first);
        Trace *traces[WARP];
        for (size_t l = 0; l < n; ++l) traces[l] = &b.fibers[first + l].trace;
        b.since[w] += merged<WARP>(traces, int(n), b.work, *b.launch->work);
    }
}

// The block's warps meet: the longest has kept the others waiting.
void meet_warps(Block &b) {
    if (!b.launch->work) return;
    const auto shorter = [](const Steps &a, const Steps &b) { return a.all() < b.all(); };
    b.critical += *std::max_element(b.since.begin(), b.since.end(), shorter);
    std::fill(b.since.begin(), b.since.end(), Steps());
}

void end_count(Block &b) {
    if (!b.launch->work) return;
    meet_warps(b);
    b.work.one_by_one += b.critical;
    if (b.critical.all() > b.work.longest.all()) b.work.longest = b.critical;
    b.critical = Steps();
}

void run_block(Block &b) {
    std::vector<Fiber *> ready;
    while (!b.launch->failed) {
        ready.clear();
        for (Fiber &f : b.fibers)
            if (f.state == READY) ready.push_back(&f);
        if (ready.empty()) {
            count_steps(b);
            if (b.waiting == 0) return end_count(b);
            release(b);
            continue;
        }
        std::shuffle(ready.begin(), ready.end(), b.random);
        for (Fiber *f : ready) {
            resume(*f);
            if (b.launch->failed) return;
        }
    }
}

// The statics of a library on the calling OS thread: its kernels' shared memory.
struct Statics {
    const void *within;  // an address of the library's
    void *begin = nullptr;
    size_t size = 0;
};

int find_statics(dl_phdr_info *info, size_t, void *wanted) {
    auto &found = *static_cast<Statics *>(wanted);
    const auto place = reinterpret_cast<uintptr_t>(found.within);
    bool here = false;
    size_t size = 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto &part = info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + part.p_vaddr;
        here |= part.p_type == PT_LOAD && place >= begin && place < begin + part.p_memsz;
        if (part.p_type == PT_TLS) size = part.p_memsz;
    }
    if (!here) return 0;
    found.begin = info->dlpi_tls_data;
    found.size = found.begin ? size : 0;
    return 1;
}

void start_block(Block &b, uint64_t at, const Statics &statics) {
    const dim3 &grid = b.launch->grid, &size = b.launch->block;
    b.index = {unsigned(at % grid.x), unsigned(at / grid.x % grid.y), unsigned(at / grid.x / grid.y)};
    b.random.seed(b.launch->seed * 0x9E3779B97F4A7C15ull + at);
    b.waiting = 0;
    std::memset(b.warps.data(), 0, b.warps.size() * sizeof(Warp));
    // Shared memory holds garbage at first: a kernel that counts on zeros is found out.
    std::memset(b.shared.data(), 0xA5, b.shared.size());
    if (statics.size) std::memset(statics.begin, 0xA5, statics.size);
    for (size_t i = 0; i < b.fibers.size(); ++i) {
        Fiber &f = b.fibers[i];
        f.linear = int(i);
        f.tid = {unsigned(i % size.x), unsigned(i / size.x % size.y), unsigned(i / size.x / size.y)};
        prepare(f);
    }
}

// Stacks for the threads of a block, and what the thread sanitizer knows these threads by. Making
// them takes longer than most blocks do, so a launch takes over those of earlier ones.
struct Seats {
    char *stacks = nullptr;
    size_t n = 0;
    std::vector<void *> tsan;
};

std::mutex idle_lock;
std::vector<Seats> &idle = *new std::vector<Seats>;  // never destroyed: threads may outlive statics

Seats take_seats(size_t n) {
    Seats seats;
    {
        std::lock_guard<std::mutex> guard(idle_lock);
        if (!idle.empty()) {
            seats = std::move(idle.back());
            idle.pop_back();
        }
    }
    if (seats.n < n) {
        if (seats.n) munmap(seats.stacks, seats.n * STACK);
        void *stacks = mmap(nullptr, n * STACK, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stacks == MAP_FAILED) {
            std::fprintf(stderr, "no memory for the stacks of a block of %zu threads\n", n);
            std::abort();
        }
        seats.stacks = static_cast<char *>(stacks);
        seats.n = n;
    }
#ifdef EMU_THREAD_SANITIZER
    while (seats.tsan.size() < n) seats.tsan.push_back(__tsan_create_fiber(0));
#endif
    return seats;
}

// Threads of a launch that failed have not returned: what the sanitizers know of their stacks is
// out of date.
void leave_seats(Seats &seats, bool failed) {
#ifdef EMU_THREAD_SANITIZER
    if (failed) {
        for (void *fiber : seats.tsan) __tsan_destroy_fiber(fiber);
        seats.tsan.clear();
    }
#endif
#ifdef EMU_ADDRESS_SANITIZER
    if (failed) __asan_unpoison_memory_region(seats.stacks, seats.n * STACK);
#endif
    std::lock_guard<std::mutex> guard(idle_lock);
    idle.push_back(std::move(seats));
}

// A thread that never comes back to the scheduler by itself is taken out of its loop by a signal.
void interrupted(int) {
    if (block && inside && block->launch->failed) to_scheduler();
}

// How many OS threads still run blocks, for the watchdog.
struct Running {
    std::mutex lock;
    std::condition_variable ended;
    size_t count = 0;
    std::vector<char> done;
};

// The seconds that an OS thread has run.
double spent(std::thread &thread) {
    clockid_t clock;
    timespec time;
    if (pthread_getcpuclockid(thread.native_handle(), &clock) || clock_gettime(clock, &time)) return 0.0;
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

// Waits for the OS threads of a launch. Where one has run for so long, a kernel loops for ever. Its own
// time counts: on a busy machine any launch takes long.
void watch(Launch &launch, std::vector<std::thread> &pool, Running &running, double seconds) {
    std::unique_lock<std::mutex> guard(running.lock);
    const auto all = [&] { return running.count == 0; };
    for (double most = 0.0; most < seconds;) {
        if (running.ended.wait_for(guard, std::chrono::milliseconds(50), all)) return;
        for (size_t i = 0; i < pool.size(); ++i)
            if (!running.done[i]) most = std::max(most, spent(pool[i]));
    }
    struct sigaction act {};
    act.sa_handler = interrupted;
    act.sa_flags = SA_NODEFER;  // the handler does not return, and the next loop must be ended, too
    sigaction(SIGRTMIN, &act, nullptr);
    if (!launch.failed.exchange(true))
        std::snprintf(launch.message, sizeof launch.message,
                      "%s: no end after %g s, a thread loops for ever", launch.name, seconds);
    while (!running.ended.wait_for(guard, std::chrono::milliseconds(100), all))
        for (size_t i = 0; i < pool.size(); ++i)
            if (!running.done[i]) pthread_kill(pool[i].native_handle(), SIGRTMIN);
}

void run_blocks(Launch *launch, const std::vector<uint64_t> &order, std::atomic<size_t> &next) {
    const size_t n = size_t(launch->block.x) * launch->block.y * launch->block.z;
    Block b;
    b.launch = launch;
    b.fibers.resize(n);
    b.warps.resize((n + WARP - 1) / WARP);
    b.since.resize(b.warps.size());
    b.shared.resize(launch->shared);  // no more, so that the address sanitizer sees its end
    Seats seats = take_seats(n);
    for (size_t i = 0; i < n; ++i) {
        b.fibers[i].stack = seats.stacks + i * STACK;
        if (i < seats.tsan.size()) b.fibers[i].tsan = seats.tsan[i];
    }
    block = &b;
    code = launch->work ? launch->work->code : nullptr;
    block_index = &b.index;
    block_size = &launch->block;
    grid_size = &launch->grid;
    shared_memory = b.shared.data();
    Statics statics;
    if (launch->statics) {
        launch->statics();  // the thread has none before they are first used
        statics.within = reinterpret_cast<const void *>(launch->thunk);
        dl_iterate_phdr(find_statics, &statics);
    }
#ifdef EMU_THREAD_SANITIZER
    b.tsan = __tsan_get_current_fiber();
#endif
    for (size_t k; !launch->failed && (k = next++) < order.size();) {
        start_block(b, order[k], statics);
        run_block(b);
#ifdef EMU_THREAD_SANITIZER
        // The next block on this OS thread reuses stacks and shared memory, so it comes after this
        // one. Races between blocks are seen between OS threads.
        __tsan_acquire(&b.done);
#endif
    }
    leave_seats(seats, launch->failed);
    if (!launch->work) return;
    static std::mutex adding;
    std::lock_guard<std::mutex> guard(adding);
    launch->work->warps += b.work.warps;
    launch->work->lanes += b.work.lanes;
    launch->work->one_by_one += b.work.one_by_one;
    if (b.work.longest.all() > launch->work->longest.all()) launch->work->longest = b.work.longest;
}

}  // namespace

int lane() { return block->current->linear % WARP; }

void preempt() {
    if (block->launch->preempt > 0 && double(block->random() >> 11) * 0x1p-53 < block->launch->preempt)
        to_scheduler();
}

int barrier(int line, int predicate) {
    wait(AT_BARRIER, line, 0, predicate, &block->token);
    return block->votes;
}

namespace {
// Brings a value to a collective; returns the slot it and its company's values are in.
const uint64_t *meet(unsigned mask, uint64_t value, int line) {
    Warp &warp = block->warps[block->current->linear / WARP];
    const int me = lane();
    if (!(mask >> me & 1)) stop_thread("a lane calls a warp collective at line " + std::to_string(line) + " whose mask leaves it out");
    uint64_t *slot = warp.value[warp.turn[me]++ & 1];
    slot[me] = value;
    wait(AT_COLLECTIVE, line, mask, 0, &warp.token);
    return slot;
}
}  // namespace

uint64_t exchange(unsigned mask, uint64_t value, int line, int from) {
    const uint64_t *slot = meet(mask, value, line);
    if (from < 0 || from >= WARP) return value;
    if (!(mask >> from & 1)) stop_thread("a shuffle at line " + std::to_string(line) + " reads a lane that is not in its mask");
    return slot[from];
}

unsigned ballot(unsigned mask, int predicate, int line) {
    const uint64_t *slot = meet(mask, predicate != 0, line);
    unsigned result = 0;
    for (int i = 0; i < WARP; ++i)
        if (mask >> i & 1) result |= unsigned(slot[i]) << i;
    return result;
}

void refuse(const char *what, int line, double value) {
    char text[200];
    std::snprintf(text, sizeof text, "at line %d %.17g %s", line, value, what);
    stop_thread(text);
}

}  // namespace emu

// Runs a kernel; returns 0, or 1 and a message. The thunk calls the kernel with its arguments;
// `statics`, if any, makes the library's statics of the calling thread; `work`, if any, gets what warps
// execute.
extern "C" int emu_launch(void (*thunk)(void **), void *(*statics)(), const char *name, void **args,
                          const unsigned *grid, const unsigned *size, size_t shared,
                          unsigned long long seed, double preempt, int workers, double seconds,
                          emu::Work *work, char *message) {
    emu::Launch job{};
    job.thunk = thunk;
    job.statics = statics;
    job.args = args;
    job.grid = {grid[0], grid[1], grid[2]};
    job.block = {size[0], size[1], size[2]};
    job.shared = shared;
    job.seed = seed;
    job.preempt = preempt;
    job.name = name;
    job.work = work;
    const uint64_t blocks = uint64_t(grid[0]) * grid[1] * grid[2];
    std::vector<uint64_t> order(blocks);
    for (uint64_t i = 0; i < blocks; ++i) order[i] = i;
    std::mt19937_64 random(seed);
    std::shuffle(order.begin(), order.end(), random);
    std::atomic<size_t> next{0};
    std::vector<std::thread> pool;
    emu::Running running;
    running.count = std::min<uint64_t>(workers, blocks);
    running.done.resize(running.count);
    for (size_t i = 0, n = running.count; i < n; ++i)
        pool.emplace_back([&, i] {
            emu::run_blocks(&job, order, next);
            std::lock_guard<std::mutex> guard(running.lock);
            running.done[i] = 1;
            --running.count;
            running.ended.notify_one();
        });
    emu::watch(job, pool, running, seconds);
    for (std::thread &t : pool) t.join();
    std::snprintf(message, 512, "%s", job.message);
    return job.failed ? 1 : 0;
}
