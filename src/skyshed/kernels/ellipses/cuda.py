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


def kron_sizes(
    measured, moment, total, semimajor, semiminor, scale, least, circle, largest, n_threads
):
    """Size Kron apertures; see the contract in `skyshed.kernels.ellipses`."""
    n = measured.shape[0]
    columns = measured, moment, total, semimajor, semiminor
    given = (cupy.ascontiguousarray(each) for each in columns)
    limits = scale, least, np.nan if circle is None else circle, largest
    sizes, at_least = cupy.empty((3, n)), cupy.empty(n, np.bool_)
    KERNELS.launch(
        "size_kron_apertures", n, *given, np.int64(n), *map(np.float64, limits), sizes, at_least
    )
    return sizes[0], at_least, sizes[1], sizes[2]
