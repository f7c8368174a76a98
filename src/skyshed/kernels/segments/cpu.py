"""Sources of a label image on the CPU, by runs: stretches of one label within a row.

1. Find the runs of each row (one read of the image, bands of rows spread over threads).
2. Rank the labels that occur; sum areas and boxes over runs, which are far fewer than pixels.
3. An exclusive sum over areas says where each run's pixels go; write them (runs over threads).
"""

import numpy as np

from skyshed.kernels.threads import jit, rows_per_range, run_ranges

#: Runs per range of work: small enough to balance, large enough to hide the cost of a hand-over.
RUNS = 1 << 13

#: Pixels that are looked at together: most such blocks of an image hold nothing, and are done with.
BLOCK = 64

#: Labels up to this, or up to the number of runs, are ranked by a table; larger ones by sorting.
TABLE = 1 << 20


@jit
def _find_runs(image, begin, length, label, y0, y1):
    """Record the runs of rows y0..y1-1; return how many there are."""
    nx = image.shape[1]
    n_runs = 0
    for y in range(y0, y1):
        row = image[y]
        before, start = np.int32(0), 0
        for x0 in range(0, nx, BLOCK):
            x1 = min(x0 + BLOCK, nx)
            part, some = row[x0:x1], np.int32(0)
            for k in range(part.shape[0]):
                some |= part[k]
            if some == 0:
                if before != 0:
                    length[n_runs - 1] = x0 - start
                before = np.int32(0)
                continue
            for x in range(x0, x1):
                name = row[x]
                if name != before:
                    if before != 0:
                        length[n_runs - 1] = x - start
                    if name != 0:
                        begin[n_runs], label[n_runs], start = y * nx + x, name, x
                        n_runs += 1
                    before = name
        if before != 0:
            length[n_runs - 1] = nx - start
    return n_runs


@jit
def _measure(begin, length, rank, nx, area, bbox):
    """Sum areas and boxes over runs, which come in raster order."""
    for run in range(begin.shape[0]):
        source = rank[run]
        y = begin[run] // nx
        x0 = begin[run] - y * nx
        x1 = x0 + length[run]
        if area[source] == 0:
            bbox[source, 0] = y
            bbox[source, 2] = x0
            bbox[source, 3] = x1
        area[source] += length[run]
        bbox[source, 1] = y + 1
        bbox[source, 2] = min(bbox[source, 2], x0)
        bbox[source, 3] = max(bbox[source, 3], x1)


@jit
def _place(length, rank, start, place):
    """Say where in the list of pixels each run begins."""
    free = start[:-1].copy()
    for run in range(length.shape[0]):
        source = rank[run]
        place[run] = free[source]
        free[source] += length[run]


@jit
def _write(begin, length, place, pixel, run0, run1):
    for run in range(run0, run1):
        at, first = place[run], begin[run]
        for i in range(length[run]):
            pixel[at + i] = first + i


def _ranked(label):
    """Return the labels that occur, ascending, and the rank of each run's label among them."""
    n_values = int(label.max(initial=0)) + 1
    if n_values > max(TABLE, label.size) or label.min(initial=0) < 0:
        labels, rank = np.unique(label, return_inverse=True)
        return labels, rank.astype(np.int32)
    table = np.zeros(n_values, np.int32)
    table[label] = 1
    labels = np.flatnonzero(table).astype(np.int32)
    table[labels] = np.arange(labels.size, dtype=np.int32)
    return labels, table[label]


def _runs(image, n_threads):
    """Return the flat index of the first pixel, the length and the label of every run."""
    ny, nx = image.shape
    bands = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))]
    rows = rows_per_range(nx)
    bands *= 1 + -(-ny // rows)

    def find(y0, y1):
        # Room for as many runs as a band can hold; the pages that stay empty are never touched.
        room = (y1 - y0) * nx
        runs = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int32)
        n_runs = _find_runs(image, *runs, y0, y1)
        begin, length, label = (column[:n_runs].copy() for column in runs)
        bands[y0 // rows] = begin, length, label

    run_ranges(find, ny, n_threads, rows)
    return (np.concatenate(column) for column in zip(*bands, strict=True))


def collect(image, n_threads):
    """Collect sources by a counting sort; see the contract in `skyshed.kernels.segments`."""
    nx = image.shape[1]
    begin, length, label = _runs(image, n_threads)
    labels, rank = _ranked(label)
    start = np.zeros(labels.size + 1, np.int64)
    bbox = np.empty((labels.size, 4), np.int64)
    _measure(begin, length, rank, nx, start[1:], bbox)
    np.cumsum(start, out=start)
    place = np.empty(begin.size, np.int64)
    _place(length, rank, start, place)
    pixel = np.empty(int(start[-1]), np.int64)
    run_ranges(
        lambda run0, run1: _write(begin, length, place, pixel, run0, run1),
        begin.size, n_threads, RUNS,
    )  # fmt: skip
    return labels, start, pixel, bbox


@jit
def _take(pixel, start, index, new_start, out):
    for i in range(index.shape[0]):
        row = pixel[start[index[i]] : start[index[i] + 1]]
        part = out[new_start[i] : new_start[i + 1]]
        for k in range(row.shape[0]):
            part[k] = row[k]


def take(pixel, start, index):
    """Take compressed rows; see the contract in `skyshed.kernels.segments`."""
    index = np.asarray(index, np.int64)
    new_start = np.zeros(index.size + 1, np.int64)
    np.cumsum(start[index + 1] - start[index], out=new_start[1:])
    out = np.empty(int(new_start[-1]), pixel.dtype)
    _take(pixel, start, index, new_start, out)
    return new_start, out
