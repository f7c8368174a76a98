"""Box statistics on the GPU; see boxes.cu and merging.cu."""

import math

import cupy
import numpy as np

from skyshed.kernels.boxes.cpu import codes_of, rule_of, shape_of_boxes
from skyshed.kernels.cuda import CHUNK, Kernels

BOXES, MERGING = Kernels(__package__, "boxes.cu"), Kernels(__package__, "merging.cu")
#: Bytes of the largest box that is sorted in shared memory: what every GPU gives to a block without
#: being asked, less some for the kernel's own variables.
SHARED = 47 * 1024
#: Bytes of the tiles that larger boxes are sorted by: a power of two, so that pieces of merged runs
#: never reach over two of them.
TILE = 32 * 1024
#: Values that a thread sorts in registers, and of which a sum is kept, as boxes.cu has them.
HELD, FEW = 16, 32
#: Values that a block merges at a time, as merging.cu has them.
PIECE = 2048


def statistics(data, mask, box_shape, clip, wanted, n_threads):
    """Clip and measure boxes; see the contract in `skyshed.kernels.boxes`."""
    (*images, ny, nx), (h, w) = data.shape, box_shape
    shape = shape_of_boxes(data.shape, box_shape)
    n_boxes = math.prod(shape)
    grid = (np.int64(ny), np.int64(nx), np.int32(h), np.int32(w), np.int64(math.prod(images)))
    clips, lower, upper, *how = rule_of(clip)
    rule = (
        np.bool_(clips), np.float64(lower), np.float64(upper), *map(np.int32, how),
        cupy.asarray(codes_of(wanted)), np.int32(len(wanted)),
    )  # fmt: skip
    values, limits = cupy.empty((len(wanted), *shape)), cupy.empty((2, *shape))
    n_good = cupy.empty(shape, np.int64)
    block = _block(h * w)
    for_rule = 24 * len(wanted)
    for_values = max(h * w, HELD * block) * data.itemsize + h * w // FEW * 16
    if for_rule + for_values <= SHARED:
        n_bad = cupy.empty(shape, np.int64)
        BOXES.launch(
            "measure_boxes", n_boxes * block, data, mask, *grid, *rule, values, limits, n_good,
            n_bad, dtype=data.dtype, block=block, shared=for_rule + for_values,
        )  # fmt: skip
    else:
        ordered, n_seen, n_bad = _sort(data, mask, grid, box_shape, n_boxes)
        chunks = h * w // CHUNK
        sums = (cupy.empty(n_boxes * chunks), cupy.empty(n_boxes * chunks))
        BOXES.launch(
            "sum_chunks", n_boxes * chunks * 32, ordered, n_seen, *grid, np.int64(chunks), *sums,
            dtype=data.dtype,
        )  # fmt: skip
        BOXES.launch(
            "measure_sorted", n_boxes * 512, ordered, n_seen, *grid, np.int64(chunks), *sums,
            *rule, values, limits, n_good, dtype=data.dtype, block=512, shared=for_rule,
        )  # fmt: skip
        n_bad = n_bad.view(np.int64).reshape(shape)
    return values, n_good, n_bad, limits


def _block(size):
    """Return how many threads do a box of this many values: `HELD` each, a warp at least."""
    return min(32 << ((size - 1) // (32 * HELD)).bit_length(), 256)


def _sort(data, mask, grid, box_shape, n_boxes):
    """Sort boxes that shared memory does not hold.

    Returns the values, box after box, the good ones of each first; how many these are; and how many
    pixels were bad: uint64, for which alone there are 64-bit atomic additions.
    """
    h, w = box_shape
    tile = TILE // data.itemsize
    tiles = -(-h * w // tile)
    n_seen, n_bad = cupy.zeros(n_boxes, np.uint64), cupy.zeros(n_boxes, np.uint64)
    ordered = cupy.empty(data.size, data.dtype)
    BOXES.launch(
        "sort_tiles", n_boxes * tiles * 256, data, mask, *grid, np.int32(tile), np.int64(tiles),
        ordered, n_seen, n_bad, dtype=data.dtype, shared=TILE,
    )  # fmt: skip
    start = cupy.asarray(_starts(data.shape, box_shape))
    other, run, pieces = cupy.empty_like(ordered), tile, -(-h * w // PIECE)
    while run < h * w:
        MERGING.launch(
            "merge_runs", n_boxes * pieces * 256, ordered, start, np.int64(n_boxes),
            np.int64(pieces), np.int64(run), other, dtype=data.dtype,
        )  # fmt: skip
        ordered, other, run = other, ordered, 2 * run
    return ordered, n_seen, n_bad


def _starts(shape, box_shape):
    """Return where each box starts if boxes follow each other, and where the last one ends."""
    heights, widths = (
        np.diff(np.minimum(np.arange(-(-n // size) + 1, dtype=np.int64) * size, n))
        for n, size in zip(shape[-2:], box_shape, strict=True)
    )
    of_one = np.outer(heights, widths).reshape(-1)
    return np.append(0, np.cumsum(np.tile(of_one, math.prod(shape[:-2]))))
