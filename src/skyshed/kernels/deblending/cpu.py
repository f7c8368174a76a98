"""Deblending on the CPU: everything about one source in one compiled loop, sources over threads.

Ranges hold about the same number of pixels, the largest sources first, so that none is left over at
the end. Within a source pixels are counted with 32 bits.
"""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)

#: What a kernel returns that was stopped; cpu.h has the same number.
STOPPED = -2
#: Pixels per range of work.
PIXELS = 1 << 13
#: Sources per range of what is done to each pixel once.
SOURCES = 1024
#: Sources of more pixels may take longer than a signal should wait: kernels look at a flag.
LARGE = 1 << 18


def _run(work, area, stop, n_threads):
    """Do the work for sources of these areas, in ranges of about PIXELS."""
    range_of = (np.cumsum(area) - 1) // PIXELS
    edges = np.append(np.flatnonzero(np.diff(range_of, prepend=-1)), area.size)
    run_ranges(lambda i, _: work(edges[i], edges[i + 1]), edges.size - 1, n_threads, 1, stop)


def _flag(area):
    """Return a flag that stops the kernels, if a source is so large that they should look at it."""
    return np.zeros(1, np.int32) if area.max() > LARGE else None


def survey(data, sources, connectivity, n_threads, room=None):
    """Gather values and their range; see the contract in `skyshed.kernels.deblending`."""
    n = len(sources)
    values = np.empty(sources.pixel.size, data.dtype)
    smallest, largest = np.empty(n, data.dtype), np.empty(n, data.dtype)
    peaks = np.zeros(n, np.int64)
    if n:
        stop = _flag(sources.area)
        work = KERNELS.bind(
            "survey", data, sources.pixel, sources.start, sources.bbox, data.shape[1],
            connectivity == 8, stop, values, smallest, largest, peaks,
        )  # fmt: skip
        _run(work, sources.area, stop, n_threads)
    return values, smallest, largest, peaks


def deblend(
    values, sources, index, thresholds, npixels, contrast, connectivity, saddle, max_markers,
    n_threads, room=None,
):  # fmt: skip
    """Split sources; see the contract in `skyshed.kernels.deblending`."""
    n = len(index)
    area = sources.area[index]
    child_start = np.cumsum(area) - area
    child = np.zeros(int(area.sum()), np.int32)
    nchild, flags = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    if n:
        stop = _flag(area)
        order = np.argsort(-area, kind="stable")
        work = KERNELS.bind(
            "deblend", values, sources.pixel, sources.start, sources.bbox, sources.shape[1],
            np.ascontiguousarray(index), child_start, thresholds, thresholds.shape[1], npixels,
            contrast, connectivity == 8, saddle, max_markers, order, stop, child, nchild, flags,
        )  # fmt: skip
        _run(work, area[order], stop, n_threads)
    return child, nchild, flags


def paint(sources, base, child_start, child, n_threads, room=None):
    """Draw a label image; see the contract in `skyshed.kernels.deblending`."""
    # The system has zeros for nothing: those of pages that no source is in are never written.
    out = np.zeros(sources.shape, np.int32)
    work = KERNELS.bind("paint", sources.pixel, sources.start, base, child_start, child, out)
    run_ranges(work, len(sources), n_threads, SOURCES)
    return out


def parts(sources, base, child_start, child, n_children, image, n_threads):
    """List the sources of a painted image; see the contract in `skyshed.kernels.deblending`."""
    count = np.maximum(n_children, 1)
    first = np.cumsum(count) - count
    n, n_parts = len(sources), int(count.sum())
    labels, area = np.empty(n_parts, np.int32), np.empty(n_parts, np.int64)
    bbox = np.empty((n_parts, 4), np.int64)
    divided = sources.pixel, sources.start, child_start, child, first
    measure = KERNELS.bind(
        "measure_parts", *divided, sources.shape[1], sources.bbox, base, count, labels, area, bbox
    )
    run_ranges(measure, n, n_threads, SOURCES)
    order = np.argsort(labels)
    start = np.zeros(n_parts + 1, np.int64)
    np.cumsum(area[order], out=start[1:])
    next_at, pixel = np.empty(n_parts, np.int64), np.empty(sources.pixel.size, np.int64)
    next_at[order] = start[:-1]
    run_ranges(KERNELS.bind("write_parts", *divided, next_at, pixel), n, n_threads, SOURCES)
    return labels[order], start, pixel, bbox[order]
