"""Planes of a product as the chain takes them: standard deviations, bad pixels, units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.hdu_facts import HduFacts
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace

__all__ = ["DeviationSource", "InUnit", "NoDataMask"]


@dataclass(frozen=True, eq=False)
class InUnit(MadeOfAnother):
    """An image in the unit that a profile knows, where its header does not say the right one.

    Attributes
    ----------
    source : ImageSource
        The image.
    of_unit : `~astropy.units.UnitBase` or None
        Its unit.
    """

    source: ImageSource
    of_unit: Any

    @property
    def other(self) -> ImageSource:
        """The image."""
        return self.source

    @property
    def unit(self) -> Any:
        """The unit that it is in."""
        return self.of_unit

    def read(self, window: Window) -> Any:
        """Return the pixels of a window; see `ImageSource.read`."""
        return self.source.read(window)

    def as_integers(self) -> ImageSource:
        """Return the image as integers; see `ImageSource.as_integers`."""
        return self.source.as_integers()


@dataclass(frozen=True, eq=False)
class DeviationSource(MadeOfAnother):
    """The square root of a variance, NaN where that is none: negative, infinite or NaN.

    Attributes
    ----------
    variance : ImageSource
        The variance.
    of_unit : `~astropy.units.UnitBase` or None
        The unit of the square root; `None` for that of the image it goes with.
    """

    variance: ImageSource
    of_unit: Any = None

    @property
    def other(self) -> ImageSource:
        """The variance."""
        return self.variance

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """That of the variance; integers become float64."""
        stored = self.variance.dtype
        return stored if stored.kind == "f" else np.dtype(np.float64)

    @property
    def unit(self) -> Any:
        """The unit of the square root."""
        return self.of_unit

    @property
    def hdu(self) -> HduFacts | None:  # type: ignore[override]
        """None: it is not what its HDU says it is."""
        return None

    def read(self, window: Window) -> Any:
        """Return the square root of a window; see `ImageSource.read`."""
        values = self.variance.read(window)
        xp = array_namespace(variance=values)
        values = values.astype(self.dtype, copy=False)
        good = xp.isfinite(values) & (values >= 0)
        root = np.sqrt(xp.where(good, values, values.dtype.type(0)))
        return xp.where(good, root, values.dtype.type(np.nan))

    def as_integers(self) -> ImageSource:
        """Return itself: it has no bits."""
        return self


@dataclass(frozen=True, eq=False)
class NoDataMask(MadeOfAnother):
    """Where an image has no data: where a plane of weights or exposure is 0, negative or NaN.

    Attributes
    ----------
    planes : tuple of ImageSource
        The planes; one of them is enough.
    """

    planes: tuple[ImageSource, ...]

    @property
    def other(self) -> ImageSource:
        """The first of the planes."""
        return self.planes[0]

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """Booleans."""
        return np.dtype(bool)

    @property
    def unit(self) -> Any:
        """None: it has no unit."""
        return None

    @property
    def blank(self) -> int | None:  # type: ignore[override]
        """None: every pixel has a value."""
        return None

    def read(self, window: Window) -> Any:
        """Return True where there are no data; see `ImageSource.read`."""
        return _union([~(plane.read(window) > 0) for plane in self.planes])

    def as_integers(self) -> ImageSource:
        """Return itself."""
        return self

    @property
    def bases(self) -> tuple[ImageSource, ...]:
        """Those of all planes."""
        return tuple(base for plane in self.planes for base in plane.bases)

    def lacks(self, window: Window) -> str:
        """Say why a window of a plane cannot be read; see `ImageSource.lacks`."""
        return next(filter(None, (plane.lacks(window) for plane in self.planes)), "")

    def fingerprint(self) -> dict[str, Any]:
        """Return those of all planes."""
        first, *others = (plane.fingerprint() for plane in self.planes)
        return {**first, "others": others}


def _union(masks: Sequence[Any]) -> Any:
    total = masks[0]
    for mask in masks[1:]:
        total = total | mask
    return total
