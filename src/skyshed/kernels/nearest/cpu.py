"""The nearest labels on the CPU; see nearest.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)


def nearest_labels(labels, reach, n_rows, n_threads):
    """Look along columns, then along rows; see the contract in `skyshed.kernels.nearest`."""
    ny, nx = labels.shape
    of_columns, out = np.empty((2, ny, nx), np.int32), np.empty((2, ny, nx), np.int32)
    look = KERNELS.bind("columns", labels, nx, ny, n_rows, reach, *of_columns)
    run_ranges(look, ny, n_threads, rows_per_range(nx))
    look = KERNELS.bind("rows", *of_columns, nx, reach, *out)
    run_ranges(look, ny, n_threads, rows_per_range(nx))
    return tuple(out)
