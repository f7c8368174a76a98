"""The emulator computes what CUDA would, and finds the defects that it exists to find."""

from pathlib import Path

import numpy as np
import pytest

from tests.device import planted
from tests.device.emulator import sanitize
from tests.device.emulator.build import LaunchError, Module, parameters

PLANTED = Path(planted.__file__)


@pytest.fixture(scope="module")
def kernels():
    return planted.module()


def ints(n, fill=0):
    return np.full(n, fill, np.int32)


def test_warp_sum_follows_the_shuffle_tree_to_the_bit(kernels):
    x = np.random.default_rng(1).normal(size=32)
    tree = x.copy()
    for d in (16, 8, 4, 2, 1):
        tree[:d] = tree[:d] + tree[d : 2 * d]
    out = np.zeros(1)
    for seed in range(5):
        kernels.launch("sum_warp", (1,), (32,), (x, out), seed=seed)
        assert out[0] == tree[0]


def test_votes_of_warps_and_blocks(kernels):
    odd = np.zeros(32, np.uint32)
    kernels.launch("warp_votes", (1,), (32,), (odd,))
    assert (odd == 0xAAAAAAAA).all()
    out = ints(64)
    kernels.launch("block_votes", (1,), (64,), (out,))
    assert (out == 110).all()


def test_atomics_lose_nothing_on_any_schedule(kernels):
    for seed in range(5):
        total = ints(1)
        kernels.launch("count", (16,), (64,), (total,), seed=seed, preempt=0.3)
        assert total[0] == 16 * 64


def test_the_same_seed_gives_the_same_schedule(kernels):
    def lost(seed):
        total = ints(1)
        kernels.launch("count_lost", (1,), (256,), (total,), seed=seed, preempt=0.3, workers=1)
        return total[0]

    assert [lost(7) for _ in range(3)] == [lost(7)] * 3
    assert len({lost(seed) for seed in range(10)}) > 1


def test_a_lost_update_is_found_with_preemption(kernels):
    totals = []
    for seed in range(20):
        total = ints(1)
        kernels.launch("count_lost", (1,), (64,), (total,), seed=seed, preempt=0.3)
        totals.append(int(total[0]))
    assert max(totals) < 64


def _components_after(kernels, name, seed):
    parent = np.arange(256, dtype=np.int32)
    kernels.launch(name, (4,), (64,), (parent, np.int32(256)), seed=seed, preempt=0.3)
    for _ in range(256):
        parent = parent[parent]
    return len(np.unique(parent))


def test_a_hook_without_compare_and_swap_is_found(kernels):
    sound = {_components_after(kernels, "hook", seed) for seed in range(10)}
    assert len(sound) == 1
    broken = [_components_after(kernels, "hook_plain", seed) for seed in range(10)]
    assert sum(n not in sound for n in broken) >= 8


def test_a_missing_barrier_is_found(kernels):
    expected = np.tile(np.arange(128)[::-1], 2)
    for seed in range(20):
        out = ints(256)
        kernels.launch("reverse", (2,), (128,), (out,), seed=seed)
        assert (out == expected).all()
    wrong = 0
    for seed in range(20):
        out = ints(256)
        kernels.launch("reverse_unsynchronised", (2,), (128,), (out,), seed=seed)
        wrong += not (out == expected).all()
    assert wrong >= 18


def test_shared_memory_that_nobody_set_is_found(kernels):
    """Every block finds garbage there, the first of a thread too, which would find zeros."""
    votes = ints(8)
    kernels.launch("votes_from_zero", (8,), (64,), (votes,))
    assert (np.abs(votes.astype(np.int64)) > 1000).all()


@pytest.mark.parametrize(
    ("name", "block", "message"),
    [
        ("two_barriers", 128, "divergent barrier: threads wait at lines"),
        ("returned_early", 64, "1 threads have returned"),
        ("returned_lane", 32, "1 threads have returned"),
        ("lane_outside", 32, "mask"),
    ],
)
def test_misuse_of_barriers_and_masks_ends_with_a_message(kernels, name, block, message):
    with pytest.raises(LaunchError, match=message):
        kernels.launch(name, (1,), (block,), (ints(block),))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((ints(100), 100), "n wants a int32 scalar, got int"),
        ((ints(100), np.int64(100)), "n wants a int32 scalar, got int64"),
        ((np.zeros(100), np.int32(100)), r"out wants int32\*, got float64"),
        ((ints(200)[::2], np.int32(100)), "not contiguous"),
        ((ints(100),), "takes 2 arguments, got 1"),
    ],
)
def test_a_wrong_argument_is_refused(kernels, args, message):
    with pytest.raises(LaunchError, match=message):
        kernels.launch("one_too_far", (1,), (64,), args)


