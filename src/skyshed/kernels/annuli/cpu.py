"""Pixels of annuli on the CPU: row by row from one side of the circle to the other."""

import math

import numpy as np

from skyshed.kernels.threads import jit, run_ranges

#: Annuli per range of work: enough to hide the cost of a hand-over, few enough to balance.
ANNULI = 64


@jit
def _between(middle, reach, n):
    """Return the range of the indices 0, ..., n - 1 within ``reach`` of ``middle``, half-open."""
    begin = min(max(np.floor(middle - reach), 0.0), np.float64(n))
    end = min(max(np.ceil(middle + reach) + 1.0, begin), np.float64(n))
    return int(begin), int(end)


@jit
def _gather_span(data, mask, masked, j, x0, x1, x, dy2, inner2, outer2, row, n):
    """Append the values of the annulus among pixels x0..x1-1 of an image row; return how many.

    There is no branch in the loop: it would be unpredictable.
    """
    for i in range(x0, x1):
        distance2 = (i - x) * (i - x) + dy2
        value = data[j, i]
        row[n] = value
        good = value - value == 0
        if masked:
            good &= not mask[j, i]
        n += good & (distance2 >= inner2) & (distance2 < outer2)
    return n


@jit
def _gather_one(data, mask, masked, x, y, inner, outer, row):
    """Fill a row with the values of one annulus."""
    n = 0
    inner2, outer2 = inner * inner, outer * outer
    ny, nx = data.shape
    y0, y1 = _between(y, outer, ny)
    for j in range(y0, y1):
        dy2 = (j - y) * (j - y)
        x0, x1 = _between(x, math.sqrt(max(outer2 - dy2, 0.0)), nx)
        # The hole less a pixel at either end, where rounding might matter.
        hole = math.sqrt(max(inner2 - dy2, 0.0)) - 2.0
        h0, h1 = x1, x1
        if hole > 0.0:
            h0, h1 = _between(x, hole, nx)
        n = _gather_span(data, mask, masked, j, x0, min(h0, x1), x, dy2, inner2, outer2, row, n)
        n = _gather_span(data, mask, masked, j, max(h1, x0), x1, x, dy2, inner2, outer2, row, n)
    row[n:] = np.nan


@jit
def _gather_range(data, mask, masked, centers, inner, outer, out, start, stop):
    for i in range(start, stop):
        _gather_one(data, mask, masked, centers[i, 0], centers[i, 1], inner, outer, out[i])


def gather(data, mask, centers, radii, width, n_threads):
    """Copy pixels to rows; see the contract in `skyshed.kernels.annuli`."""
    masked = mask is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    inner, outer = (float(radius) for radius in radii)
    out = np.empty((len(centers), width), data.dtype)
    run_ranges(
        lambda start, stop: _gather_range(
            data, mask, masked, centers, inner, outer, out, start, stop
        ),
        len(centers), n_threads, ANNULI,
    )  # fmt: skip
    return out
