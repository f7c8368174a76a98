"""Deblending on the CPU: everything about one source in one compiled loop, sources over threads.

For each source: its neighbours, the level of each pixel, the markers, the watershed, the contrast
rule (one file each). Scratch is as large as the largest source of a range, and reused within it.
Ranges hold about the same number of pixels, the largest sources first, so that none is left over at
the end. Within a source pixels are counted with 32 bits.
"""

import numpy as np

from skyshed.kernels.deblending import NOT_COVERED, TOO_MANY
from skyshed.kernels.deblending.cpu_contrast import remove_faint_basins
from skyshed.kernels.deblending.cpu_markers import (
    draw_markers,
    find_markers,
    order_by_level,
    quantise,
)
from skyshed.kernels.deblending.cpu_neighbours import count_peaks, find_neighbours
from skyshed.kernels.deblending.cpu_sorting import sort_descending
from skyshed.kernels.deblending.cpu_watershed import flood, flood_by_heap
from skyshed.kernels.threads import jit, run_ranges

#: Pixels per range of work.
PIXELS = 1 << 13


def _cut(area):
    """Return offsets that cut sources of these areas into ranges of about PIXELS."""
    range_of = (np.cumsum(area) - 1) // PIXELS
    return np.append(np.flatnonzero(np.diff(range_of, prepend=-1)), area.size)


@jit
def _survey(data, pixel, start, nx, n_near, begin, stop, values, smallest, largest, peaks):
    size = 0
    for source in range(begin, stop):
        size = max(size, start[source + 1] - start[source])
    topped = np.empty(size, np.bool_)
    for source in range(begin, stop):
        lo, hi = start[source], start[source + 1]
        least, most = np.inf, -np.inf
        for k in range(lo, hi):
            v = data[pixel[k]]
            values[k] = v
            least = v if v < least else least
            most = v if v > most else most
        smallest[source], largest[source] = least, most
        if least < most:
            peaks[source] = count_peaks(values[lo:hi], pixel[lo:hi], nx, n_near == 8, topped)


def survey(data, sources, connectivity, n_threads):
    """Gather values and their range; see the contract in `skyshed.kernels.deblending`."""
    n = len(sources)
    values = np.empty(sources.pixel.size, data.dtype)
    smallest, largest = np.empty(n, data.dtype), np.empty(n, data.dtype)
    peaks = np.zeros(n, np.int64)
    if n:
        flat, edges = data.ravel(), _cut(sources.area)
        run_ranges(
            lambda i, _: _survey(
                flat, sources.pixel, sources.start, sources.shape[1], connectivity, edges[i],
                edges[i + 1], values, smallest, largest, peaks,
            ),
            edges.size - 1, n_threads, 1,
        )  # fmt: skip
    return values, smallest, largest, peaks


@jit
def _first_flood(near, n_near, value, n, level, order, label, scratch):
    """Flood from the markers. ``order`` goes from the top level down; each level is sorted."""
    key, spare_key, member, spare_member, work = scratch
    m, segment = 0, 0
    for i in range(n):
        p = order[i]
        active = label[p] == 0
        if not active:
            for direction in range(n_near):
                if label[near[p, direction]] == 0:
                    active = True
                    break
        if active:
            if m > segment and level[p] != level[member[m - 1]]:
                sort_descending(key, member, segment, m, spare_key, spare_member)
                segment = m
            member[m] = p
            key[m] = value[p]
            m += 1
    sort_descending(key, member, segment, m, spare_key, spare_member)
    if not flood(near, n_near, label, member, key, m, work):
        flood_by_heap(near, n_near, label, value, n, key, spare_member, work[0])


