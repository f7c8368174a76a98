"""Spline expansion on the GPU; see zoom.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels

KERNELS = Kernels(__package__, "zoom.cu")
#: Threads of a block, and rows of a thread, as zoom.cu has them.
BLOCK, ROWS = 256, 16


def expand(coefficients, index, weight, limits, dtype, n_threads):
    """Evaluate a separable spline; see the contract in `skyshed.kernels.zoom`.

    Indices and weights are a line per axis: where a stage made them on the host they are sent.
    """
    iy, wy = cupy.asarray(index[0]), cupy.asarray(weight[0])
    square = index[1] is index[0] and weight[1] is weight[0]
    ix, wx = (iy, wy) if square else (cupy.asarray(index[1]), cupy.asarray(weight[1]))
    (my, mx), (ny, ky), (nx, kx) = coefficients.shape, iy.shape, ix.shape
    strip = cupy.empty((my, nx), np.float64)
    KERNELS.launch(
        "expand_lines", my * nx, coefficients, np.int64(my), np.int64(mx), ix, wx, np.int32(kx),
        np.int64(nx), strip, dtype=dtype, block=BLOCK,
    )  # fmt: skip
    out = cupy.empty((ny, nx), dtype)
    tiles = -(-nx // BLOCK) * -(-ny // ROWS)
    KERNELS.launch(
        "combine_lines", tiles * BLOCK, strip, iy, wy, np.int32(ky), np.int64(ny), np.int64(nx),
        np.float64(limits[0]), np.float64(limits[1]), out, dtype=dtype, block=BLOCK,
        shared=ROWS * ky * 16,
    )  # fmt: skip
    return out


def add_without(data, total, mask, index, weight, level, noise, squared, n_threads, lost=None):
    """Do one step after the other; see the contract in `skyshed.kernels.zoom`."""
    dtype = data.dtype
    coefficients, *limits = level
    term = expand(coefficients, index, weight, limits, dtype, n_threads)
    np.subtract(data, term, out=term)
    if noise is not None:
        coefficients, *limits = noise
        term /= expand(coefficients, index, weight, limits, dtype, n_threads)
    if lost is not None:
        bad = ~cupy.isfinite(data)
        mask = bad if mask is None else bad | mask
        lost += mask.view(np.uint8)
    if mask is not None:
        term[mask] = 0
    if squared:
        np.square(term, out=term)
    if total is None:
        return term
    total += term
    return total


def subtract_in_runs(
    data, mask, runs, index, weight, level, noise, out, n_threads, marked=None
):  # fmt: skip
    """Do it to whole images; see the contract in `skyshed.kernels.zoom`."""
    difference, spread = out
    coefficients, *limits = level
    lines = expand(coefficients, index, weight, limits, data.dtype, n_threads)
    np.subtract(data, lines, out=difference)
    coefficients, *limits = noise
    spread[...] = expand(coefficients, index, weight, limits, data.dtype, n_threads)
    good = cupy.isfinite(difference)
    if marked is not None:
        marked[...] = ~cupy.isfinite(data)
        if mask is not None:
            marked |= mask
        mask = marked
    if mask is not None:
        good |= mask
    begun = cupy.zeros(data.size + 1, np.int8)  # no pixel is in two runs
    begun[runs[:, 0]] += 1
    begun[runs[:, 1]] -= 1
    needed = cupy.cumsum(begun[:-1]) > 0
    return bool((good.reshape(-1) | ~needed).all())
