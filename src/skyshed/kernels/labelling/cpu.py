"""Labelling on the CPU: by runs, so that all state but the output is as large as the sources.

1. Mark the pixels above the threshold, a bit each (one read of the image, bands of rows spread over
   threads), and write down the runs they make.
2. Join runs of neighbouring rows by union-find, first within bands, then across their seams; a
   root is its component's first run, hence its first pixel in raster order.
3. Sum areas, number the components that are large enough, write the runs out.
"""

import math
from functools import partial

import numpy as np

from skyshed.kernels.labelling import Seen, unknown_labels
from skyshed.kernels.native import Kernels
from skyshed.kernels.segments.cpu import rows_of
from skyshed.kernels.segments.cpu_runs import runs_of
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)


def label_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs; see the contract in `skyshed.kernels.labelling`."""
    return _labelled(data, threshold, mask, npixels, connectivity, n_threads)[1:3]


def sources_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs, and list these; see the contract in `skyshed.kernels.labelling`."""
    n_negative, image, n_labels, row_start, *runs = _labelled(
        data, threshold, mask, npixels, connectivity, n_threads
    )
    n_runs = runs[0].size
    found = np.empty(n_runs, np.int64), np.empty(n_runs, np.int32), np.empty(n_runs, np.int32)
    shape = math.prod(data.shape[:-1]), data.shape[-1]
    n_kept = KERNELS.call("keep", row_start, *runs, *shape, *found)
    begin, length, rank = (each[:n_kept] for each in found)
    labels = np.arange(1, n_labels + 1, dtype=np.int32)
    rows = rows_of(begin, length, rank, labels, shape, n_threads)
    any_left = data.size > 0 and (mask is None or not bool(mask.all()))
    return image, *rows, Seen(any_left, n_negative)


def _labelled(data, threshold, mask, npixels, connectivity, n_threads):
    """Return how many limits are negative, the labels, how many, and the runs they come from."""
    ny, nx = data.shape[-2:]
    shape = math.prod(data.shape[:-1]), nx
    rows = rows_per_range(nx)
    threshold, negative = np.ascontiguousarray(threshold), np.zeros(shape[0], np.int64)
    row_start, *ends = runs_of(
        shape,
        lambda *found: KERNELS.bind(
            "find", data, threshold, threshold.size == 1, mask, nx, negative, *found
        ),
        n_threads,
    )
    n_runs = ends[0].size
    parent = np.arange(n_runs)
    join = KERNELS.bind("join", row_start, *ends, parent, connectivity == 8)
    for top in range(0, shape[0], ny or 1):  # of each image of a stack
        within = partial(_join_from, join, top)
        run_ranges(within, ny, n_threads, rows)
        join(rows, top + rows, top + ny)
    label = np.empty(n_runs, np.int32)
    area = np.zeros(n_runs, np.int64)
    n_labels = KERNELS.call("number", *ends, n_runs, npixels, parent, area, label)
    out = np.zeros(data.shape, np.int32)
    run_ranges(KERNELS.bind("write", row_start, *ends, label, nx, out), shape[0], n_threads, rows)
    return int(negative.sum()), out, n_labels, row_start, *ends, label


def _join_from(join, top, y0, y1):
    """Join the runs of rows y0 to y1 of the image that begins at row ``top``."""
    return join(1, top + y0 + 1, top + y1)


def relabel(labels, table, n_threads):
    """Look labels up in a table; see the contract in `skyshed.kernels.labelling`."""
    out, beyond = np.empty_like(labels), []
    look_up = KERNELS.bind("relabel", labels, table, table.size, out)
    run_ranges(
        lambda p0, p1: beyond.append(look_up(p0, p1)), labels.size, n_threads, rows_per_range(1)
    )
    if any(beyond):
        raise unknown_labels(sum(beyond), table.size)
    return out
