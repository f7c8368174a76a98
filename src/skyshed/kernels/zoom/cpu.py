"""Spline expansion on the CPU; see zoom.cpp."""

from typing import Any

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)

#: Runs of pixels per range of work: some 20 pixels each.
RUNS = 1 << 13


def expand(coefficients, index, weight, limits, dtype, n_threads):
    """Evaluate a separable spline; see the contract in `skyshed.kernels.zoom`."""
    (iy, ix), (wy, wx) = index, weight
    ny, nx = iy.shape[0], ix.shape[0]
    strip, out = _strip(coefficients, ix, wx, n_threads), np.empty((ny, nx), dtype)
    low, high = (float(limit) for limit in limits)
    combine = KERNELS.bind("combine_lines", strip, iy, wy, iy.shape[1], nx, low, high, out)
    run_ranges(combine, ny, n_threads, rows_per_range(nx))
    return out


def _strip(coefficients, index, weight, n_threads):
    """Return the mesh expanded along x: a line for each of its rows."""
    (my, mx), (nx, k) = coefficients.shape, index.shape
    strip = np.empty((my, nx))
    expand_lines = KERNELS.bind("expand_lines", coefficients, mx, index, weight, k, nx, strip)
    run_ranges(expand_lines, my, n_threads, rows_per_range(nx))
    return strip


def add_without(data, total, mask, index, weight, level, noise, squared, n_threads, lost=None):
    """Expand rows and use them while they are in the cache; see `skyshed.kernels.zoom`."""
    (iy, ix), (wy, wx), (ny, nx) = index, weight, data.shape
    strips = _strips((level, noise), ix, wx, n_threads)
    first = total is None
    total = np.empty_like(data) if first else total
    add = KERNELS.bind(
        "add_without", data, mask, iy, wy, iy.shape[1], nx, *strips, int(squared), int(first),
        total, lost,
    )  # fmt: skip
    run_ranges(add, ny, n_threads, rows_per_range(nx))
    return total


def _strips(meshes, index, weight, n_threads):
    """Return the strip and the limits of each mesh, one after the other."""
    strips: list[Any] = []
    for mesh in meshes:
        if mesh is None:
            strips += [None, 0.0, 0.0]
            continue
        coefficients, low, high = mesh
        strips += [_strip(coefficients, index, weight, n_threads), float(low), float(high)]
    return strips


def subtract_in_runs(
    data, mask, runs, index, weight, level, noise, out, n_threads, marked=None
):  # fmt: skip
    """Expand parts of rows; see the contract in `skyshed.kernels.zoom`."""
    (iy, ix), (wy, wx), nx = index, weight, data.shape[1]
    strips, finite = _strips((level, noise), ix, wx, n_threads), np.empty(len(runs), bool)
    subtract = KERNELS.bind(
        "subtract_in_runs", data, mask, runs, iy, wy, iy.shape[1], nx, *strips, *out, finite,
        marked,
    )  # fmt: skip
    run_ranges(subtract, len(runs), n_threads, RUNS)
    return bool(finite.all())
