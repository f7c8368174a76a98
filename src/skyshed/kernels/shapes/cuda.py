"""Sums over shapes on the GPU; see shapes.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import CHUNK, Kernels

SHAPES = Kernels(__package__, "shapes.cu")
#: Threads of a block, as shapes.cu has them.
WARPS = 128


def sums(
    data, error, mask, labels, rows, boxes, label, background, family, samples, rule, power,
    finite_only, n_threads,
):  # fmt: skip
    """Sum per shape; see the contract in `skyshed.kernels.shapes`."""
    n = len(rows)
    sides = np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0)
    first = np.zeros(n + 1, np.int64)
    np.cumsum(-(-sides[:, 0] * sides[:, 1] // CHUNK), out=first[1:])
    chunks, first = int(first[-1]), cupy.asarray(first)
    by_chunk, bits = cupy.empty((chunks, 4), np.float64), cupy.empty(chunks, np.int32)
    label, background = (
        each if each is None else cupy.asarray(each) for each in (label, background)
    )
    SHAPES.launch(
        "shape_chunks", chunks * 32, data, error, mask, labels, np.int64(data.shape[1]),
        cupy.asarray(rows), cupy.asarray(boxes), label, background, np.int64(family),
        np.int64(samples), np.int64(rule), np.int64(power), np.bool_(finite_only), first,
        np.int64(n), by_chunk, bits, dtype=data.dtype, block=WARPS,
    )  # fmt: skip
    out, seen = cupy.empty((n, 4), np.float64), cupy.empty(n, np.int32)
    SHAPES.launch("shape_sums", n, first, np.int64(n), by_chunk, bits, out, seen, dtype=data.dtype)
    return out, seen


def weights(rows, boxes, family, samples, width, n_threads):
    """Weigh the pixels of boxes; see the contract in `skyshed.kernels.shapes`."""
    n = len(rows)
    out = cupy.empty((n, width), np.float64)
    SHAPES.launch(
        "shape_weights", n * width, rows, boxes, np.int64(family), np.int64(samples), np.int64(n),
        np.int64(width), out, dtype=np.float64,
    )  # fmt: skip
    return out