@pytest.mark.parametrize("name", ["waits_for_ever", "meets_for_ever"])
def test_an_endless_loop_ends_with_a_message(kernels, name):
    for preempt in (0.0, 0.3):
        with pytest.raises(LaunchError, match=f"{name}: no end after 0.5 s, a thread loops"):
            kernels.launch(
                name, (3,), (64,), (ints(1), ints(1)), preempt=preempt, seconds=0.5
            )  # fmt: skip
    out = ints(1)
    kernels.launch(name, (3,), (64,), (ints(1, 1), out), seconds=60.0)
    assert out[0] == 1


def test_conversions_are_the_devices(kernels):
    """They saturate; NaN is 0, but the least number where either side has 64 bits (PTX: cvt)."""
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    x = np.array([1.9, -1.9, 3e9, -3e9, np.inf, -np.inf, np.nan, 2147483646.5])
    wide, wider, positive = ints(8), np.zeros(8, np.int64), np.zeros(8, np.uint32)
    kernels.launch("convert", (1,), (8,), (x, wide, wider, positive))
    assert wide.tolist() == [1, -1, most, least, most, least, least, 2147483646]
    longest = np.iinfo(np.int64)
    far = [3 * 10**9, -3 * 10**9, longest.max, longest.min, longest.min, 2147483646]
    assert wider.tolist() == [1, -1, *far]
    assert positive.tolist() == [1, 0, 3 * 10**9, 0, 2**32 - 1, 0, 2**31, 2147483646]
    kernels.launch("convert_floats", (1,), (8,), (x.astype(np.float32), wide, wider))
    assert wide.tolist() == [1, -1, most, least, most, least, 0, most]
    assert wider[6] == longest.min


def test_of_two_numbers_of_which_one_is_none_min_and_max_are_the_other(kernels):
    a = np.array([1.0, np.nan, 2.0, np.nan, -0.0, 0.0])
    b = np.array([2.0, 3.0, np.nan, np.nan, 0.0, -0.0])
    low, high = np.zeros(6), np.zeros(6)
    kernels.launch("extremes", (1,), (6,), (a, b, low, high))
    np.testing.assert_array_equal(low, [1, 3, 2, np.nan, 0, 0])
    np.testing.assert_array_equal(high, [2, 3, 2, np.nan, 0, 0])
    assert np.signbit(low[4:]).all()
    assert not np.signbit(high[4:]).any()


def test_subnormal_numbers_are_numbers(kernels):
    tiny = np.finfo(np.float32).smallest_subnormal
    x = np.array([2 * tiny, np.finfo(np.float32).tiny], np.float32)
    expected = x * np.float32(0.5)
    kernels.launch("halves", (1,), (2,), (x,))
    assert x[0] == tiny
    np.testing.assert_array_equal(x, expected)


def test_a_pixel_index_that_an_int_cannot_hold_is_refused(kernels):
    out = ints(2)
    kernels.launch("narrow", (1,), (2,), (np.array([2**31 - 1, -(2**31)]), out))
    assert out.tolist() == [2**31 - 1, -(2**31)]
    with pytest.raises(LaunchError, match=r"narrow.* at line \d+ 2147483648 does not fit"):
        kernels.launch("narrow", (1,), (2,), (np.array([5, 2**31]), out))


@pytest.mark.parametrize(("grid", "block"), [((0,), (32,)), ((1,), (1025,)), ((1,), (64, 32))])
def test_an_illegal_launch_is_refused(kernels, grid, block):
    with pytest.raises(LaunchError, match="no legal launch"):
        kernels.launch("count", grid, block, (ints(1),))


def test_what_cuda_lacks_does_not_compile():
    source = 'extern "C" __global__ void f(long long *a) { atomicAdd(a, 1ll); }'
    with pytest.raises(LaunchError, match="does not compile"):
        Module(source)


def test_parameters_are_read_from_the_source():
    found = parameters(
        'extern "C" __global__ void f(const float *x, long long n, int* /* o */ o) {}'
    )
    assert [(p.name, p.dtype.name, p.pointer, p.const) for p in found["f"]] == [
        ("x", "float32", True, True), ("n", "int64", False, False), ("o", "int32", True, False),
    ]  # fmt: skip


@pytest.mark.parametrize("variant", ["address", "thread"])
def test_sanitizers_find_nothing_in_sound_kernels(variant):
    assert sanitize.run(PLANTED, "sound", variant) == ""


@pytest.mark.parametrize(
    ("function", "variant", "message"),
    [
        ("out_of_bounds", "address", "heap-buffer-overflow"),
        ("past_shared", "address", "global-buffer-overflow"),
        ("past_dynamic", "address", "heap-buffer-overflow"),
        ("missing_barrier", "thread", "data race"),
        ("racing_stores", "thread", "data race"),
    ],
)
def test_a_planted_defect_is_named_with_its_line(function, variant, message):
    report = sanitize.run(PLANTED, function, variant)
    assert message in report
    assert "planted.cu:" in report
