"""Aperture sums on the CPU: one visit of each source's neighbourhood per operation.

Sources are visited in the order of their place in the image (labels given by deblending are
scattered), in ranges spread over threads.
"""

import numpy as np

from skyshed.kernels.apertures import LARGEST_BOX, KeptWeights
from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_items

__all__ = ["aperture_sums", "keep_weights", "kron_sums", "local_background", "radius_of_flux"]

KERNELS = Kernels(__package__)

#: Sources per range of work: enough to hide the cost of a hand-over, few enough to balance.
SOURCES = 128
#: Height of the bands that sources are visited in: rows that stay in a core's cache.
BAND = 64


def image_order(x, y):
    """Return an order of the sources in which neighbours in the image come after one another.

    They are sorted by whole columns, and then by bands. NumPy counts integers of 16 bits instead of
    comparing them, which takes a fourth of the time of a sort by one number. What is not finite
    comes last, and what is too far away for 16 bits together.
    """
    by_column = np.argsort(_in_16_bits(x), kind="stable")
    return by_column[np.argsort(_in_16_bits(y / BAND)[by_column], kind="stable")]


def _in_16_bits(values):
    """Return the whole part of numbers, the nearest that there is; the largest of what is none."""
    largest = np.iinfo(np.uint16).max
    with np.errstate(invalid="ignore"):
        return np.maximum(np.where(values < largest, values, largest), 0).astype(np.uint16)


def where_of(data, place, method):
    """Return the integers of a place and the method, as pixels.h has them."""
    y0, *others = place
    own = np.ndim(y0) == 1  # a place for each source
    first = [*data.shape, 0 if own else y0, *others, LARGEST_BOX, method, own]
    return np.concatenate([first, y0 if own else []]).astype(np.int64)


def of_each_place(place, measure):
    """Return what ``measure(place, index)`` does of the sources of each place, in their order.

    Where images lie one below the other, ``place`` has a y0 for each source.
    """
    own, which = np.unique(place[0], return_inverse=True)
    indices = [np.flatnonzero(which == k) for k in range(own.size)]
    parts = [
        measure((y0, *place[1:]), index) for y0, index in zip(own.tolist(), indices, strict=True)
    ]
    back = np.argsort(np.concatenate(indices))
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(each)[back] for each in zip(*parts, strict=True))
    return np.concatenate(parts)[back]


def kron_sums(data, labels, mask, place, label, ellipses, scale, method, n_threads):
    """Sum per ellipse in one visit; see the contract in `skyshed.kernels.apertures`."""
    if np.ndim(place[0]) and len(label):
        return of_each_place(
            place, lambda own, i: kron_sums(
                data, labels, mask, own, label[i], ellipses[i], scale, method, n_threads
            ),
        )  # fmt: skip
    ellipses, moments, totals = np.ascontiguousarray(ellipses), *np.empty((2, len(label)))
    order, stop = image_order(ellipses[:, 0], ellipses[:, 1]), np.zeros(1, np.int32)
    add_up = KERNELS.bind(
        "kron_sums", data, labels, mask, where_of(data, place, method), label, ellipses, scale,
        order, moments, totals, stop,
    )  # fmt: skip
    run_items(add_up, len(label), n_threads, SOURCES, stop)
    return moments, totals


def aperture_sums(
    data, error, input_mask, labels, mask, place, label, ellipses, background, method, n_threads,
    kept=None,
):  # fmt: skip
    """Sum per aperture in one visit; see the contract in `skyshed.kernels.apertures`."""
    if np.ndim(place[0]) and len(label):
        return of_each_place(
            place, lambda own, i: aperture_sums(
                data, error, input_mask, labels, mask, own, label[i], ellipses[i], background[i],
                method, n_threads,
            ),
        )  # fmt: skip
    ellipses, totals, variances = np.ascontiguousarray(ellipses), *np.empty((2, len(label)))
    seen, stop = np.empty(len(label), np.int32), np.zeros(1, np.int32)
    add_up = KERNELS.bind(
        "aperture_sums", data, error, input_mask, labels, mask, where_of(data, place, method),
        label, ellipses, background, image_order(ellipses[:, 0], ellipses[:, 1]),
        *(kept[1:] if kept else (None,) * 4), totals, variances, seen, stop,
    )  # fmt: skip
    run_items(add_up, len(label), n_threads, SOURCES, stop)
    return totals, variances, seen


def keep_weights(labels, place, label, ellipses, most, n_threads):
    """Count, and write what fits; see the contract in `skyshed.kernels.apertures`."""
    n, ellipses, where = len(label), np.ascontiguousarray(ellipses), where_of(labels, place, 0)
    order, stop = image_order(ellipses[:, 0], ellipses[:, 1]), np.zeros(1, np.int32)
    boxes, n_rims = np.empty((n, 6), np.int64), np.empty(n, np.int64)
    count = KERNELS.bind("count_kept", where, ellipses, order, boxes, n_rims, stop)
    run_items(count, n, n_threads, SOURCES, stop)
    starts = np.zeros((2, n + 1), np.int64)
    np.cumsum((boxes[:, 1] - boxes[:, 0], n_rims), axis=1, out=starts[:, 1:])
    rows_end, rims_end = starts[:, -1].tolist()
    row, rim = np.dtype((np.int32, 5)), np.dtype(np.float64)
    if row.itemsize * rows_end + rim.itemsize * rims_end > most:
        return None
    rows, rims = np.empty(rows_end, row), np.empty(rims_end, rim)
    keep = KERNELS.bind("keep", labels, where, label, ellipses, order, *starts, rows, rims, stop)
    run_items(keep, n, n_threads, SOURCES, stop)
    return KeptWeights(boxes, starts[0], starts[1], rows, rims)


def radius_of_flux(data, labels, mask, place, label, circles, background, flux, method, n_threads):
    """Search per source; see the contract in `skyshed.kernels.apertures`."""
    if np.ndim(place[0]) and len(label):
        return of_each_place(
            place, lambda own, i: radius_of_flux(
                data, labels, mask, own, label[i], circles[i], background[i], flux[i], method,
                n_threads,
            ),
        )  # fmt: skip
    circles, radius = np.ascontiguousarray(circles), np.empty(len(label))
    order, stop = image_order(circles[:, 0], circles[:, 1]), np.zeros(1, np.int32)
    search = KERNELS.bind(
        "radius_of_flux", data, labels, mask, where_of(data, place, method), label, circles,
        background, flux, order, radius, stop,
    )  # fmt: skip
    run_items(search, len(label), n_threads, SOURCES, stop)
    return radius


def local_background(data, labels, mask, bbox, width, n_threads):
    """Estimate per source; see the contract in `skyshed.kernels.apertures`."""
    n, bbox, stop = bbox.shape[0], np.ascontiguousarray(bbox), np.zeros(1, np.int32)
    background, counts = np.empty(n), np.empty(n, np.int64)
    estimate = KERNELS.bind(
        "local_background", data, labels, mask, *data.shape[-2:], bbox, width,
        image_order(bbox[:, 2], bbox[:, 0]), background, counts, stop,
    )  # fmt: skip
    run_items(estimate, n, n_threads, SOURCES, stop)
    return background, counts
