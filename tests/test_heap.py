"""Memory that was freed is given back to the system, whichever thread took it."""

import subprocess
import sys

import pytest

from skyshed.heap import give_back_freed

#: Four threads hold 30 MB each in small arrays at the same time, and then keep one in ten, or none.
SCRIPT = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
from skyshed.heap import give_back_freed, share_one_heap

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def take(_):
    arrays = [np.ones(100_000, np.uint8) for _ in range(300)]
    all_have_taken.wait()
    return arrays[::{kept}]

all_have_taken = Barrier(4)

if {one}:
    share_one_heap()
np.ones(30_000_000, np.uint8)  # from now on glibc takes arrays of this size from heaps
with ThreadPoolExecutor(4) as pool:
    before = resident()
    kept = list(pool.map(take, range(4)))
    freed = resident()
    give_back_freed()
    print(before, freed, resident())
"""

glibc = pytest.mark.skipif(
    sys.platform != "linux" or "musl" in sys.version, reason="only glibc keeps what was freed"
)


def run(**options):
    """Return the bytes resident before, when all is freed, and when it was given back."""
    command = [sys.executable, "-c", SCRIPT.format(**options)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return map(int, said.stdout.split())


@glibc
def test_what_lies_between_kept_arrays_is_given_back():
    before, freed, after = run(one=False, kept=10)
    assert freed - before > 80e6
    assert after - before < 40e6


@glibc
def test_of_one_heap_everything_is_given_back():
    before, _, after = run(one=True, kept=300)
    assert after - before < 10e6


def test_giving_back_is_allowed_on_every_system(monkeypatch):
    from skyshed import heap

    monkeypatch.setattr(heap.sys, "platform", "win32")
    heap._glibc.cache_clear()
    try:
        give_back_freed()
        assert heap._glibc() is None
    finally:
        heap._glibc.cache_clear()
