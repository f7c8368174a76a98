"""Ellipses on the CPU; see ellipses.cpp."""

import numpy as np

from skyshed.kernels.ellipses import COLUMNS
from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)

#: Sources per range of work: some 0.3 ms.
SOURCES = 2048


def ellipses(moments, n_threads):
    """Describe ellipses; see the contract in `skyshed.kernels.ellipses`."""
    n = moments.shape[0]
    covariance, eigenvalues = np.empty((n, 2, 2)), np.empty((n, 2))
    columns = np.empty((len(COLUMNS), n))
    describe = KERNELS.bind(
        "describe", np.ascontiguousarray(moments), n, covariance, eigenvalues, columns
    )
    run_ranges(describe, n, n_threads, SOURCES)
    return covariance, eigenvalues, *columns


def kron_sizes(
    measured, moment, total, semimajor, semiminor, scale, least, circle, largest, n_threads
):
    """Size Kron apertures; see the contract in `skyshed.kernels.ellipses`."""
    n = measured.shape[0]
    given = map(np.ascontiguousarray, (measured, moment, total, semimajor, semiminor))
    (radius, major, minor), at_least = np.empty((3, n)), np.empty(n, bool)
    KERNELS.call(
        "size", *given, n, scale, least, np.nan if circle is None else circle, largest,
        radius.base, at_least, 0, n,
    )  # fmt: skip
    return radius, at_least, major, minor
