"""Ellipses on the GPU: one launch in place of some ninety of array arithmetic; see ellipses.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.ellipses import COLUMNS

KERNELS = Kernels(__package__, "ellipses.cu")


def ellipses(moments, n_threads):
    """Describe ellipses; see the contract in `skyshed.kernels.ellipses`."""
    n = moments.shape[0]
    covariance, eigenvalues = cupy.empty((n, 2, 2)), cupy.empty((n, 2))
    columns = cupy.empty((len(COLUMNS), n))
    KERNELS.launch(
        "describe_ellipses", n, cupy.ascontiguousarray(moments), np.int64(n), covariance,
        eigenvalues, columns,
    )  # fmt: skip
    return covariance, eigenvalues, *(columns[k] for k in range(len(COLUMNS)))
