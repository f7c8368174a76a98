"""Tiles compressed by RICE_1 on the GPU; see rice.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.rice.dithering import random_numbers

KERNELS = Kernels(__package__, "rice.cu")
#: Threads that decode a tile each: few to a block, so that tiles spread over the whole GPU.
DECODING, PLACING = 32, 256
#: The kernel for each dtype of whole numbers.
WHOLE = {
    "uint8": "place_uint8", "int16": "place_int16", "int32": "place_int32", "int64": "place_int64",
}  # fmt: skip


def decode_tiles(stream, tiles, scaling, coding, shape, dtype, n_threads):
    """Decode tiles into a window; see the contract in `skyshed.kernels.rice`.

    All numbers are in memory for a while: 4 bytes for each pixel of the tiles.
    """
    n, dtype = len(tiles), np.dtype(dtype)
    window, state = cupy.zeros(shape, dtype), cupy.zeros(n, np.int32)
    if not n:
        return window, state
    scale, zero, blank = scaling
    first = cupy.zeros(n + 1, np.int64)
    cupy.cumsum(tiles[:, 2], out=first[1:])
    numbers = cupy.empty(int(first[-1]), np.int32)
    KERNELS.launch(
        "decode_numbers", n, stream, tiles, first, np.int64(n), np.int32(coding.bytes),
        np.int64(coding.blocksize), numbers, state, block=DECODING,
    )  # fmt: skip
    common = (tiles, first, np.int64(n), numbers, state, blank)
    if dtype.name in WHOLE:
        KERNELS.launch(
            WHOLE[dtype.name], n * PLACING, *common, np.int64(coding.blank_pixel),
            np.int64(shape[1]), window, block=PLACING,
        )  # fmt: skip
        return window, state
    random, begins = (cupy.asarray(each) for each in random_numbers())
    KERNELS.launch(
        "place_real", n * PLACING, *common, scale, zero, np.int32(coding.dither),
        np.int32(coding.rounding), random, begins, np.int64(shape[1]), window, dtype=dtype,
        block=PLACING,
    )  # fmt: skip
    return window, state
