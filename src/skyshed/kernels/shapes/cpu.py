"""Sums over shapes on the CPU; see shapes.cpp."""

import numpy as np

from skyshed.kernels.apertures.cpu import image_order
from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_items, run_ranges

__all__ = ["sums", "weights"]

KERNELS = Kernels(__package__)
#: Shapes per range of work, at least: enough to hide the cost of a hand-over, and few.
SHAPES = 256


def sums(
    data, error, mask, labels, rows, boxes, label, background, family, samples, rule, power,
    finite_only, n_threads,
):  # fmt: skip
    """Sum in one visit of each shape; see the contract in `skyshed.kernels.shapes`."""
    n, stop = len(rows), np.zeros(1, np.int32)
    out, seen = np.empty((n, 4)), np.empty(n, np.int32)
    add_up = KERNELS.bind(
        "sums", data, error, mask, labels, *data.shape, rows, boxes, label, background, family,
        samples, rule, power, finite_only, image_order(rows[:, 0], rows[:, 1]), out, seen, stop,
    )  # fmt: skip
    run_items(add_up, n, n_threads, SHAPES, stop)
    return out, seen


def weights(rows, boxes, family, samples, width, n_threads):
    """Weigh the pixels of boxes; see the contract in `skyshed.kernels.shapes`."""
    n, stop = len(rows), np.zeros(1, np.int32)
    out = np.empty((n, width))
    work = KERNELS.bind("weights", rows, boxes, family, samples, width, out, stop)
    run_ranges(work, n, n_threads, SHAPES, stop)
    return out
