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


def survey(data, sources, connectivity, n_threads):
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
    values, sources, thresholds, npixels, contrast, connectivity, saddle, max_markers, n_threads
):
    """Split sources; see the contract in `skyshed.kernels.deblending`."""
    n = len(sources)
    child = np.zeros(values.size, np.int32)
    nchild, flags = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    if n:
        stop = _flag(sources.area)
        order = np.argsort(-sources.area, kind="stable")
        work = KERNELS.bind(
            "deblend", values, sources.pixel, sources.start, sources.bbox, sources.shape[1],
            thresholds, thresholds.shape[1], npixels, contrast, connectivity == 8, saddle,
            max_markers, order, stop, child, nchild, flags,
        )  # fmt: skip
        _run(work, sources.area[order], stop, n_threads)
    return child, nchild, flags


def paint(sources, base, child_start, child, n_threads):
    """Draw a label image; see the contract in `skyshed.kernels.deblending`."""
    out = np.zeros(sources.shape, np.int32)
    work = KERNELS.bind("paint", sources.pixel, sources.start, base, child_start, child, out)
    run_ranges(work, len(sources), n_threads, 1024)
    return out
