"""Growing masks on the GPU; see masks.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.masks.footprint import parts_of

KERNELS = Kernels(__package__, "masks.cu")

#: Pixels of a word: those that a warp looks at together.
WORD = 32


def dilate(mask, footprint, center, n_threads):
    """Grow a mask by ranks; see the contract in `skyshed.kernels.masks`."""
    ny, nx = mask.shape
    sides = np.int64(ny), np.int64(nx)
    n_words = ny * -(-nx // WORD)
    out = cupy.empty(mask.shape, bool)
    if n_words == 0:
        return out
    bits, count = cupy.empty(n_words, np.uint32), cupy.empty(n_words, np.int64)
    KERNELS.launch("pack", n_words * WORD, mask, *sides, bits, count)
    offset = cupy.zeros(n_words + 1, np.int64)
    cupy.cumsum(count, out=offset[1:])
    parts = cupy.asarray(parts_of(cupy.asnumpy(footprint), center))
    KERNELS.launch(
        "grow", n_words * WORD, bits, offset, *sides, parts, np.int64(parts.shape[1]), out,
    )  # fmt: skip
    return out
