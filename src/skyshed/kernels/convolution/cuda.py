"""Convolution on the GPU; see convolution.cu."""

import math

import cupy
import numpy as np

from skyshed.kernels.convolution.cpu import BOUNDARIES, taps_of, weight_of
from skyshed.kernels.cuda import Kernels

KERNELS = Kernels(__package__, "convolution.cu")
#: Threads of a block, and columns of a tile, as convolution.cu has them.
BLOCK, WIDTH = 256, 32
#: Rows of a tile: the most that fit; a tall kernel leaves room for fewer.
HEIGHTS = (32, 16, 8)
#: Shared memory that every GPU gives to a block without being asked, in bytes.
SHARED = 48 * 1024


def convolve(
    data, mask, kernel, boundary, fill_value, interpolate, preserve_nan, scale, n_threads
):  # fmt: skip
    """Convolve tile by tile; see the contract in `skyshed.kernels.convolution`."""
    (*images, ny, nx), (ky, kx) = data.shape, kernel.shape
    n_images = math.prod(images)
    if isinstance(kernel, cupy.ndarray):
        kernel = kernel.get()
    taps, separable = taps_of(kernel)
    whole = weight_of(taps, kernel.shape, separable)
    out, n_empty = cupy.empty_like(data), cupy.zeros(1, np.uint64)
    height, shared = _tile(ky, kx, separable)
    way: tuple[np.generic, ...]
    if height:
        name = "convolve_separable" if separable else "convolve_direct"
        tiles, way = n_images * -(-ny // height) * -(-nx // WIDTH), (np.int32(height),)
        threads = tiles * BLOCK
    else:
        name, threads, way = "convolve_far", data.size, (np.bool_(separable),)
    KERNELS.launch(
        name, threads, data, mask, np.int64(n_images), np.int64(ny), np.int64(nx),
        np.int32(BOUNDARIES[boundary]), np.float64(fill_value), cupy.asarray(taps), np.int32(ky),
        np.int32(kx), *way,
        np.bool_(interpolate), np.bool_(preserve_nan), np.float64(scale), np.float64(whole), out,
        n_empty, dtype=data.dtype, block=BLOCK, shared=shared,
    )  # fmt: skip
    # Asking makes the host wait.
    return out, int(n_empty[0]) if interpolate and not preserve_nan else 0


def _tile(ky, kx, separable):
    """Return the height of a tile and the bytes of shared memory it takes; 0, 0 if none fits."""
    for height in HEIGHTS:
        rows, columns = height + ky - 1, WIDTH + kx - 1
        values = rows * columns + rows + columns
        values += ky + kx + rows * WIDTH if separable else ky * kx
        if values * 8 <= SHARED:
            return height, values * 8
    return 0, 0
