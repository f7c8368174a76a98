"""Threads of the CPU kernels: how many, and ranges of work spread over them.

A kernel writes each item of its range independently of the others, so that the result has the same
bits for any number of threads and any chunk size.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

__all__ = [
    "available_cores", "flag_for", "items_per_range", "resolve_n_threads", "rows_per_range",
    "run_items", "run_ranges",
]  # fmt: skip

#: Pixels per range of work that reads an image once: some 0.2 ms, so that handing a range to a
#: thread costs little beside it, and small images are done without threads.
PIXELS_PER_RANGE = 1 << 18
#: Ranges for each thread, so that none is left with one at the end; and how many times the least
#: number of items they may have: each range costs a call, and a turn with Python's lock.
RANGES_PER_THREAD, MOST_TIMES_LEAST = 16, 4
#: Pixels of a range, some ms of work, beyond which a signal may have to wait for it.
LONG = 1 << 22
#: Seconds after which a thread that waits hears of signals, on systems that don't wake it.
LISTENING = 0.1


def available_cores() -> int:
    """Return the number of cores this process may use (its affinity, where the system tells)."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def resolve_n_threads(n_threads: int | None) -> int:
    """Return the number of threads to use; `None` means the available cores.

    Raises
    ------
    ValueError
        If ``n_threads`` is neither `None` nor a positive integer.
    """
    if n_threads is None:
        return available_cores()
    if isinstance(n_threads, bool) or not isinstance(n_threads, Integral) or n_threads < 1:
        raise ValueError(
            "n_threads must be a positive integer, or None for all available cores; "
            f"got {n_threads!r}"
        )
    return int(n_threads)


def rows_per_range(nx: int) -> int:
    """Return how many rows of ``nx`` pixels make a range of work that reads an image once."""
    return max(PIXELS_PER_RANGE // max(nx, 1), 1)


def items_per_range(n_items: int, least: int, n_threads: int | None) -> int:
    """Return how many of ``n_items`` make a range, at least ``least``: more where they are many."""
    even = n_items // (RANGES_PER_THREAD * resolve_n_threads(n_threads))
    return min(max(even, least), MOST_TIMES_LEAST * least)


def flag_for(n_pixels: float, long: int = LONG) -> Any:
    """Return a flag that stops kernels, if a range of so many pixels is long; else `None`.

    Without a flag the main thread does ranges itself, which is faster where they are short.
    """
    return np.zeros(1, np.int32) if n_pixels > long else None


def run_ranges(
    work: Callable[[int, int], Any],
    n_items: int,
    n_threads: int | None,
    chunk: int,
    stop: Any = None,
) -> None:
    """Call ``work(start, stop)`` for ranges of at most ``chunk`` items that make up all items.

    Threads take the next range when they are done with one, so uneven items balance out.

    Parameters
    ----------
    work : callable
        Does a range.
    n_items : int
        How many items there are.
    n_threads : int or None
        The caller's thread is one of them.
    chunk : int
        The most items of a range. A signal (Ctrl-C) is heard between ranges, so a range is short.
    stop : array of int32, shape (1,), optional
        For items that may take long, one by one: set to 1 when a signal comes or a range fails, so
        that kernels that look at it return. The main thread, to which signals come, then does no
        range, but waits for them.
    """
    listens = stop is not None and threading.current_thread() is threading.main_thread()
    starts = range(0, n_items, chunk)
    threads = min(resolve_n_threads(n_threads), len(starts))
    left = deque(starts)
    errors: list[BaseException] = []

    def end() -> None:
        left.clear()
        if stop is not None:
            stop[0] = 1

    def take_ranges() -> None:
        try:
            while left:
                try:
                    start = left.popleft()
                except IndexError:  # another thread was faster
                    return
                work(start, min(start + chunk, n_items))
        except BaseException as error:
            end()
            errors.append(error)

    # The caller's thread works, too: it would only wait, and starting another takes longer. A pool
    # would take half again as long as bare threads.
    others = [threading.Thread(target=take_ranges) for _ in range(threads - (not listens))]
    try:
        for other in others:
            other.start()
        if not listens:
            take_ranges()
        for other in others:
            while other.is_alive():
                other.join(LISTENING)
    except BaseException:
        end()
        for other in others:
            if other.ident is not None:
                other.join()
        raise
    if errors:
        raise errors[0]


def run_items(
    work: Callable[[int, int], Any],
    n_items: int,
    n_threads: int | None,
    least: int,
    stop: Any = None,
) -> None:
    """Call ``work(start, stop)`` as `run_ranges` does, for ranges of `items_per_range`."""
    run_ranges(work, n_items, n_threads, items_per_range(n_items, least, n_threads), stop)
