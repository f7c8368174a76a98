"""The nearest labels on the GPU; see nearest.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels

KERNELS = Kernels(__package__, "nearest.cu")


def nearest_labels(labels, reach, n_rows, n_threads):
    """Look along columns, then along rows; see the contract in `skyshed.kernels.nearest`."""
    ny, nx = labels.shape
    of_columns = cupy.empty(labels.shape, np.uint64)
    nearest, squared = (cupy.empty(labels.shape, np.int32) for _ in range(2))
    sides, reach = (np.int64(nx), np.int64(ny)), np.int64(reach)
    KERNELS.launch("columns", labels.size, labels, *sides, np.int64(n_rows), reach, of_columns)
    KERNELS.launch("rows", labels.size, of_columns, *sides, reach, nearest, squared)
    return nearest, squared
