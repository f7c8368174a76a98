"""Aperture sums on the GPU.

Kernels are in sums.cu (ellipses), background.cu (annuli) and radius.cu (circles); what these share
is in pixels.h and geometry.h.
"""

import cupy
import numpy as np

from skyshed.kernels.apertures import LARGEST_BOX
from skyshed.kernels.apertures.cpu import where_of
from skyshed.kernels.cuda import CHUNK, Kernels

SUMS = Kernels(__package__, "sums.cu")
BACKGROUND = Kernels(__package__, "background.cu")
RADIUS = Kernels(__package__, "radius.cu")
#: Threads of a block, as background.cu, sums.cu and radius.cu have them; warps per large circle.
BLOCK, WARPS, FEW, MANY, PARTS = 256, 128, 64, 256, 64
#: The room that radius.cu has for the sums of a small circle, and the pixels between the sums.
ROOM, COARSE, STRIDE = 1088, 4, 32


def local_background(data, labels, mask, bbox, width, n_threads):
    """Estimate per source; see the contract in `skyshed.kernels.apertures`."""
    n, (ny, nx) = bbox.shape[0], data.shape[-2:]
    out, counts = cupy.empty(n, np.float64), cupy.empty(n, np.int64)
    BACKGROUND.launch(
        "clipped_modes", n * BLOCK, data, labels, mask, np.int64(ny), np.int64(nx), _rows(bbox),
        np.float64(width), np.int64(n), out, counts, dtype=data.dtype, block=BLOCK,
    )  # fmt: skip
    return out, counts


def kron_sums(data, labels, mask, place, label, ellipses, scale, method, n_threads):
    """Sum per ellipse; see the contract in `skyshed.kernels.apertures`."""
    n, scale, where = len(label), np.float64(scale), _where(data, place, method)
    ellipses, first, chunks = _chunks(data.shape, place, ellipses, scale)
    moments, totals = (cupy.empty(chunks, np.float64) for _ in range(2))
    SUMS.launch(
        "kron_chunks", chunks * 32, data, labels, mask, where, label, ellipses, scale, first,
        np.int64(n), moments, totals, dtype=data.dtype, block=WARPS,
    )  # fmt: skip
    out = cupy.empty((2, n), np.float64)
    SUMS.launch(
        "kron_sources", n, where, ellipses, scale, first, np.int64(n), moments, totals, out,
        dtype=data.dtype,
    )  # fmt: skip
    return out[0], out[1]


def keep_weights(labels, place, label, ellipses, most, n_threads):
    """Keep none; see the contract in `skyshed.kernels.apertures`."""
    return None


def aperture_sums(
    data, error, input_mask, labels, mask, place, label, ellipses, background, method, n_threads,
    kept=None,
):  # fmt: skip
    """Sum per aperture; see the contract in `skyshed.kernels.apertures`."""
    n, where, background = len(label), _where(data, place, method), cupy.asarray(background)
    ellipses, first, chunks = _chunks(data.shape, place, ellipses, 1.0)
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
    n, circles = len(label), _host_rows(circles)
    which, first_mark = _large_circles(data.shape, place, circles)
    sources = tuple(cupy.asarray(each) for each in (circles, background, flux))
    images = data, labels, mask, _where(data, place, method), label
    out = cupy.empty(n, np.float64)
    RADIUS.launch(
        "search_small", n * 32, *images, *sources, np.int64(n), out, dtype=data.dtype, block=FEW
    )
    n_large = which.size
    if n_large:
        before = cupy.empty(int(first_mark[-1]), np.float64)
        large = cupy.asarray(which), cupy.asarray(first_mark), np.int64(n_large), before
        RADIUS.launch(
            "add_before", n_large * PARTS * 32, *images, *sources, *large, dtype=data.dtype
        )
        RADIUS.launch(
            "search_large", n_large * MANY, *images, *sources, *large, out, dtype=data.dtype,
            block=MANY,
        )  # fmt: skip
    return out


def _rows(table):
    """Return a table with its rows one after the other in memory."""
    return cupy.ascontiguousarray(table)


def _host_rows(table):
    """Return a table on the host, with its rows one after the other in memory."""
    return np.ascontiguousarray(table.get() if isinstance(table, cupy.ndarray) else table)


def _where(data, place, method):
    """Return the integers of a field, in the order that pixels.h has them, on the device."""
    return cupy.asarray(where_of(data, place, method))


def _chunks(shape, place, ellipses, scale):
    """Return the ellipses on the device, the first chunk of each, and the number of chunks.

    There are as many chunks as the box of such an ellipse may need, whatever its angle; what they
    hold is up to the device. So the host need not wait to hear it, nor know angles as exactly.
    """
    ellipses = _host_rows(ellipses)
    first = np.zeros(ellipses.shape[0] + 1, np.int64)
    np.cumsum(most_chunks(shape, place, ellipses, scale), out=first[1:])
    return cupy.asarray(ellipses), cupy.asarray(first), int(first[-1])


def most_chunks(shape, place, ellipses, scale):
    """Return how many chunks the boxes of ellipses have at most, int64, shape (n,).

    A box of half width w and half height h has (2 w + 2) (2 h + 2) pixels at most, and one more
    each way by rounding. Of semi-axes a and b, w h is between a b and (a^2 + b^2) / 2.
    """
    a, b = scale * ellipses[:, 2], scale * ellipses[:, 3]
    with np.errstate(over="ignore", invalid="ignore"):
        squares = a * a + b * b
        pixels = np.minimum(2 * squares + 6 * np.sqrt(2 * squares) + 9, shape[0] * shape[1])
        too_large = 4 * a * b > _most_pixels(place) * 1.001
        drawn = np.isfinite(ellipses.sum(axis=1)) & (a > 0) & (b > 0) & ~too_large
    return np.where(drawn, np.ceil(pixels / CHUNK), 0).astype(np.int64)


def _large_circles(shape, place, circles):
    """Return which circles may be large ones, as radius.cu has it, and where their sums begin.

    The device decides; here is room for their sums, shape (n + 1,), as of the largest boxes that
    such circles may have.
    """
    radius = circles[:, 2]
    with np.errstate(over="ignore", invalid="ignore"):
        rows, columns = (np.minimum(np.ceil(2 * radius) + 3, side) for side in shape)
        large = rows * (columns // COARSE + 1) > ROOM
        which = np.flatnonzero(large & ((2 * radius) ** 2 <= _most_pixels(place) * 1.001))
    marks = rows[which] * (columns[which] // STRIDE + 1)
    return which, np.append(0, np.cumsum(marks.astype(np.int64)))


def _most_pixels(place):
    """Return how large a box is measured, in pixels."""
    return max(place[2] * place[3], LARGEST_BOX)
