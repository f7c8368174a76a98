"""Pixels of annuli on the GPU; see annuli.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels

ANNULI = Kernels(__package__, "annuli.cu")


def gather(data, mask, centers, radii, width, n_threads):
    """Copy pixels to rows; see the contract in `skyshed.kernels.annuli`."""
    n, (ny, nx) = len(centers), data.shape
    out = cupy.empty((n, width), data.dtype)
    ANNULI.launch(
        "gather_annuli", n * 32, data, mask, np.int64(ny), np.int64(nx), centers,
        *(np.float64(radius) for radius in radii), np.int64(n), np.int64(width), out,
        dtype=data.dtype,
    )  # fmt: skip
    return out
