"""The bounding box of a source."""

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from skyshed.optional import need

__all__ = ["BoundingBox", "boxes_of", "slices_of"]

BOUNDS = ("ixmin", "ixmax", "iymin", "iymax")


@dataclass(frozen=True, slots=True, eq=False)
class BoundingBox:
    """The smallest rectangle of whole pixels that holds a source.

    The lower bounds are inclusive, the upper bounds exclusive, as in slices.

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

    @classmethod
    def from_float(cls, xmin: float, xmax: float, ymin: float, ymax: float) -> "BoundingBox":
        """Return the smallest box that holds a rectangle of fractional coordinates.

        Examples
        --------
        >>> from skyshed.segmentation import BoundingBox
        >>> BoundingBox.from_float(xmin=1.0, xmax=2.6, ymin=0.4, ymax=0.4)
        BoundingBox(ixmin=1, ixmax=4, iymin=0, iymax=1)
        """
        floor, ceil = math.floor, math.ceil
        return cls(floor(xmin + 0.5), ceil(xmax + 0.5), floor(ymin + 0.5), ceil(ymax + 0.5))

    def __reduce__(self) -> Any:
        # As a plain `BoundingBox`, without photutils' class.
        return BoundingBox, tuple(getattr(self, name) for name in BOUNDS)

    def __or__(self, other: Any) -> "BoundingBox":
        return self.union(other) if _is_box(other) else NotImplemented

    def __and__(self, other: Any) -> "BoundingBox | None":
        return self.intersection(other) if _is_box(other) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not _is_box(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in BOUNDS)

    def __hash__(self) -> int:
        return hash((self.ixmin, self.ixmax, self.iymin, self.iymax))

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

    def union(self, other: Any) -> "BoundingBox":
        """Return the smallest box that holds this one and another; ``box | other`` is the same.

        Raises
        ------
        TypeError
            If ``other`` is not a bounding box.
        """
        _check_box(other, "joined")
        return BoundingBox(
            min(self.ixmin, other.ixmin), max(self.ixmax, other.ixmax),
            min(self.iymin, other.iymin), max(self.iymax, other.iymax),
        )  # fmt: skip

    def intersection(self, other: Any) -> "BoundingBox | None":
        """Return the overlap of this box and another; ``box & other`` is the same.

        `None` if they have no pixel in common.

        Raises
        ------
        TypeError
            If ``other`` is not a bounding box.
        """
        _check_box(other, "intersected")
        ixmin, ixmax = max(self.ixmin, other.ixmin), min(self.ixmax, other.ixmax)
        iymin, iymax = max(self.iymin, other.iymin), min(self.iymax, other.iymax)
        empty = ixmax <= ixmin or iymax <= iymin
        return None if empty else BoundingBox(ixmin, ixmax, iymin, iymax)

    def get_overlap_slices(self, shape: tuple[int, int]) -> tuple[Any, Any]:
        """Return the slices of the overlap of an image and this box.

        Parameters
        ----------
        shape : tuple of int
            The shape of the image.

        Returns
        -------
        of_image, of_box : tuple of two slices
            They cut the overlap out of the image, and out of an array of the box's shape. Both are
            `None` if there is none.

        Raises
        ------
        ValueError
            If ``shape`` does not have two elements.

        Examples
        --------
        >>> from skyshed.segmentation import BoundingBox
        >>> BoundingBox(-1, 3, 4, 9).get_overlap_slices((6, 6))[0]
        (slice(4, 6, None), slice(0, 3, None))
        """
        if len(shape) != 2:
            raise ValueError(f"input shape must have 2 elements, got shape={shape!r}")
        inside = self.intersection(BoundingBox(0, shape[1], 0, shape[0]))
        if inside is None:
            return None, None
        moved = BoundingBox(
            inside.ixmin - self.ixmin, inside.ixmax - self.ixmin,
            inside.iymin - self.iymin, inside.iymax - self.iymin,
        )  # fmt: skip
        return inside.slices, moved.slices

    def as_artist(self, **kwargs: Any) -> Any:
        """Return the box as a `matplotlib.patches.Rectangle` with the given keywords."""
        from matplotlib.patches import Rectangle

        height, width = self.shape
        return Rectangle((self.extent[0], self.extent[2]), width, height, **kwargs)

    def plot(self, ax: Any = None, origin: tuple[float, float] = (0, 0), **kwargs: Any) -> Any:
        """Plot the box, not filled unless told otherwise.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; `None` for the current axes.
        origin : array_like, optional
            The position ``(x, y)`` of the origin of the image that is shown.
        **kwargs
            Keywords of `matplotlib.patches.Patch`.

        Returns
        -------
        patch : `~matplotlib.patches.Rectangle`
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.gca()
        patch = self.as_artist(**{"fill": False} | kwargs)
        patch.set_xy((self.extent[0] - origin[0], self.extent[2] - origin[1]))
        return ax.add_patch(patch)

    def to_aperture(self) -> Any:
        """Return the box as a `photutils.aperture.RectangularAperture`.

        Raises
        ------
        ImportError
            If photutils is not installed.
        """
        apertures = need("photutils.aperture", "to_aperture()")
        height, width = self.shape
        return apertures.RectangularAperture(self.center[::-1], width, height)


def _is_box(other: Any) -> bool:
    """Whether it has the bounds of a box, which may be one of another package."""
    return all(hasattr(other, name) for name in BOUNDS)


def _check_box(other: Any, verb: str) -> None:
    """Raise a TypeError if it is not a box."""
    if not _is_box(other):
        raise TypeError(
            f"BoundingBox can be {verb} only with another BoundingBox, got {type(other).__name__}"
        )


def slices_of(extents: Any) -> list[tuple[slice, ...]]:
    """Return the slices of half-open ranges (int array, shape (n, ndim, 2), or (n, 4) in 2-D)."""
    if extents.shape[1:] in ((4,), (2, 2)):
        flat = extents.reshape(-1, 4).tolist()
        return [(slice(y0, y1), slice(x0, x1)) for y0, y1, x0, x1 in flat]
    return [tuple(slice(*ends) for ends in box) for box in extents.tolist()]


@lru_cache
def _derived(other: type) -> type[BoundingBox]:
    """Return a class derived from `BoundingBox` and from another class of boxes."""
    return type("BoundingBox", (BoundingBox, other), {"__doc__": BoundingBox.__doc__})


def boxes_of(bbox: Any) -> list[BoundingBox]:
    """Return the `BoundingBox` of half-open boxes ``y0, y1, x0, x1`` (int array, shape (n, 4)).

    In a program that has imported photutils' class, they are instances of that class as well.
    """
    other = sys.modules.get("photutils.aperture.bounding_box")
    kind = BoundingBox if other is None else _derived(other.BoundingBox)
    return [kind(x0, x1, y0, y1) for y0, y1, x0, x1 in bbox.tolist()]
