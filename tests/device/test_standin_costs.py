"""Launches, bytes, transfers, waits and memory are counted exactly."""

import numpy as np
import pytest

from tests.device import standin
from tests.device.standin import counts


@pytest.fixture(scope="module")
def cp():
    with standin.in_place() as cupy:
        yield cupy


@pytest.fixture
def x(cp):
    return cp.asarray(np.arange(12.0).reshape(3, 4))


def test_transfers_and_waits_are_counted(cp):
    host = np.zeros(1000, np.float32)
    with standin.ledger() as ledger:
        with ledger.stage("in"):
            x = cp.asarray(host)
            x.set(host)
        with ledger.stage("out"):
            x.get()
            cp.asnumpy(x[:10])
            float(x[0])
            bool(x[0] > 0)
            int(x[0])
            x[3].item()
            x.tolist()
            f"{x[0]:.2f}"
    into, out = ledger.stages["in"], ledger.stages["out"]
    assert (into.uploads, into.uploaded, into.downloads, into.synchronisations) == (2, 8000, 0, 0)
    assert (out.downloads, out.synchronisations) == (8, 8)
    assert out.downloaded == 4000 + 40 + 4 + 1 + 4 + 4 + 4000 + 4
    assert ledger.total.largest_transfer == 4000
    ledger.no_transfer_larger_than(4000)
    with pytest.raises(AssertionError, match=r"upload of 4000 bytes by cupy\.asarray in in"):
        ledger.no_transfer_larger_than(3999)
    ledger.no_transfer_larger_than(8, stage="elsewhere")
    ledger.at_most("out", synchronisations=8)
    with pytest.raises(AssertionError, match="synchronisations is 8, allowed 7"):
        ledger.at_most("out", synchronisations=7)


@pytest.mark.parametrize(
    ("what", "waits"),
    [
        (lambda cp, x: cp.nonzero(x), 1),
        (lambda cp, x: cp.flatnonzero(x), 1),
        (lambda cp, x: cp.argwhere(x), 1),
        (lambda cp, x: cp.where(x), 1),
        (lambda cp, x: x.nonzero(), 1),
        (lambda cp, x: cp.unique(x), 1),
        (lambda cp, x: x[x > 1], 1),
        (lambda cp, x: cp.bincount(x.astype(np.int32)), 2),
        (lambda cp, x: x.__setitem__(x > 1, 0), 0),
        (lambda cp, x: x.__setitem__(x > 90, x[:0]), 1),
        (lambda cp, x: cp.cuda.Device().synchronize(), 1),
        (lambda cp, x: cp.cuda.get_current_stream().synchronize(), 1),
        (lambda cp, x: cp.cuda.Event().synchronize(), 1),
        (lambda cp, x: cp.cuda.runtime.deviceSynchronize(), 1),
        (lambda cp, x: cp.sort(x), 0),
        (lambda cp, x: cp.where(x > 1, x, 0), 0),
        (lambda cp, x: x[cp.asarray([1])], 0),
        (lambda cp, x: cp.median(x), 0),
        (lambda cp, x: x + 1, 0),
    ],
)
def test_what_waits_for_the_device_is_counted(cp, what, waits):
    x = cp.arange(8.0)
    with standin.ledger() as ledger:
        what(cp, x)
    assert ledger.total.synchronisations == waits
    ledger.no_transfer_larger_than(8)


def test_views_cost_nothing(cp, x):
    with standin.ledger() as ledger:
        parts = [x[1:], x[0, 1], x.T, x.reshape(4, 3), x.ravel(), x[:, None], cp.squeeze(x[:1])]
        parts += [cp.broadcast_to(x, (5, 3, 4)), cp.ascontiguousarray(x), x.view(np.int64), x.mT]
    assert ledger.events == []
    assert ledger.total.peak == counts.memory.current
    parts[0][...] = -1.0
    assert x[1, 0].item() == -1


def test_library_calls_cost_what_the_table_says(cp):
    x, y = cp.zeros((100, 50), np.float32), cp.zeros(50, np.float32)

    def cost(action):
        with standin.ledger() as ledger:
            action()
        t = ledger.total
        return t.library_launches, t.library_read, t.library_written

    assert cost(lambda: x + 1) == (1, 20000, 20000)
    assert cost(lambda: x + y) == (1, 20200, 20000)
    assert cost(lambda: cp.add(x, y, out=x)) == (1, 20200, 20000)
    assert cost(lambda: x > 0) == (1, 20000, 5000)
    assert cost(lambda: cp.broadcast_to(y, (100, 50)) + 0) == (1, 512, 20000)
    assert cost(lambda: x.sum()) == (2, 20000, 4)
    assert cost(lambda: cp.sort(y)) == (4, 4 * 200, 4 * 200)
    assert cost(lambda: x[:, :25].copy()) == (1, 10000, 10000)
    assert cost(lambda: x[:, :25].ravel()) == (1, 10000, 10000)
    assert cost(lambda: x.__setitem__(slice(50), 0.0)) == (1, 0, 10000)
    assert cost(lambda: cp.zeros(50)) == (1, 0, 400)
    assert cost(lambda: cp.empty(50)) == (0, 0, 0)


def test_memory_is_counted_in_the_pools_units_and_given_back(cp, new_pool):
    before, held = cp.get_default_memory_pool().used_bytes(), counts.memory.current
    with standin.ledger() as ledger:
        x = cp.zeros(1000, np.float64)
        part = x[5:]
        with ledger.stage("middle"):
            y = x + 1
            del y
            z = x + 2
        small = cp.zeros(1, np.int8)
    unit = 8192
    assert ledger.total.peak - held == 2 * unit + 512
    assert ledger.stages["middle"].peak - held == 2 * unit
    assert cp.get_default_memory_pool().used_bytes() - before == 2 * unit + 512
    del x
    assert cp.get_default_memory_pool().used_bytes() - before == 2 * unit + 512
    del part, z, small
    assert cp.get_default_memory_pool().used_bytes() == before
    # What the pool keeps is not free for others, but for arrays.
    pool = cp.get_default_memory_pool()
    free, total = cp.cuda.runtime.memGetInfo()
    assert total - free == pool.total_bytes() == before + pool.free_bytes()
    assert pool.free_bytes() >= 2 * unit + 512
    pool.free_all_blocks()
    free, total = cp.cuda.runtime.memGetInfo()
    assert total - free == pool.total_bytes() == before


def test_scratch_space_counts_for_the_peak(cp):
    x = cp.zeros(1024, np.float32)
    now = counts.memory.current
    with standin.ledger() as ledger:
        cp.argsort(x)
    assert ledger.total.peak == now + 8192 + 2 * 4096
