"""Image moments on the CPU; see moments.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, run_items

KERNELS = Kernels(__package__)

#: Sources per range of work.
SOURCES = 256


def moments(sources, image, mask, n_threads):
    """Compute moments; see the contract in `skyshed.kernels.moments`."""
    n = len(sources)
    raw, central = np.empty((2, n, 4, 4))
    stop = flag_for(sources.pixel.size)
    measure = KERNELS.bind(
        "measure", sources.pixel, sources.start, sources.order, sources.bbox, image.shape[1],
        image, mask, raw, central, stop,
    )  # fmt: skip
    run_items(measure, n, n_threads, SOURCES, stop)
    return raw, central
