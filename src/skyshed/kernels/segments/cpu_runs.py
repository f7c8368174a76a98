"""Runs of pixels on the CPU: all that is kept of an image that was read once for its runs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import rows_per_range, run_ranges

__all__ = ["Runs", "runs_of"]

KERNELS = Kernels(__package__)

#: Pixels of a word of bits.
WORD = 64


class Runs(NamedTuple):
    """Runs in raster order.

    Attributes
    ----------
    row_start : array of int64, shape (ny + 1,)
        The number of runs before each row.
    first, last : array of int32, shape (number of runs,)
        Their ends within the row, both inside.
    """

    row_start: Any
    first: Any
    last: Any


def runs_of(
    shape: tuple[int, int], find: Callable[..., Callable[..., int]], n_threads: int | None
) -> Runs:
    """Return the runs of the pixels that a kernel finds.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    find : callable
        Binds the kernel to its results, ``words`` (uint64, a bit for a pixel, rows begin a word)
        and ``count`` (int64: how many runs start in each row).
    n_threads : int or None
        Threads.
    """
    ny, nx = shape
    rows = rows_per_range(nx)
    words = np.empty((ny, -(-nx // WORD)), np.uint64)
    row_start = np.zeros(ny + 1, np.int64)
    run_ranges(find(words, row_start[1:]), ny, n_threads, rows)
    np.cumsum(row_start, out=row_start)
    n_runs = int(row_start[-1])
    first, last = np.empty(n_runs, np.int32), np.empty(n_runs, np.int32)
    run_ranges(KERNELS.bind("record_runs", words, nx, row_start, first, last), ny, n_threads, rows)
    return Runs(row_start, first, last)
