"""What all apertures have: positions, boxes, masks, sums."""

import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np

from skyshed.aperture.mask import ApertureMask
from skyshed.aperture.weighing import checked_method, samples_of
from skyshed.kernels import shapes
from skyshed.optional import need
from skyshed.segmentation import BoundingBox

__all__ = ["Aperture", "PixelAperture", "SkyAperture"]

#: Pixel numbers that float64 holds exactly; boxes of apertures farther out end there.
FARTHEST = 2.0**53


class Aperture:
    """A shape and its positions, one or many.

    Attributes
    ----------
    positions : array of float64, shape (2,) or (n, 2), or SkyCoord
        The centres.
    """

    #: The names of the parameters, in the order of the constructor's documentation.
    _params: ClassVar[tuple[str, ...]] = ()
    #: Pairs of parameters, of which the second must be the larger one.
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()
    positions: Any

    def __len__(self) -> int:
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object has no len()")
        return self.shape[0]

    def __getitem__(self, index: Any) -> "Aperture":
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object cannot be indexed")
        new = type(self).__new__(type(self))
        new.positions = self.positions[index]
        for name in self._params[1:]:
            setattr(new, name, getattr(self, name))
        return new

    def __iter__(self) -> Iterator["Aperture"]:
        for index in range(len(self)):
            yield self[index]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({', '.join(self._shown(', ', '='))})>"

    def __str__(self) -> str:
        return "\n".join([f"Aperture: {type(self).__name__}", *self._shown("\n", ": ")])

    def _shown(self, joint: str, equals: str) -> list[str]:
        shown = []
        for name in self._params:
            value = getattr(self, name)
            if name == "positions":
                prefix = type(self).__name__ if equals == "=" else f"{name}: "
                array = isinstance(value, np.ndarray)
                text = (
                    np.array2string(value, separator=", ", prefix=prefix) if array else repr(value)
                )
                shown.append(text if equals == "=" else f"{name}: {text}")
            else:
                shown.append(f"{name}{equals}{value}")
        return shown

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)) or self._params != other._params:
            return False
        try:
            # Quantities of other units, if convertible, are compared as such.
            return not any(
                np.any(getattr(self, name) != getattr(other, name)) for name in self._params
            )
        except (TypeError, ValueError):  # positions of other frames, or of another number
            return False

    __hash__ = None  # type: ignore[assignment]  # parameters may be set anew

    def copy(self) -> "Aperture":
        """Return a copy that shares nothing."""
        return deepcopy(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one position, ``(n,)`` for n of them."""
        positions = self.positions
        pixels = isinstance(positions, np.ndarray)
        return tuple(positions.shape[:-1] if pixels else positions.shape)

    @property
    def isscalar(self) -> bool:
        """Whether there is one position, not a list of them."""
        return self.shape == ()


class PixelAperture(Aperture):
    """An aperture in pixels."""

    #: The kernels' name for the family of shapes.
    family: ClassVar[int]

    def _outline(self) -> tuple[float, ...]:
        """Return ``a, b, theta, inner a, inner b`` as the kernels take them."""
        raise NotImplementedError

    def _patches(self, x: float, y: float, style: dict[str, Any]) -> Any:
        """Return the patch of matplotlib for a position."""
        raise NotImplementedError

    @property
    def area(self) -> float:
        """The area of the shape in pixels, whatever there is of the image."""
        raise NotImplementedError

    def to_sky(self, wcs: Any) -> "SkyAperture":
        """Return the aperture on the sky; see the subclasses."""
        raise NotImplementedError

    @property
    def _reach(self) -> tuple[float, float]:
        """Half the sizes of the box about the shape, along x and y."""
        a, b, theta, *_ = self._outline()
        if self.family == shapes.CIRCLE:
            return a, a
        cosine, sine = math.cos(theta), math.sin(theta)
        if self.family == shapes.ELLIPSE:
            return math.sqrt((a * cosine) ** 2 + (b * sine) ** 2), math.sqrt(
                (a * sine) ** 2 + (b * cosine) ** 2
            )
        ways = (a * cosine, b * sine), (a * sine, b * cosine)
        return tuple(max(abs(p - q), abs(p + q)) for p, q in ways)  # type: ignore[return-value]

    @property
    def rows(self) -> Any:
        """The kernels' table: float64, shape (n, 7); see `skyshed.kernels.shapes`."""
        positions = np.atleast_2d(self.positions)
        rows = np.empty((len(positions), 7))
        rows[:, :2], rows[:, 2:] = positions, self._outline()
        return rows

    @property
    def boxes(self) -> Any:
        """The boxes ``y0, y1, x0, x1`` of whole pixels, half-open: int64, shape (n, 4)."""
        x, y = np.atleast_2d(self.positions).T
        width, height = self._reach
        edges = (
            np.floor(y - height + 0.5), np.ceil(y + height + 0.5),
            np.floor(x - width + 0.5), np.ceil(x + width + 0.5),
        )  # fmt: skip
        return np.stack(edges, axis=1).clip(-FARTHEST, FARTHEST).astype(np.int64)

    @property
    def bbox(self) -> Any:
        """The smallest `BoundingBox` that holds the shape, one or a list of them."""
        boxes = [BoundingBox(x0, x1, y0, y1) for y0, y1, x0, x1 in self.boxes.tolist()]
        return boxes[0] if self.isscalar else boxes

    def to_mask(self, method: str = "exact", subpixels: int = 5) -> Any:
        """Return the weights of the pixels of the bounding boxes.

        Parameters
        ----------
        method : {"exact", "center", "subpixel"}, optional
            ``"exact"``: the area that the aperture shares with a pixel. ``"center"``: 1 where the
            pixel's centre is inside, else 0. ``"subpixel"``: the share of ``subpixels**2`` points
            that are inside. A point on the outline is outside.
        subpixels : int, optional
            Points along a pixel's side.

        Returns
        -------
        mask : `ApertureMask`, or list of them
        """
        boxes = self.boxes
        sides = boxes[:, 1::2] - boxes[:, ::2]
        sizes = sides.prod(axis=1)
        width = int(sizes.max(initial=0))
        samples = samples_of(method, subpixels)
        table = shapes.weights(self.rows, boxes, self.family, samples, width, None)
        masks = [
            ApertureMask(table[i, :size].reshape(side), BoundingBox(x0, x1, y0, y1))
            for i, (size, side, (y0, y1, x0, x1)) in enumerate(
                zip(sizes.tolist(), sides.tolist(), boxes.tolist(), strict=True)
            )
        ]
        return masks[0] if self.isscalar else masks

    def area_overlap(
        self, data: Any, *, mask: Any = None, method: str = "exact", subpixels: int = 5
    ) -> Any:
        """Return the area that is measured: the sum of the weights of the image's pixels.

        Parameters
        ----------
        data : array, shape (ny, nx)
            The image; only its shape matters.
        mask : array of bool, shape (ny, nx), optional
            True for pixels to leave out.
        method, subpixels
            See `to_mask`.

        Returns
        -------
        area : float, or array of float64, shape (n,)
            In pixels; NaN where the bounding box and the image have no pixel in common.
        """
        from skyshed.aperture.measuring import Images, measure

        checked_method(method, subpixels)
        flat = np.broadcast_to(np.float32(0), np.shape(data)).copy()
        found = measure(self, Images.of(flat, None, mask), method, subpixels)
        area = np.where(found.overlaps, found.inside, np.nan)
        return float(area[0]) if self.isscalar else area

    def do_photometry(
        self,
        data: Any,
        error: Any = None,
        mask: Any = None,
        method: str = "exact",
        subpixels: int = 5,
    ) -> tuple[Any, Any]:
        """Return sums and their errors, as `aperture_photometry` has them.

        Returns
        -------
        sums, errors : array of float64 or Quantity, shape (n,)
            The errors are NaN without ``error``.
        """
        from skyshed.aperture.measuring import Images, measure

        images = Images.of(data, error, mask)
        found = measure(self, images, method, subpixels, finite_only=False)
        return images.with_unit(found.total), images.with_unit(found.error)

    def plot(self, ax: Any = None, origin: Any = (0, 0), **kwargs: Any) -> list[Any]:
        """Draw the aperture at each position.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            The axes to draw on; the current axes if `None`.
        origin : tuple of float, optional
            The position ``(x, y)`` of the first pixel that is displayed.
        **kwargs
            Keywords of `~matplotlib.patches.Patch`; not filled unless ``fill=True``.

        Returns
        -------
        patches : list of `~matplotlib.patches.Patch`
        """
        need("matplotlib", "drawing", "plot")
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.gca()
        style = {"fill": False} | kwargs
        patches = [
            self._patches(x - origin[0], y - origin[1], style)
            for x, y in np.atleast_2d(self.positions).tolist()
        ]
        for patch in patches:
            ax.add_patch(patch)
        return patches


class SkyAperture(Aperture):
    """An aperture on the sky."""

    def to_pixel(self, wcs: Any) -> PixelAperture:
        """Return the aperture in pixels; see the subclasses."""
        raise NotImplementedError