@jit
def _split(
    n, pixel, nx, thresholds, npixels, contrast, n_near, saddle, max_markers,
    near, value, level, order, label, link, scratch,
):  # fmt: skip
    """Split one source of n pixels, given its values; return its children and its flags."""
    key, _, _, _, work = scratch
    group = (work[0], work[1], work[2], work[3], work[4], work[5])
    find_neighbours(pixel, nx, near)
    quantise(value, n, thresholds, level)
    count = np.empty(thresholds.shape[0] + 1, np.int64)
    n_above = order_by_level(level, n, count, order)
    total, smallest = 0.0, np.inf
    for k in range(n):
        if value[k] > -np.inf:
            total += value[k]
            smallest = min(smallest, value[k])
    n_markers = find_markers(
        near, n_near, value, n, level, order, n_above, thresholds, npixels, contrast * total,
        saddle, max_markers, group, key, link, label,
    )  # fmt: skip
    if max_markers >= 0 and n_markers > max_markers:
        return 0, TOO_MANY
    if n_markers < 2:
        return 0, 0
    seed, cut = link[:n_markers], label[:n_markers].copy()
    draw_markers(near, n_near, level, n, seed, cut, n_markers, label, work[0], work[1])
    _first_flood(near, n_near, value, n, level, order, label, scratch)
    if not saddle:
        n_markers = remove_faint_basins(
            near, n_near, value, n, total, smallest, contrast, n_markers, label, link, order,
            scratch,
        )  # fmt: skip
    for k in range(n):
        if label[k] == 0:
            return 0, NOT_COVERED
    return (n_markers, 0) if n_markers > 1 else (0, 0)


@jit
def _deblend(
    values, pixel, start, nx, thresholds, npixels, contrast, n_near, saddle, max_markers,
    sources, begin, stop, child, nchild, flags,
):  # fmt: skip
    size = 0
    for i in range(begin, stop):
        size = max(size, start[sources[i] + 1] - start[sources[i]])
    near = np.empty((size, 8), np.int32)
    value = np.empty(size, np.float64)
    level, label = np.empty(size + 1, np.int32), np.empty(size + 1, np.int32)
    order, link = np.empty(size, np.int32), np.empty(size, np.int32)
    scratch = (
        np.empty(size, np.float64),
        np.empty(size, np.float64),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty((6, size + 1), np.int32),
    )
    for i in range(begin, stop):
        source = sources[i]
        lo, hi = start[source], start[source + 1]
        n = hi - lo
        for k in range(n):
            v = values[lo + k]
            # NaN is the last to be flooded.
            value[k] = -np.inf if np.isnan(v) else v
        nchild[source], flags[source] = _split(
            n, pixel[lo:hi], nx, thresholds[source], npixels, contrast, n_near, saddle,
            max_markers, near, value, level, order, label, link, scratch,
        )  # fmt: skip
        if nchild[source]:
            for k in range(n):
                child[lo + k] = label[k]


def deblend(
    values, sources, thresholds, npixels, contrast, connectivity, saddle, max_markers, n_threads
):
    """Split sources; see the contract in `skyshed.kernels.deblending`."""
    n = len(sources)
    child = np.zeros(values.size, np.int32)
    nchild, flags = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    if n:
        order = np.argsort(-sources.area, kind="stable")
        edges = _cut(sources.area[order])
        run_ranges(
            lambda i, _: _deblend(
                values, sources.pixel, sources.start, sources.shape[1], thresholds, npixels,
                contrast, connectivity, saddle, max_markers, order, edges[i], edges[i + 1],
                child, nchild, flags,
            ),
            edges.size - 1, n_threads, 1,
        )  # fmt: skip
    return child, nchild, flags


@jit
def _paint(pixel, start, base, child_start, child, out, begin, stop):
    for source in range(begin, stop):
        lo, hi = start[source], start[source + 1]
        label, at = base[source], child_start[source]
        if at < 0:
            for k in range(lo, hi):
                out[pixel[k]] = label
        else:
            for k in range(lo, hi):
                out[pixel[k]] = label + child[at + k - lo]


def paint(sources, base, child_start, child, n_threads):
    """Draw a label image; see the contract in `skyshed.kernels.deblending`."""
    out = np.zeros(sources.shape, np.int32)
    flat = out.ravel()
    run_ranges(
        lambda begin, stop: _paint(
            sources.pixel, sources.start, base, child_start, child, flat, begin, stop
        ),
        len(sources), n_threads, 1024,
    )  # fmt: skip
    return out
