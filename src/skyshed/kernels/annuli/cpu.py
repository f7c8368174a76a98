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
def _gather_one(data, mask, masked, x, y, inner, outer, row):
    """Fill a row with the values of one annulus."""
    n = 0
    y0, y1 = _between(y, outer, data.shape[0])
    for j in range(y0, y1):
        dy2 = (j - y) * (j - y)
        half = math.sqrt(max(outer * outer - dy2, 0.0))
        x0, x1 = _between(x, half, data.shape[1])
        for i in range(x0, x1):
            distance2 = (i - x) * (i - x) + dy2
            value = data[j, i]
            inside = inner * inner <= distance2 < outer * outer
            if inside and math.isfinite(value) and not (masked and mask[j, i]):
                row[n] = value
                n += 1
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
