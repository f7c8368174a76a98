"""The nearest labels on the CPU; see nearest.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, rows_per_range, run_ranges

KERNELS = Kernels(__package__)
#: Columns that are looked along together, at least: they are neighbours in memory.
LEAST_COLUMNS = 64


def nearest_labels(labels, reach, n_rows, n_threads):
    """Look along columns, then along rows; see the contract in `skyshed.kernels.nearest`."""
    ny, nx = labels.shape
    of_columns = np.empty((ny, nx), np.uint64)
    look = KERNELS.bind("columns", labels, nx, ny, n_rows, reach, of_columns)
    run_ranges(look, nx, n_threads, max(rows_per_range(ny), LEAST_COLUMNS))
    nearest, squared = np.empty((2, ny, nx), np.int32)
    steps = min(reach, nx) + 1
    rows = rows_per_range(nx * steps)
    stop = flag_for(rows * nx * steps)
    look = KERNELS.bind("rows", of_columns, nx, reach, nearest, squared, stop)
    run_ranges(look, ny, n_threads, rows, stop)
    return nearest, squared
