"""Ranges of work spread over threads."""

import threading

import pytest

from skyshed.kernels.threads import run_ranges


@pytest.mark.parametrize("n_threads", [1, 2, 5, None])
@pytest.mark.parametrize(("n_items", "chunk"), [(0, 4), (3, 4), (8, 4), (103, 4)])
def test_ranges_make_up_all_items(n_threads, n_items, chunk):
    done = []
    run_ranges(lambda start, stop: done.append((start, stop)), n_items, n_threads, chunk)
    assert all(0 < stop - start <= chunk for start, stop in done)
    assert sorted(i for start, stop in done for i in range(start, stop)) == list(range(n_items))


def test_several_threads_work_at_the_same_time():
    """Each waits for the other: one thread alone would wait for ever."""
    barrier = threading.Barrier(2, timeout=60)
    threads = set()

    def work(start, stop):
        threads.add(threading.get_ident())
        barrier.wait()

    run_ranges(work, 2, 2, 1)
    assert len(threads) == 2


@pytest.mark.parametrize("n_threads", [1, 3])
def test_an_error_is_the_callers(n_threads):
    def work(start, stop):
        if start == 7:
            raise ZeroDivisionError("seven")

    with pytest.raises(ZeroDivisionError, match="seven"):
        run_ranges(work, 1000, n_threads, 1)
