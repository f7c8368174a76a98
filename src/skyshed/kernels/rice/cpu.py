"""Tiles compressed by RICE_1 on the CPU; see rice.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.rice.dithering import random_numbers
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)
#: Pixels per range of work: some ms.
PIXELS = 1 << 17


def decode_tiles(stream, tiles, scaling, coding, shape, dtype, n_threads):
    """Decode tiles into a window; see the contract in `skyshed.kernels.rice`."""
    window, state = np.zeros(shape, dtype), np.zeros(len(tiles), np.int32)
    if not len(tiles):
        return window, state
    most = int(tiles[:, 2].max())
    work = KERNELS.bind(
        "decode_tiles", stream, tiles, *scaling, coding.blank_pixel, coding.bytes,
        coding.blocksize, coding.dither, coding.rounding, *random_numbers(), most, shape[1], window,
        state,
    )  # fmt: skip
    run_ranges(work, len(tiles), n_threads, max(PIXELS // max(most, 1), 1))
    return window, state
