"""The pixels of an aperture at each position, as tables of a row for each: for statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.aperture.measuring import Images, measured_boxes
from skyshed.kernels import shapes
from skyshed.namespace import like, on_device_of

__all__ = ["Pixels", "blocks"]

#: Pixels of bounding boxes that are in tables at once.
BLOCK = 1 << 20


@dataclass
class Pixels:
    """Tables of shape (n, width): the pixels of the boxes of n positions, row by row.

    Attributes
    ----------
    rows : slice
        Which positions.
    values, errors : array of float64
        The data less the background, and the errors (`None` without an error image).
    weights : array of float64
        How much of a pixel is in the aperture.
    used : array of bool
        Where a pixel has weight and is not left out.
    y, x : array of float64
        The place in the box clipped to the image.
    """

    rows: slice
    values: Any
    errors: Any
    weights: Any
    used: Any
    y: Any
    x: Any


def blocks(
    aperture: Any, images: Images, samples: int, background: Any, n_threads: int | None
) -> Iterator[Pixels]:
    """Yield the pixels of all positions, so many positions at once as fit `BLOCK`."""
    boxes = measured_boxes(aperture.boxes, images.data.shape)
    sizes = np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0).prod(axis=1)
    rows, start = aperture.rows, 0
    while start < len(rows):
        widest = np.maximum.accumulate(sizes[start : start + BLOCK])
        many = np.maximum(widest, 1) * np.arange(1, len(widest) + 1) > BLOCK
        stop = start + max(int(np.argmax(many)) if many.any() else len(widest), 1)
        of = slice(start, stop)
        with on_device_of(images.data):
            yield _block(aperture, images, samples, background, of, rows, boxes, sizes, n_threads)
        start = stop


def _block(
    aperture: Any, images: Images, samples: int, background: Any, of: slice, rows: Any, boxes: Any,
    sizes: Any, n_threads: int | None,
) -> Pixels:  # fmt: skip
    data = images.data
    width = max(int(sizes[of].max(initial=0)), 1)
    rows, boxes = (like(np.ascontiguousarray(each[of]), data) for each in (rows, boxes))
    weights = shapes.weights(rows, boxes, aperture.family, samples, width, n_threads)
    y0, y1, x0, x1 = (boxes[:, k : k + 1] for k in range(4))
    across = np.maximum(x1 - x0, 1)
    place = like(np.arange(width), data)[None, :]
    y, x = place // across, place % across
    held = weights > 0
    index = np.where(held, (y + y0) * data.shape[1] + (x + x0), 0)
    used = held & np.isfinite(data.reshape(-1)[index])
    if images.mask is not None:
        used &= ~images.mask.reshape(-1)[index]
    if images.rule != shapes.NO_RULE:
        index, used = _by_label(images, of, rows, (y0, y1, x0, x1), y, x, index, used)
    values = data.reshape(-1)[index].astype(np.float64)
    if background is not None:
        values = values - like(np.ascontiguousarray(background[of]), data)[:, None]
    errors = None
    if images.error is not None:
        errors = images.error.reshape(-1)[index].astype(np.float64)
    return Pixels(of, values, errors, weights, used, y.astype(float), x.astype(float))


def _by_label(
    images: Images,
    of: slice,
    rows: Any,
    box: tuple[Any, ...],
    y: Any,
    x: Any,
    index: Any,
    used: Any,
) -> tuple[Any, Any]:
    """Apply the kernels' rule; see `skyshed.kernels.shapes`."""
    y0, y1, x0, x1 = box
    labels = images.labels.reshape(-1)
    own = like(images.label[of].astype(np.int64), images.data)[:, None]
    here = labels[index]
    ruled = own != shapes.ANY
    other = (here > 0) & (here != np.abs(own))
    if images.rule == shapes.OWN:
        return index, used & ~(ruled & np.where(own > 0, other, here != -own))
    # The mirror of a pixel of the box is 2 * middle - pixel; halves are rounded away from 0.
    places = []
    for centre, first in ((rows[:, 1:2], y0), (rows[:, :1], x0)):
        offset = centre - first
        places.append(np.copysign(np.floor(np.abs(offset) + 0.5), offset).astype(np.int64))
    my, mx = 2 * places[0] - y, 2 * places[1] - x
    within = (my >= 0) & (my < y1 - y0) & (mx >= 0) & (mx < x1 - x0)
    mirror = np.where(within, (my + y0) * images.data.shape[1] + (mx + x0), 0)
    there = labels[mirror]
    may = within & ~((there > 0) & (there != own)) & np.isfinite(images.data.reshape(-1)[mirror])
    if images.mask is not None:
        may &= ~images.mask.reshape(-1)[mirror]
    replaced = ruled & other
    return np.where(replaced & may, mirror, index), used & (~replaced | may)
