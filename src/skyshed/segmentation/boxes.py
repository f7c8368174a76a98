"""The bounding box of a source."""

from dataclasses import dataclass
from typing import Any

__all__ = ["BoundingBox", "boxes_of", "slices_of"]


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """The smallest rectangle of whole pixels that holds a source.

    The lower bounds are inside, the upper bounds outside, as in slices.

    Parameters
    ----------
    ixmin, ixmax, iymin, iymax : int
        The bounds, in pixels.

    Examples
    --------
    >>> from skyshed.segmentation import BoundingBox
    >>> box = BoundingBox(ixmin=2, ixmax=5, iymin=10, iymax=11)
    >>> box.shape, box.slices, box.center
    ((1, 3), (slice(10, 11, None), slice(2, 5, None)), (10.0, 3.0))
    """

    ixmin: int
    ixmax: int
    iymin: int
    iymax: int

    @property
    def shape(self) -> tuple[int, int]:
        """The shape ``(ny, nx)``."""
        return self.iymax - self.iymin, self.ixmax - self.ixmin

    @property
    def slices(self) -> tuple[slice, slice]:
        """The slices ``(y, x)`` that cut the box out of an image."""
        return slice(self.iymin, self.iymax), slice(self.ixmin, self.ixmax)

    @property
    def center(self) -> tuple[float, float]:
        """The centre ``(y, x)``; a pixel's centre is its index."""
        return 0.5 * (self.iymin + self.iymax - 1), 0.5 * (self.ixmin + self.ixmax - 1)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The outer edges ``(xmin, xmax, ymin, ymax)``, as matplotlib counts them."""
        return self.ixmin - 0.5, self.ixmax - 0.5, self.iymin - 0.5, self.iymax - 0.5


def slices_of(extents: Any) -> list[tuple[slice, ...]]:
    """Return the slices of half-open ranges (int array, shape (n, ndim, 2), or (n, 4) in 2-D)."""
    if extents.shape[1:] in ((4,), (2, 2)):
        flat = extents.reshape(-1, 4).tolist()
        return [(slice(y0, y1), slice(x0, x1)) for y0, y1, x0, x1 in flat]
    return [tuple(slice(*ends) for ends in box) for box in extents.tolist()]


def boxes_of(bbox: Any) -> list[BoundingBox]:
    """Return the `BoundingBox` of half-open boxes ``y0, y1, x0, x1`` (int array, shape (n, 4))."""
    return [BoundingBox(x0, x1, y0, y1) for y0, y1, x0, x1 in bbox.tolist()]
