"""Tiles of HCOMPRESS_1 on the CPU; see hcompress.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, run_ranges

KERNELS = Kernels(__package__)


def check_tiles(stream, tiles, wide, n_threads):
    """Follow each tile's codes; see the contract in `skyshed.kernels.hcompress`."""
    state = np.empty(len(tiles), np.int32)
    stop = flag_for((tiles[:, 2] * tiles[:, 3]).max(initial=0))
    check = KERNELS.bind("check_tiles", stream, np.ascontiguousarray(tiles), wide, state, stop)
    run_ranges(check, len(tiles), n_threads, 1, stop)
    return state
