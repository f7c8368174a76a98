"""Labelling on the CPU: by runs, so that all state but the output is as large as the sources.

1. Find the runs of pixels above the threshold in each row (one read of the image, bands of rows
   spread over threads).
2. Join runs of neighbouring rows by union-find, first within bands, then across their seams; a
   root is its component's first run, hence its first pixel in raster order.
3. Sum areas, number the components that are large enough, write the runs out.
"""

import numpy as np

from skyshed.kernels.threads import jit, rows_per_range, run_ranges

#: Pixels that are compared together: most such blocks of an image hold nothing, and are done with.
BLOCK = 64


@jit
def _count_above(part, limits, scalar):
    """Return how many pixels are above a limit, or above one each."""
    hits = 0
    if scalar:
        limit = limits[0]
        for k in range(part.shape[0]):
            hits += part[k] > limit
    else:
        for k in range(part.shape[0]):
            hits += part[k] > limits[k]
    return hits


@jit
def _find_runs(data, threshold, mask, masked, row_start, first, last, y0, y1):
    """Record where the runs of rows y0..y1-1 begin and end; return how many there are."""
    nx = data.shape[1]
    scalar = threshold.size == 1
    n_runs = 0
    for y in range(y0, y1):
        row, limit = data[y], threshold[0 if scalar else y]
        before = n_runs
        inside = False
        for x0 in range(0, nx, BLOCK):
            x1 = min(x0 + BLOCK, nx)
            if _count_above(row[x0:x1], limit if scalar else limit[x0:x1], scalar) == 0:
                if inside:
                    last[n_runs - 1] = x0 - 1
                inside = False
                continue
            for x in range(x0, x1):
                above = row[x] > limit[0 if scalar else x]
                if above and masked:
                    above = not mask[y, x]
                if above != inside:
                    if inside:
                        last[n_runs - 1] = x - 1
                    else:
                        first[n_runs] = x
                        n_runs += 1
                    inside = above
        if inside:
            last[n_runs - 1] = nx - 1
        row_start[y + 1] = n_runs - before
    return n_runs


@jit
def _root(parent, run):
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@jit
def _join_row(row_start, first, last, parent, reach, y):
    """Join the runs of row y with those of the row above; smaller runs become roots."""
    upper, upper_stop = row_start[y - 1], row_start[y]
    for run in range(row_start[y], row_start[y + 1]):
        while upper < upper_stop and last[upper] + reach < first[run]:
            upper += 1
        above = upper
        while above < upper_stop and first[above] <= last[run] + reach:
            a, b = _root(parent, above), _root(parent, run)
            if a < b:
                parent[b] = a
            elif b < a:
                parent[a] = b
            above += 1


@jit
def _join_rows(row_start, first, last, parent, reach, y0, y1, step):
    """Join rows y0, y0 + step, ... below y1 with the rows above them."""
    for y in range(y0, y1, step):
        _join_row(row_start, first, last, parent, reach, y)


@jit
def _number(parent, first, last, npixels, label):
    """Give the components of at least npixels pixels their numbers; return how many there are."""
    n_runs = parent.shape[0]
    area = np.empty(n_runs, np.int64)
    area[:] = 0
    for run in range(n_runs):
        root = _root(parent, run)
        parent[run] = root
        area[root] += last[run] - first[run] + 1
    n_labels = 0
    for run in range(n_runs):
        root = parent[run]
        if root == run and area[root] >= npixels:
            n_labels += 1
            label[run] = n_labels
        else:
            label[run] = label[root] if root != run else 0
    return n_labels


@jit
def _write_runs(row_start, first, last, label, out, y0, y1):
    for y in range(y0, y1):
        for run in range(row_start[y], row_start[y + 1]):
            if label[run] != 0:
                out[y, first[run] : last[run] + 1] = label[run]


def _runs(data, threshold, mask, n_threads):
    """Return the runs above the threshold: offsets of rows, first and last pixels."""
    ny, nx = data.shape
    threshold = np.atleast_2d(threshold)
    masked = mask is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    row_start = np.zeros(ny + 1, np.int64)
    rows = rows_per_range(nx)
    bands = [None] * -(-ny // rows)

    def find(y0, y1):
        # Room for as many runs as a band can hold; the pages that stay empty are never touched.
        first, last = np.empty((2, (y1 - y0) * ((nx + 1) // 2)), np.int32)
        n_runs = _find_runs(data, threshold, mask, masked, row_start, first, last, y0, y1)
        bands[y0 // rows] = np.stack([first[:n_runs], last[:n_runs]])

    run_ranges(find, ny, n_threads, rows)
    first, last = np.concatenate([np.empty((2, 0), np.int32), *bands], axis=1)
    return np.cumsum(row_start, out=row_start), first, last


def label_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs; see the contract in `skyshed.kernels.labelling`."""
    ny, nx = data.shape
    rows = rows_per_range(nx)
    row_start, first, last = _runs(data, threshold, mask, n_threads)
    parent = np.arange(first.size)
    reach = 1 if connectivity == 8 else 0
    run_ranges(
        lambda y0, y1: _join_rows(row_start, first, last, parent, reach, y0 + 1, y1, 1),
        ny, n_threads, rows,
    )  # fmt: skip
    _join_rows(row_start, first, last, parent, reach, rows, ny, rows)
    label = np.empty(first.size, np.int32)
    n_labels = _number(parent, first, last, npixels, label)
    out = np.zeros(data.shape, np.int32)
    run_ranges(
        lambda y0, y1: _write_runs(row_start, first, last, label, out, y0, y1),
        ny, n_threads, rows,
    )  # fmt: skip
    return out, int(n_labels)


@jit
def _relabel(labels, table, out, y0, y1):
    for y in range(y0, y1):
        for x in range(labels.shape[1]):
            out[y, x] = table[labels[y, x]]


def relabel(labels, table, n_threads):
    """Look labels up in a table; see the contract in `skyshed.kernels.labelling`."""
    out = np.empty_like(labels)
    ny, nx = labels.shape
    run_ranges(
        lambda y0, y1: _relabel(labels, table, out, y0, y1), ny, n_threads, rows_per_range(nx)
    )
    return out
