"""Pixels of annuli on the CPU; see annuli.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, run_ranges

KERNELS = Kernels(__package__)
#: Annuli per range of work: enough to hide the cost of a hand-over, few enough to balance.
ANNULI = 64


def gather(data, mask, centers, radii, width, n_threads):
    """Copy pixels to rows; see the contract in `skyshed.kernels.annuli`."""
    out = np.empty((len(centers), width), data.dtype)
    inner, outer = (float(radius) for radius in radii)
    stop = flag_for(min(2 * outer, data.shape[0]) * min(2 * outer, data.shape[1]) * ANNULI)
    work = KERNELS.bind("gather", data, mask, *data.shape, centers, inner, outer, width, out, stop)
    run_ranges(work, len(centers), n_threads, ANNULI, stop)
    return out
