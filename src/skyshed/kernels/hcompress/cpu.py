"""Tiles of HCOMPRESS_1 on the CPU; see hcompress.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)


def check_tiles(stream, tiles, wide, n_threads):
    """Follow each tile's codes; see the contract in `skyshed.kernels.hcompress`."""
    state = np.empty(len(tiles), np.int32)
    check = KERNELS.bind("check_tiles", stream, np.ascontiguousarray(tiles), wide, state)
    run_ranges(check, len(tiles), n_threads, 1)
    return state
