"""Convolution on the CPU; see convolution.cpp."""

import itertools

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, rows_per_range, run_ranges

KERNELS = Kernels(__package__)
#: Rows per range of work, at least; a band reads ky - 1 rows more than it writes.
ROWS = 128
#: Products of a range of work, 0.1 s or so, beyond which a signal may have to wait for it.
LONG = 1 << 28
#: How far the elements of a kernel may be from the products of a row and a column.
RANK_ONE_RTOL = 1e-13
#: Elements this far below the largest are not compared: they are rounding, or underflow.
RANK_ONE_FLOOR = 1e-30

#: As convolution.h numbers them.
BOUNDARIES = {None: 0, "fill": 1, "wrap": 2, "extend": 3}


def factors(kernel):
    """Return the column and the row whose products are the kernel, or None if there are none.

    The cross through the largest element keeps zeros exactly zero, which singular vectors do not:
    0 * inf must be NaN where it is in the direct sum. A kernel with negative elements is not
    factored: whether its weights cancel must not depend on the order of the sum.
    """
    if not np.all(np.isfinite(kernel)) or kernel.min() < 0 or kernel.max() <= 0:
        return None
    y, x = np.unravel_index(np.argmax(kernel), kernel.shape)
    column, row = kernel[:, x].copy(), kernel[y] / kernel[y, x]
    distance = np.abs(np.outer(column, row) - kernel)
    if np.any(distance > RANK_ONE_RTOL * kernel + RANK_ONE_FLOOR * kernel[y, x]):
        return None
    return column, row


def taps_of(kernel):
    """Return a kernel as compiled code takes it, and whether it is a column and then a row.

    A sum runs over the image in its own order, so over the kernel backwards.
    """
    parts = factors(kernel)
    if parts is None:
        return np.ascontiguousarray(kernel[::-1, ::-1]), False
    return np.concatenate([part[::-1] for part in parts]), True


def weight_of(taps, shape, separable):
    """Return the weight of a kernel that misses nothing, in the order of all sums."""
    weight = np.empty(1)
    KERNELS.call("weigh", taps, *shape, separable, weight)
    return weight[0]


def convolve(
    data, mask, kernel, boundary, fill_value, interpolate, preserve_nan, scale, n_threads
):  # fmt: skip
    """Convolve band by band; see the contract in `skyshed.kernels.convolution`."""
    (ny, nx), (ky, kx) = data.shape[-2:], kernel.shape
    out = np.empty_like(data)
    if data.ndim > 2:
        options = kernel, boundary, fill_value, interpolate, preserve_nan, scale, n_threads
        masks = itertools.repeat(None) if mask is None else mask
        n_missed = 0
        for to, image, own_mask in zip(out, data, masks, strict=False):
            to[...], n = convolve(image, own_mask, *options)
            n_missed += n
        return out, n_missed
    taps, separable = taps_of(kernel)
    rows = max(rows_per_range(nx), ROWS, 4 * ky)
    stop = flag_for(min(rows, ny) * nx * taps.size, LONG)
    band = KERNELS.bind(
        "convolve", data, mask, ny, nx, BOUNDARIES[boundary], float(fill_value), taps, ky, kx,
        separable, interpolate, preserve_nan, float(scale), out, stop,
    )  # fmt: skip
    n_empty = []
    run_ranges(lambda y0, y1: n_empty.append(band(y0, y1)), ny, n_threads, rows, stop)
    return out, 0 if preserve_nan else sum(n_empty)
