"""What warps execute is counted as a GPU would take the steps."""

import numpy as np
import pytest

from tests.device.emulator import instructions
from tests.device.emulator.build import Module

SOURCE = r"""
__device__ __noinline__ double step(double s, int times) {
    for (int i = 0; i < times; ++i) s = s * 1.5 + 0.25;
    return s;
}
extern "C" __global__ void uniform(const double *x, double *y, int n) {
    y[threadIdx.x] = step(x[threadIdx.x], n);
}
// Lanes leave the loop one after the other.
extern "C" __global__ void ragged(const double *x, double *y) {
    y[threadIdx.x] = step(x[threadIdx.x], threadIdx.x % 32);
}
// In each round one lane alone has work.
extern "C" __global__ void alone(const double *x, double *y, int n) {
    double s = x[threadIdx.x];
    for (int i = 0; i < n; ++i)
        if ((threadIdx.x + i) % 32 == 0) s = step(s, 10);
    y[threadIdx.x] = s;
}
// Both ways are taken, one after the other.
extern "C" __global__ void apart(const double *x, double *y) {
    double s = x[threadIdx.x];
    if (threadIdx.x % 2) s = s * 2.5; else s = s + 1.5;
    y[threadIdx.x] = s * s;
}
// One warp works, in turn, while the others wait at the barrier.
extern "C" __global__ void in_turn(const double *x, double *y, int n) {
    double s = x[threadIdx.x];
    for (int i = 0; i < n; ++i) {
        if (threadIdx.x / 32 == i % 2) s = step(s, 5);
        __syncthreads();
    }
    y[threadIdx.x] = s;
}
extern "C" __global__ void kinds(const float *f, const double *x, double *y, int *total) {
    __shared__ double seen[64];
    seen[threadIdx.x] = f[threadIdx.x] * 2.0f + f[threadIdx.x];
    y[threadIdx.x] = sqrt(x[threadIdx.x]) / 3.0 + sin(x[threadIdx.x]) + floor(x[threadIdx.x]);
    y[threadIdx.x] += max(seen[threadIdx.x], (double)(int)x[threadIdx.x]);
    y[threadIdx.x] += __shfl_xor_sync(0xffffffffu, seen[threadIdx.x], 1);
    atomicAdd(total, 1);
}
"""
FP64, FP32, INTEGER, MEMORY, EXCHANGE = range(len(instructions.KINDS))


@pytest.fixture(scope="module")
def counting():
    return Module(SOURCE, variant="count")


@pytest.fixture
def work(counting):
    def launched(name, *args, blocks=1, threads=64, **schedule):
        x, y = np.ones(64), np.zeros(64)
        counting.launch(name, (blocks,), (threads,), (x, y, *args), **schedule)
        return counting.work

    return launched


@pytest.mark.parametrize("schedule", [{}, {"seed": 3, "workers": 1}], ids=str)
def test_lanes_that_go_together_take_one_step(work, schedule):
    found = work("uniform", np.int32(100), blocks=3, **schedule)
    assert found["warps"][FP64] == 3 * 2 * 200
    assert found["lanes"][FP64] == 32 * found["warps"][FP64]
    assert found["longest"][FP64] == 200
    assert found["one_by_one"][FP64] == 3 * 200
    assert found["warps"][MEMORY] == 3 * 2 * 2


def test_lanes_that_are_left_out_count_as_unused(work):
    found = work("ragged")
    assert found["warps"][FP64] == 2 * 2 * 31
    assert found["lanes"][FP64] == 2 * 2 * sum(range(32))


def test_what_lanes_do_one_after_the_other_is_paid_for_each_time(work):
    found = work("alone", np.int32(64))
    assert found["warps"][FP64] == 2 * 64 * 20
    assert found["lanes"][FP64] == found["warps"][FP64]


def test_lanes_meet_again_after_a_condition(work):
    found = work("apart", threads=32)
    assert found["warps"][FP64] == 3
    assert found["lanes"][FP64] == 16 + 16 + 32


def test_a_block_is_as_long_as_the_warps_that_are_waited_for(work):
    found = work("in_turn", np.int32(6))
    assert found["warps"][FP64] == 6 * 10
    assert found["longest"][FP64] == 6 * 10
    assert found["longest"][EXCHANGE] == 6


def test_a_warp_that_is_not_full_is_paid_for(work):
    found = work("uniform", np.int32(10), threads=40)
    assert found["warps"][FP64] == 2 * 20
    assert found["lanes"][FP64] == 40 * 20


def test_operations_count_by_kind(counting):
    """Functions and divisions take what NVRTC makes of them."""
    x, f, total = np.ones(64), np.ones(64, np.float32), np.zeros(1, np.int32)
    counting.launch("kinds", (1,), (64,), (f, x, np.zeros(64), total))
    found = counting.work["warps"] / 2
    takes = instructions.TAKES
    functions = sum(takes[name][FP64] for name in ("sqrt double", "divide double", "sin", "round"))
    # And a conversion from float, two sums; a choice, two conversions, a sum; a sum.
    assert found[FP64] == functions + 1 + 2 + 1 + 2 + 1 + 1
    assert found[FP32] == 2 + takes["divide double"][FP32] + takes["sin"][FP32]
    assert found[EXCHANGE] == 2  # of 8 bytes
    assert found[MEMORY] >= 2 + 1 + 1 + 3


@pytest.mark.parametrize(
    ("text", "kind", "n"),
    [
        ("addsd %xmm1,%xmm0", FP64, 1), ("ucomisd %xmm1,%xmm0", FP64, 1),
        ("cvtss2sd 0xc(%rsp),%xmm0", FP64, 1), ("cvttsd2si %xmm0,%eax", FP64, 1),
        ("cvtsi2sd %rax,%xmm0", FP64, 1), ("cvtsi2ss %eax,%xmm0", FP32, 1),
        ("mulss %xmm1,%xmm0", FP32, 1), ("divsd %xmm1,%xmm0", FP64, 9),
        ("andpd 0x10(%rip),%xmm0", FP64, 0), ("movsd %xmm0,(%rsp)", FP64, 0),
        ("add %eax,%ebx", INTEGER, 1), ("add %rax,%rbx", INTEGER, 2),
        ("add (%rax),%ebx", INTEGER, 1), ("imul %r12,%r13", INTEGER, 4),
        ("idiv %ecx", INTEGER, 21), ("sub $0x10,%rsp", INTEGER, 0), ("mov %rax,%rbx", INTEGER, 0),
        ("call 1d <__tsan_read8@plt>", MEMORY, 1), ("call 1d <__tsan_func_entry@plt>", MEMORY, 0),
        ("call 1d <emu::barrier(int, int)@plt>", EXCHANGE, 1),
    ],
)  # fmt: skip
def test_each_instruction_is_of_its_kind(text, kind, n):
    name, _, operands = text.partition(" ")
    assert instructions.takes(name, operands)[kind] == n
