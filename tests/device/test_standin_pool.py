"""The stand-in's memory pool hands memory out as CuPy's does."""

import numpy as np
import pytest

from tests.device import standin
from tests.device.standin import counts
from tests.device.standin.pool import UNIT, Pool


def units(*sizes):
    return [size * UNIT for size in sizes]


def test_the_smallest_block_that_is_large_enough_is_taken_and_split():
    pool = Pool()
    small, large = (pool.take(size) for size in units(4, 10))
    pool.give(small)
    pool.give(large)
    assert (pool.held, pool.kept) == (0, 14 * UNIT)
    first, second = (pool.take(size) for size in units(3, 3))
    assert pool.kept == 14 * UNIT  # of the small one, then of the large one
    assert first is small
    assert second is large
    pool.take(8 * UNIT)  # 7 are left of the large one, 1 of the small one
    assert (pool.held, pool.kept) == (14 * UNIT, 22 * UNIT)


def test_neighbours_are_joined_and_what_is_too_small_stays():
    pool = Pool()
    whole = pool.take(9 * UNIT)
    pool.give(whole)
    parts = [pool.take(3 * UNIT) for _ in range(3)]
    assert pool.kept == 9 * UNIT
    pool.give(parts[0])
    pool.give(parts[2])
    other = pool.take(6 * UNIT)  # free are 3 and 3, apart
    assert pool.kept == 15 * UNIT
    pool.give(parts[1])
    pool.take(9 * UNIT)
    assert pool.kept == 15 * UNIT
    pool.give(other)
    assert (pool.held, pool.kept) == (9 * UNIT, 15 * UNIT)


def test_the_driver_gets_back_what_is_wholly_free():
    pool = Pool()
    blocks = [pool.take(size) for size in units(8, 5)]
    for block in blocks:
        pool.give(block)
    kept = pool.take(UNIT)  # of the piece of 5
    pool.release()
    assert (pool.held, pool.kept) == (UNIT, 5 * UNIT)
    pool.give(kept)
    pool.release()
    assert (pool.held, pool.kept) == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_requests_leaves_nothing_behind(seed):
    rng = np.random.default_rng(seed)
    pool, taken, most = Pool(), [], 0
    for _ in range(2000):
        if taken and rng.random() < 0.5:
            pool.give(taken.pop(rng.integers(len(taken))))
        else:
            taken.append(pool.take(int(rng.integers(1, 60)) * UNIT))
        assert pool.held == sum(block.size for block in taken) <= pool.kept
        most = max(most, pool.held)
    assert pool.kept < 3 * most
    for block in taken:
        pool.give(block)
    pool.release()
    assert (pool.held, pool.kept) == (0, 0)


def test_the_ledger_says_what_the_pool_has_of_the_driver(new_pool):
    with standin.in_place() as cupy:
        pool = cupy.get_default_memory_pool()
        pool.free_all_blocks()
        before = pool.total_bytes()
        with standin.ledger() as ledger:
            x, y = cupy.zeros(8 * UNIT, np.uint8), cupy.zeros(8 * UNIT, np.uint8)
            del x
            z = cupy.zeros(16 * UNIT, np.uint8)
        assert ledger.total.pool_peak - before == 32 * UNIT
        assert pool.total_bytes() - before == 32 * UNIT
        assert counts.memory.of(0).held == pool.used_bytes()
        del y, z
