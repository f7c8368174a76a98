"""Image moments on the GPU; see moments.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.segments.cuda import chunks_of, max_chunks

KERNELS = Kernels(__package__, "moments.cu")


def moments(sources, image, mask, n_threads):
    """Compute moments; see the contract in `skyshed.kernels.moments`."""
    first = chunks_of(sources)
    raw = _about(None, sources, first, image, mask)
    return raw, _about(raw, sources, first, image, mask)


def _about(raw, sources, first, image, mask):
    """Add up the moments about the centroids of ``raw``, about the corners where it is None."""
    n, chunks = len(sources), max_chunks(sources)
    partial, out = cupy.empty((chunks, 16), np.float64), cupy.empty((n, 4, 4), np.float64)
    KERNELS.launch(
        "moments_of_chunks", chunks * 32, sources.pixel, sources.start, first, np.int64(n),
        sources.bbox, np.int64(image.shape[1]), image, mask, raw, partial, dtype=image.dtype,
    )  # fmt: skip
    KERNELS.launch(
        "moments_of_sources", n * 16, first, np.int64(n), partial, raw, out, dtype=image.dtype
    )
    return out
