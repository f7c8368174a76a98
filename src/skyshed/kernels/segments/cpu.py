"""Sources of a label image on the CPU, by runs: stretches of one label within a row.

1. Mark where the runs of each row start and end, a bit each (one read of the image, bands of rows
   spread over threads), and write them down.
2. Rank the labels that occur; sum areas and boxes over runs, which are far fewer than pixels.
3. An exclusive sum over areas says where each run's pixels go; write them (runs over threads).
"""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.segments.cpu_runs import WORD
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)

#: Runs per range of work: small enough to balance, large enough to hide the cost of a hand-over.
RUNS = 1 << 13
#: Pixels per range of work, about.
PIXELS = 1 << 20

#: Labels up to this, or up to the number of runs, are ranked by a table; larger ones by sorting.
TABLE = 1 << 20


def _ranked(label):
    """Return the labels that occur, ascending, and the rank of each run's label among them."""
    n_values = int(label.max(initial=0)) + 1
    if n_values > max(TABLE, label.size) or label.min(initial=0) < 0:
        labels, rank = np.unique(label, return_inverse=True)
        return labels, rank.astype(np.int32)
    table, labels, rank = (
        np.zeros(n_values, np.int32),
        np.empty(n_values, np.int32),
        np.empty_like(label),
    )
    n_labels = KERNELS.call("rank", label, label.size, n_values, table, rank, labels)
    return labels[:n_labels].copy(), rank


def _runs(image, n_threads):
    """Return the flat index of the first pixel, the length and the label of every run."""
    ny, nx = image.shape
    rows = rows_per_range(nx)
    row_start = np.zeros(ny + 1, np.int64)
    begun, ended = np.empty((2, ny, -(-nx // WORD)), np.uint64)
    find = KERNELS.bind("find", image, nx, begun, ended, row_start[1:])
    run_ranges(find, ny, n_threads, rows)
    np.cumsum(row_start, out=row_start)
    n_runs = int(row_start[-1])
    runs = np.empty(n_runs, np.int64), np.empty(n_runs, np.int32), np.empty(n_runs, np.int32)
    record = KERNELS.bind("record", image, nx, begun, ended, row_start, *runs)
    run_ranges(record, ny, n_threads, rows)
    return runs


def collect(image, n_threads):
    """Collect sources by their runs; see the contract in `skyshed.kernels.segments`."""
    begin, length, label = _runs(image, n_threads)
    labels, rank = _ranked(label)
    return rows_of(begin, length, rank, labels, image.shape, n_threads)


def rows_of(begin, length, rank, labels, shape, n_threads):
    """Collect the sources of runs, whose labels are known by their ranks, by a counting sort."""
    start = np.zeros(labels.size + 1, np.int64)
    bbox = np.empty((labels.size, 4), np.int64)
    n_runs = begin.size
    KERNELS.call("measure", begin, length, rank, n_runs, shape[1], start[1:], bbox)
    np.cumsum(start, out=start)
    at = np.empty(n_runs, np.int64)
    KERNELS.call("place", length, rank, n_runs, start[:-1].copy(), at)
    pixel = np.empty(int(start[-1]), np.int64)
    # Few pixels at a time, too, where runs are long: a signal is heard in between.
    runs = int(min(RUNS, max(PIXELS * n_runs // max(pixel.size, 1), 1)))
    run_ranges(KERNELS.bind("write", begin, length, at, pixel), n_runs, n_threads, runs)
    return labels, start, pixel, bbox


def take(pixel, start, index):
    """Take compressed rows; see the contract in `skyshed.kernels.segments`."""
    index = np.ascontiguousarray(index, np.int64)
    pixel = np.ascontiguousarray(pixel)
    new_start = np.zeros(index.size + 1, np.int64)
    np.cumsum(start[index + 1] - start[index], out=new_start[1:])
    out = np.empty(int(new_start[-1]), pixel.dtype)
    KERNELS.call(
        "take", pixel.view(np.uint8), pixel.itemsize, start, index, new_start, out.view(np.uint8),
        0, index.size,
    )  # fmt: skip
    return new_start, out
