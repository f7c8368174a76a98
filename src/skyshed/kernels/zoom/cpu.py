"""Spline expansion on the CPU; see zoom.cpp."""

from typing import Any

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


def add_without(data, total, mask, index, weight, level, noise, squared, n_threads):
    """Expand rows and use them while they are in the cache; see `skyshed.kernels.zoom`."""
    (iy, ix), (wy, wx), (ny, nx) = index, weight, data.shape
    rows, strips = rows_per_range(nx), list[Any]()
    for mesh in (level, noise):
        if mesh is None:
            strips += [None, 0.0, 0.0]
            continue
        coefficients, low, high = mesh
        my, mx = coefficients.shape
        strip = np.empty((my, nx))
        expand_lines = KERNELS.bind(
            "expand_lines", coefficients, mx, ix, wx, ix.shape[1], nx, strip
        )
        run_ranges(expand_lines, my, n_threads, rows)
        strips += [strip, float(low), float(high)]
    first = total is None
    total = np.empty_like(data) if first else total
    add = KERNELS.bind(
        "add_without", data, mask, iy, wy, iy.shape[1], nx, *strips, int(squared), int(first), total
    )
    run_ranges(add, ny, n_threads, rows)
    return total
