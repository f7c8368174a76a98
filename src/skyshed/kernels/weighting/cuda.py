"""Inverse-distance weighting on the GPU; see weighting.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.weighting import AT_POINT

WEIGHTING = Kernels(__package__, "weighting.cu")


def expand(values, points, shape, n_neighbors, power, regularization, leafsize, n_threads):
    """Interpolate between points; see the contract in `skyshed.kernels.weighting`."""
    out = cupy.empty(shape, np.float64)
    WEIGHTING.launch(
        "weigh_points", out.size, values, cupy.asarray(points), np.int64(len(points)),
        *(np.int64(side) for side in shape), np.int64(n_neighbors), np.float64(power),
        np.float64(regularization), np.float64(AT_POINT), out, dtype=values.dtype,
    )  # fmt: skip
    return out
