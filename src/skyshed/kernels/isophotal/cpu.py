"""Reductions over the pixels of each source on the CPU; see the .cpp files."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, run_items

KERNELS = Kernels(__package__)

#: Sources per range of work.
SOURCES = 256


def summarize(sources, image, mask, n_threads):
    """Count, add up, find extremes; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    (total, low, high), (count, low_at, high_at) = np.empty((3, n)), np.empty((3, n), np.int64)
    out, stop = (count, total, low, high, low_at, high_at), flag_for(sources.pixel.size)
    reduce = KERNELS.bind("summarize", *_pixels(sources), image.shape[1], image, mask, *out, stop)
    run_items(reduce, n, n_threads, SOURCES, stop)
    return out


def total(sources, image, mask, squared, n_threads):
    """Add up; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    out, finite, stop = np.empty(n), np.empty(n, bool), flag_for(sources.pixel.size)
    add_up = KERNELS.bind(
        "total", *_pixels(sources), image.shape[1], image, mask, bool(squared), out, finite, stop
    )
    run_items(add_up, n, n_threads, SOURCES, stop)
    return out, finite


def gini(sources, image, mask, n_threads):
    """Compute Gini coefficients; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    out, stop = np.empty(n), np.zeros(1, np.int32)
    reduce = KERNELS.bind(
        "gini", sources.pixel, sources.start, sources.order, image, mask, out, stop
    )
    run_items(reduce, n, n_threads, SOURCES, stop)
    return out


def asymmetry(
    sources, image, error, mask, squared, farthest, level, centres, owner, n_rows, n_threads
):
    """Compare opposite pixels; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    out, stop = np.empty(n), np.zeros(1, np.int32)
    compare = KERNELS.bind(
        "asymmetry", sources.pixel, sources.start, sources.order, image.shape[1], n_rows, image,
        error, mask, owner, squared, farthest, level, centres, out, stop,
    )  # fmt: skip
    run_items(compare, n, n_threads, SOURCES, stop)
    return out


def perimeter(sources, mask, n_threads):
    """Estimate outlines; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    out, stop = np.empty(n), flag_for(sources.pixel.size)
    follow = KERNELS.bind(
        "perimeter", sources.pixel, sources.start, sources.order, sources.shape[1], mask, out, stop
    )
    run_items(follow, n, n_threads, SOURCES, stop)
    return out


def _pixels(sources):
    return sources.pixel, sources.start, sources.order, sources.bbox
