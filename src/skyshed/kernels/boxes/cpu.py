"""Box statistics on the CPU; see boxes.cpp."""

import math

import numpy as np

from skyshed.kernels.boxes import CODES
from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)
#: Bytes of pixels per range of work.
BUFFER = 1 << 19
#: Boxes of more pixels may take longer than a signal should wait: the kernel looks at a flag.
LARGE = 1 << 22


def statistics(data, mask, box_shape, clip, wanted, n_threads):
    """Clip and measure boxes; see the contract in `skyshed.kernels.boxes`."""
    h, w = box_shape
    shape = shape_of_boxes(data.shape, box_shape)
    n_boxes = math.prod(shape)
    values, limits = np.empty((len(wanted), *shape)), np.empty((2, *shape))
    n_good, n_bad = np.empty(shape, np.int64), np.empty(shape, np.int64)
    stop = np.zeros(1, np.int32) if h * w > LARGE else None
    work = KERNELS.bind(
        "measure", data, mask, *data.shape[-2:], h, w, math.prod(data.shape[:-2]),
        *rule_of(clip), codes_of(wanted), len(wanted), values, limits, n_good, n_bad, stop,
    )  # fmt: skip
    run_ranges(work, n_boxes, n_threads, max(BUFFER // (h * w * data.itemsize), 1), stop)
    return values, n_good, n_bad, limits


def shape_of_boxes(shape, box_shape):
    """Return how many boxes there are along each axis of an image; a stack's images stay apart."""
    (*images, ny, nx), (h, w) = shape, box_shape
    return (*images, -(-ny // h), -(-nx // w))


def rule_of(clip):
    """Return the kernels' arguments for a `Clip` or None."""
    if clip is None:
        return False, 0.0, 0.0, 0, 0, 0
    return (
        True, float(clip.lower), float(clip.upper), int(clip.maxiters), CODES[clip.center],
        CODES[clip.spread],
    )  # fmt: skip


def codes_of(wanted):
    """Return a code and two parameters for each `Statistic`."""
    codes = [(CODES[each.name], each.c, each.location) for each in wanted]
    return np.array(codes, float).reshape(-1)
