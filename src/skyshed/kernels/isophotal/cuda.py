"""Reductions over the pixels of each source on the GPU.

Kernels are in isophotal.cu (sums and extremes), gini.cu, asymmetry.cu and perimeter.cu.
"""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.segments.cuda import chunks_of, max_chunks

KERNELS = Kernels(__package__, "isophotal.cu")
GINI = Kernels(__package__, "gini.cu")
PERIMETER = Kernels(__package__, "perimeter.cu")
ASYMMETRY = Kernels(__package__, "asymmetry.cu")
#: What perimeter.cu counts of each chunk.
COUNTS = 11


def summarize(sources, image, mask, n_threads):
    """Count, add up, find extremes; see the contract in `skyshed.kernels.isophotal`."""
    n, chunks, first = len(sources), max_chunks(sources), chunks_of(sources)
    dtypes = (np.int64, np.float64, np.float64, np.float64, np.int64, np.int64)
    partial = [cupy.empty(chunks, dtype) for dtype in dtypes]
    KERNELS.launch(
        "summarize_chunks", chunks * 32, sources.pixel, sources.start, first, np.int64(n), image,
        mask, *partial, dtype=image.dtype,
    )  # fmt: skip
    out = [cupy.empty(n, dtype) for dtype in dtypes]
    KERNELS.launch("summarize_sources", n, first, np.int64(n), *partial, *out, dtype=image.dtype)
    return tuple(out)


def total(sources, image, mask, squared, n_threads):
    """Add up; see the contract in `skyshed.kernels.isophotal`."""
    n, chunks, first = len(sources), max_chunks(sources), chunks_of(sources)
    partial = [cupy.empty(chunks, dtype) for dtype in (np.int64, np.float64, np.bool_)]
    KERNELS.launch(
        "total_chunks", chunks * 32, sources.pixel, sources.start, first, np.int64(n), image,
        mask, np.bool_(squared), *partial, dtype=image.dtype,
    )  # fmt: skip
    out = cupy.empty(n, np.float64), cupy.empty(n, np.bool_)
    KERNELS.launch("total_sources", n, first, np.int64(n), *partial, *out, dtype=image.dtype)
    return out


def gini(sources, image, mask, n_threads):
    """Compute Gini coefficients; see the contract in `skyshed.kernels.isophotal`."""
    n, chunks, first = len(sources), max_chunks(sources), chunks_of(sources)
    keys, out = cupy.empty((2, sources.pixel.shape[0]), np.uint64), cupy.empty(n, np.float64)
    GINI.launch(
        "gini_keys", chunks * 32, sources.pixel, sources.start, first, np.int64(n), image, mask,
        keys[0], keys[1], dtype=image.dtype,
    )  # fmt: skip
    # The second row is the primary key: the rows of sources stay where they are.
    key = cupy.take(keys[0], cupy.lexsort(keys)) if n else keys[0]
    rows = sources.start, first, np.int64(n)
    partial = [cupy.empty(chunks, np.float64) for _ in range(2)]
    GINI.launch("gini_chunks", chunks * 32, key, *rows, *partial)
    GINI.launch("gini_sources", n, key, *rows, *partial, out)
    return out


def asymmetry(
    sources, image, error, mask, squared, farthest, level, centres, owner, n_rows, n_threads
):
    """Compare opposite pixels; see the contract in `skyshed.kernels.isophotal`."""
    n = len(sources)
    out = cupy.empty(n, np.float64)
    ASYMMETRY.launch(
        "asymmetry", n * 32, sources.pixel, sources.start, np.int64(n), np.int64(image.shape[1]),
        np.int64(n_rows), image, error, mask, owner, squared, farthest, level, centres, out,
        dtype=image.dtype,
    )  # fmt: skip
    return out


def perimeter(sources, mask, n_threads):
    """Estimate outlines; see the contract in `skyshed.kernels.isophotal`."""
    n, chunks, first = len(sources), max_chunks(sources), chunks_of(sources)
    rows = sources.pixel, sources.start, first, np.int64(n), np.int64(sources.shape[1])
    border = cupy.empty(sources.pixel.shape, bool)
    PERIMETER.launch("mark_border", chunks * 32, *rows, mask, border)
    partial, out = cupy.empty((chunks, COUNTS), np.int64), cupy.empty(n, np.float64)
    PERIMETER.launch("outline_chunks", chunks * 32, *rows, mask, border, partial)
    PERIMETER.launch("outline_sources", n, first, np.int64(n), partial, out)
    return out
