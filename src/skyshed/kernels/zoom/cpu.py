"""Spline expansion on the CPU; see zoom.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)


def expand(coefficients, index, weight, limits, dtype, n_threads):
    """Evaluate a separable spline; see the contract in `skyshed.kernels.zoom`."""
    (iy, ix), (wy, wx) = index, weight
    (my, mx), ny, nx = coefficients.shape, iy.shape[0], ix.shape[0]
    strip, out = np.empty((my, nx)), np.empty((ny, nx), dtype)
    rows = rows_per_range(nx)
    expand_lines = KERNELS.bind("expand_lines", coefficients, mx, ix, wx, ix.shape[1], nx, strip)
    run_ranges(expand_lines, my, n_threads, rows)
    low, high = (float(limit) for limit in limits)
    combine = KERNELS.bind("combine_lines", strip, iy, wy, iy.shape[1], nx, low, high, out)
    run_ranges(combine, ny, n_threads, rows)
    return out
