"""Rendering on the CPU: rows in bands, a band one profile after the other; see rendering.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)

#: Rows per range of work.
ROWS = 32


def render(profiles, kind, y0, x0, shape, n_threads):
    """Render band by band; see the contract in `skyshed.kernels.rendering`."""
    image = np.zeros(shape)
    add = KERNELS.bind("render", profiles, kind, profiles.shape[0], y0, x0, shape[1], image)
    run_ranges(add, shape[0], n_threads, ROWS)
    return image
