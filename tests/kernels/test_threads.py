"""Ranges of work spread over threads."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from skyshed.kernels.threads import items_per_range, run_ranges


@pytest.mark.parametrize("n_threads", [1, 2, 5, None])
@pytest.mark.parametrize(("n_items", "chunk"), [(0, 4), (3, 4), (8, 4), (103, 4)])
def test_ranges_make_up_all_items(n_threads, n_items, chunk):
    done = []
    run_ranges(lambda start, stop: done.append((start, stop)), n_items, n_threads, chunk)
    assert all(0 < stop - start <= chunk for start, stop in done)
    assert sorted(i for start, stop in done for i in range(start, stop)) == list(range(n_items))


def test_several_threads_work_at_the_same_time():
    """Each waits for the other: one thread alone would wait for ever."""
    barrier = threading.Barrier(2, timeout=300)
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


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_signal_ends_a_range_that_takes_long(n_threads):
    stop = np.zeros(1, np.int32)
    begun, before = [], threading.active_count()

    def work(start, end):
        begun.append(start)
        if len(begun) == n_threads:
            os.kill(os.getpid(), signal.SIGINT)
        while not stop[0]:
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        run_ranges(work, 50, n_threads, 1, stop)
    assert len(begun) == n_threads
    assert threading.active_count() == before


@pytest.mark.usefixtures("heard")
def test_a_signal_is_heard_between_ranges():
    begun, before = [], threading.active_count()

    def work(start, end):
        begun.append(start)
        if start == 5:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.002)

    # The other thread goes on until the main one has its turn: all ranges take minutes.
    with pytest.raises(KeyboardInterrupt):
        run_ranges(work, 100_000, 2, 1)
    assert len(begun) < 100_000
    assert threading.active_count() == before


@pytest.mark.parametrize("n_threads", [1, 4])
def test_with_a_flag_every_range_is_done_too(n_threads):
    stop, done = np.zeros(1, np.int32), np.zeros(23, int)

    def work(start, end):
        done[start:end] += 1

    run_ranges(work, 23, n_threads, 4, stop)
    assert (done == 1).all()
    assert stop[0] == 0


def test_beside_the_main_thread_the_caller_works_and_an_error_ends_what_takes_long():
    stop, ended, at_work = np.zeros(1, np.int32), [], set()
    barrier = threading.Barrier(2, timeout=300)

    def work(start, end):
        at_work.add(threading.current_thread())
        barrier.wait()
        if start == 0:
            raise ZeroDivisionError
        patience = time.monotonic() + 300
        while not stop[0] and time.monotonic() < patience:
            time.sleep(0.01)
        ended.append(bool(stop[0]))

    def call():
        with pytest.raises(ZeroDivisionError):
            run_ranges(work, 2, 2, 1, stop)

    caller = threading.Thread(target=call)
    caller.start()
    caller.join()
    assert ended == [True]
    assert caller in at_work


@pytest.mark.parametrize(
    ("n_items", "n_threads", "expected"),
    [(10, 2, 64), (64 * 32, 2, 64), (3200, 2, 100), (10**6, 2, 256), (3200, 32, 64)],
)
def test_ranges_of_many_items_are_longer_but_never_long(n_items, n_threads, expected):
    assert items_per_range(n_items, 64, n_threads) == expected
