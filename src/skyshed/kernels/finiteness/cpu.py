"""Looks at every pixel on the CPU; see finiteness.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import rows_per_range, run_ranges

__all__ = ["all_finite"]

KERNELS = Kernels(__package__)


def all_finite(image, n_threads, mask=None):
    """Look at every pixel; see the contract in `skyshed.kernels.finiteness`."""
    ny, nx = image.shape
    rows = np.empty(ny, bool)
    look = KERNELS.bind("rows", image, mask, nx, rows)
    run_ranges(look, ny, n_threads, rows_per_range(nx))
    return bool(rows.all())
