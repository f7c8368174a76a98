"""Growing masks on the CPU, by runs; see masks.cpp."""

import numpy as np

from skyshed.kernels.masks.footprint import parts_of
from skyshed.kernels.native import Kernels
from skyshed.kernels.segments.cpu_runs import runs_of
from skyshed.kernels.threads import rows_per_range, run_ranges

KERNELS = Kernels(__package__)


def dilate(mask, footprint, center, n_threads):
    """Grow a mask by runs; see the contract in `skyshed.kernels.masks`."""
    ny, nx = mask.shape
    runs = runs_of(mask.shape, lambda *found: KERNELS.bind("find", mask, nx, *found), n_threads)
    parts = parts_of(footprint, center)
    out = np.empty(mask.shape, bool)
    grow = KERNELS.bind("grow", *runs, ny, nx, parts, parts.shape[1], out)
    run_ranges(grow, ny, n_threads, rows_per_range(nx))
    return out
