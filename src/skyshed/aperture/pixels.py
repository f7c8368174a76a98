"""The pixels of an aperture at each position, as tables of a row for each: for statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.aperture.measuring import Images, measured_boxes
from skyshed.kernels import shapes
from skyshed.namespace import like, on_device_of

__all__ = ["Pixels", "blocks"]

#: Pixels of bounding boxes that are in tables at once: as many as stay in a core's cache.
BLOCK = 1 << 15
#: Pixels that are weighed at once, by a call of the kernel.
WEIGHED = 1 << 18
#: NumPy adds up a row of so many numbers in `LANES` sums, and a longer one half by half.
UNSPLIT, LANES = 128, 8


@dataclass
class Pixels:
    """Tables of shape (n, width): the pixels that are measured at n positions, in raster order.

    What is not used is 0. A row's sums do not depend on the other rows: see `_width`.

    Attributes
    ----------
    rows : slice
        Which positions.
    values, errors : array of float64
        The data less the background, and the errors (`None` without an error image).
    weights : array of float64
        How much of a pixel is in the aperture.
    used : array of bool
        Where there is a pixel.
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

    def keep(self, kept: Any) -> None:
        """Leave out what is not kept."""
        self.used = self.used & kept
        for name in ("values", "weights", "errors"):
            if (table := getattr(self, name)) is not None:
                setattr(self, name, np.where(self.used, table, 0.0))


def blocks(
    aperture: Any, images: Images, samples: int, background: Any, n_threads: int | None
) -> Iterator[Pixels]:
    """Yield the pixels of all positions, so many positions at once as fit `BLOCK`."""
    data = images.data
    boxes = measured_boxes(aperture.boxes, data.shape)
    sizes = np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0).prod(axis=1)
    for outer in _ranges(sizes, max(WEIGHED, BLOCK)):
        with on_device_of(data):
            rows, within = (
                like(np.ascontiguousarray(each[outer]), data) for each in (aperture.rows, boxes)
            )
            width = max(int(sizes[outer].max()), 1)
            table = shapes.weights(rows, within, aperture.family, samples, width, n_threads)
            for inner in _ranges(sizes[outer], BLOCK):
                of = slice(outer.start + inner.start, outer.start + inner.stop)
                yield _block(
                    images, samples, background, of, rows[inner], within[inner], table[inner]
                )


def _ranges(sizes: Any, limit: int) -> Iterator[slice]:
    """Yield ranges of rows that fit tables of so many pixels; a larger row is alone."""
    start = 0
    while start < len(sizes):
        widest = np.maximum.accumulate(sizes[start : start + limit])
        many = np.maximum(widest, 1) * np.arange(1, len(widest) + 1) > limit
        stop = start + max(int(np.argmax(many)) if many.any() else len(widest), 1)
        yield slice(start, stop)
        start = stop


def _block(
    images: Images, samples: int, background: Any, of: slice, rows: Any, boxes: Any, table: Any
) -> Pixels:
    """Return the pixels of positions, whose boxes have the weights of a table."""
    data, nx = images.data, images.data.shape[1]
    y0, _, x0, x1 = _edges(boxes)
    # From here on pixels are in one list, those of a position beside each other.
    row, place = np.nonzero(table > 0)
    across = (x1 - x0)[row]
    y = place // across
    x = place - y * across
    index = (y0 * nx + x0)[row] + y * nx + x
    used = np.isfinite(data.reshape(-1)[index])
    if images.mask is not None:
        used &= ~images.mask.reshape(-1)[index]
    if images.rule != shapes.NO_RULE:
        index, used = _by_label(images, of, rows, boxes, row, y, x, index, used)
    weights = table[row, place] if samples != 1 else None  # of one point, they are 1
    if not used.all():
        row, y, x, index = (each[used] for each in (row, y, x, index))
        weights = None if weights is None else weights[used]
    values = data.reshape(-1)[index].astype(np.float64)
    if background is not None:
        values -= like(np.ascontiguousarray(background[of]), data)[row]
    count = np.bincount(row, minlength=len(rows))
    start = np.cumsum(count) - count
    width = _width(int(count.max()))
    at = np.cumsum(np.ones_like(row)) - 1 - start[row] + row * width

    def spread(each: Any) -> Any:
        whole = np.zeros_like(table, shape=len(rows) * width)
        whole[at] = each
        return whole.reshape(len(rows), width)

    held = like(np.arange(width), data)[None, :] < count[:, None]
    errors = None if images.error is None else spread(images.error.reshape(-1)[index])
    weights = held.astype(np.float64) if weights is None else spread(weights)
    return Pixels(of, spread(values), errors, weights, held, spread(y), spread(x))


def _edges(boxes: Any) -> tuple[Any, ...]:
    return tuple(boxes[:, k] for k in range(4))  # an array on a device is not looped over


def _width(largest: int) -> int:
    """Return how wide a table is made for at most so many pixels a row.

    Sums of rows that are filled up with zeros then have the same bits in any table.
    """
    if largest <= UNSPLIT:
        return max(-(-largest // LANES) * LANES, LANES)
    return 1 << (largest - 1).bit_length()


def _by_label(
    images: Images, of: slice, rows: Any, boxes: Any, row: Any, y: Any, x: Any, index: Any,
    used: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Apply the kernels' rule; see `skyshed.kernels.shapes`."""
    y0, y1, x0, x1 = _edges(boxes)
    labels = images.labels.reshape(-1)
    own = like(images.label[of].astype(np.int64), images.data)[row]
    here = labels[index]
    ruled = own != shapes.ANY
    other = (here > 0) & (here != np.abs(own))
    if images.rule == shapes.OWN:
        return index, used & ~(ruled & np.where(own > 0, other, here != -own))
    # The mirror of a pixel of the box is 2 * middle - pixel; halves are rounded away from 0.
    middles = []
    for centre, first in ((rows[:, 1], y0), (rows[:, 0], x0)):
        offset = centre - first
        middles.append(np.copysign(np.floor(np.abs(offset) + 0.5), offset).astype(np.int64)[row])
    my, mx = 2 * middles[0] - y, 2 * middles[1] - x
    within = (my >= 0) & (my < (y1 - y0)[row]) & (mx >= 0) & (mx < (x1 - x0)[row])
    mirror = np.where(within, (my + y0[row]) * images.data.shape[1] + (mx + x0[row]), 0)
    there = labels[mirror]
    may = within & ~((there > 0) & (there != own)) & np.isfinite(images.data.reshape(-1)[mirror])
    if images.mask is not None:
        may &= ~images.mask.reshape(-1)[mirror]
    replaced = ruled & other
    return np.where(replaced & may, mirror, index), used & (~replaced | may)
