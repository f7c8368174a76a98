"""Aperture sums on the GPU.

Kernels are in sums.cu (ellipses), background.cu (annuli) and radius.cu (circles); what these share
is in pixels.cuh and geometry.cuh.
"""

import cupy
import numpy as np

from skyshed.kernels.apertures import LARGEST_BOX
from skyshed.kernels.cuda import Kernels

SUMS = Kernels(__package__, "sums.cu")
BACKGROUND = Kernels(__package__, "background.cu")
RADIUS = Kernels(__package__, "radius.cu")
#: Threads of a block, as background.cu, sums.cu and radius.cu have them; warps per large circle.
BLOCK, WARPS, FEW, MANY, PARTS = 256, 128, 64, 256, 64


def local_background(data, labels, mask, bbox, width, n_threads):
    """Estimate per source; see the contract in `skyshed.kernels.apertures`."""
    n, (ny, nx) = bbox.shape[0], data.shape
    out, counts = cupy.empty(n, np.float64), cupy.empty(n, np.int64)
    BACKGROUND.launch(
        "clipped_modes", n * BLOCK, data, labels, mask, np.int64(ny), np.int64(nx), _rows(bbox),
        np.float64(width), np.int64(n), out, counts, dtype=data.dtype, block=BLOCK,
    )  # fmt: skip
    return out, counts


def kron_sums(data, labels, mask, place, label, ellipses, scale, method, n_threads):
    """Sum per ellipse; see the contract in `skyshed.kernels.apertures`."""
    n, ellipses, scale = len(label), _rows(ellipses), np.float64(scale)
    where = _where(data, place, method)
    first, chunks = _chunks(where, ellipses, None, scale, data.dtype)
    moments, totals = (cupy.empty(chunks, np.float64) for _ in range(2))
    SUMS.launch(
        "kron_chunks", chunks * 32, data, labels, mask, where, label, ellipses, scale, first,
        np.int64(n), moments, totals, dtype=data.dtype, block=WARPS,
    )  # fmt: skip
    out = cupy.empty((2, n), np.float64)
    SUMS.launch(
        "kron_sources", n, first, np.int64(n), moments, totals, out, dtype=data.dtype
    )  # fmt: skip
    return out[0], out[1]


def aperture_sums(
    data, error, input_mask, labels, mask, place, label, ellipses, background, method, n_threads
):
    """Sum per aperture; see the contract in `skyshed.kernels.apertures`."""
    n, ellipses = len(label), _rows(ellipses)
    where = _where(data, place, method)
    first, chunks = _chunks(where, ellipses, background, np.float64(1), data.dtype)
    totals, variances = (cupy.empty(chunks, np.float64) for _ in range(2))
    seen = cupy.empty(chunks, np.int32)
    SUMS.launch(
        "aperture_chunks", chunks * 32, data, error, input_mask, labels, mask, where, label,
        ellipses, background, first, np.int64(n), totals, variances, seen, dtype=data.dtype,
        block=WARPS,
    )  # fmt: skip
    out, seen_by_source = cupy.empty((2, n), np.float64), cupy.empty(n, np.int32)
    SUMS.launch(
        "aperture_sources", n, where, ellipses, background, first, np.int64(n), totals, variances,
        seen, np.bool_(error is not None), out, seen_by_source, dtype=data.dtype,
    )  # fmt: skip
    return out[0], out[1], seen_by_source


def radius_of_flux(data, labels, mask, place, label, circles, background, flux, method, n_threads):
    """Search per source; see the contract in `skyshed.kernels.apertures`."""
    n = len(label)
    sources = _rows(circles), background, flux
    images = data, labels, mask, _where(data, place, method), label
    large, marks = (cupy.empty(n, np.int64) for _ in range(2))
    RADIUS.launch(
        "count_marks", n, images[3], *sources, np.int64(n), large, marks, dtype=data.dtype
    )
    first = cupy.zeros((2, n + 1), np.int64)
    cupy.cumsum(large, out=first[0, 1:])
    cupy.cumsum(marks, out=first[1, 1:])
    out = cupy.empty(n, np.float64)
    RADIUS.launch(
        "search_small", n * 32, *images, *sources, np.int64(n), out, dtype=data.dtype, block=FEW
    )
    n_large, n_marks = (int(total) for total in first[:, n].get())
    before, firsts = cupy.empty(n_marks, np.float64), (first[0], first[1], np.int64(n))
    RADIUS.launch(
        "add_before", n_large * PARTS * 32, *images, *sources, *firsts, before, dtype=data.dtype
    )
    RADIUS.launch(
        "search_large", n_large * MANY, *images, *sources, *firsts, before, out, dtype=data.dtype,
        block=MANY,
    )  # fmt: skip
    return out


def _rows(table):
    """Return a table with its rows one after the other in memory."""
    return cupy.ascontiguousarray(table)


def _where(data, place, method):
    """Return the integers of a field, in the order that pixels.cu has them, on the device."""
    return cupy.asarray(np.array([*data.shape, *place, LARGEST_BOX, method], np.int64))


def _chunks(where, ellipses, background, scale, dtype):
    """Return the first chunk of each of n apertures, shape (n + 1,), and the number of chunks.

    How many chunks there are depends on sizes that only the device knows: the host waits for it.
    """
    n = ellipses.shape[0]
    count, first = cupy.empty(n, np.int64), cupy.zeros(n + 1, np.int64)
    SUMS.launch(
        "count_chunks", n, where, ellipses, background, np.int64(n), scale, count, dtype=dtype
    )
    if n:
        cupy.cumsum(count, out=first[1:])
    return first, int(first[n])
