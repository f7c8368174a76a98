"""What is known of an image that may say what its unit is in flux densities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.cached import cached_property
from skyshed.images.photometry.pixel_area import PixelArea, pixel_area

__all__ = ["ContradictionError", "Doubt", "Evidence"]

#: What detectors count.
COUNTED = (u.electron, u.ct, u.DN, u.adu, u.photon)


class ContradictionError(ValueError):
    """Cards of a header that say different things; the message names them and their values."""


class Doubt(str):
    """In place of the value of a card: why it is not known which of several it is."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Evidence:
    """The unit of an image, the cards of its header, and where it lies on the sky.

    Attributes
    ----------
    unit : `~astropy.units.UnitBase` or None
        The unit of the pixels.
    cards : mapping of str to object
        Cards of the header, those of `photometric_cards` at least. A rule that asks for one in
        `Doubt` raises a `ContradictionError`.
    wcs : object or None
        The celestial WCS.
    shape : tuple of int
        Rows and columns, which the WCS is for.
    """

    unit: Any = None
    cards: Mapping[str, Any] = field(default_factory=dict)
    wcs: Any = None
    shape: tuple[int, int] = (1, 1)

    def number(self, name: str) -> float | None:
        """Return the finite number that a card holds; `None` if it holds none."""
        value = self._value(name)
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        return float(value) if is_number and np.isfinite(value) else None

    def positive(self, name: str) -> float | None:
        """Return the number above 0 that a card holds; pipelines write 0 where they know none."""
        value = self.number(name)
        return value if value is not None and value > 0 else None

    def text(self, name: str) -> str:
        """Return the text that a card holds, in capitals; empty if it holds none."""
        value = self._value(name)
        return value.strip().upper() if isinstance(value, str) else ""

    def _value(self, name: str) -> Any:
        value: Any = self.cards.get(name)
        if isinstance(value, Doubt):
            raise ContradictionError(str(value))
        return value

    @property
    def per_count(self) -> bool:
        """Whether pixels are counts of a detector."""
        return self.unit is not None and any(self.unit == each for each in COUNTED)

    @property
    def per_rate(self) -> bool:
        """Whether pixels are counts per second."""
        return self.unit is not None and any(self.unit == each / u.s for each in COUNTED)

    @cached_property
    def pixel_area(self) -> PixelArea | None:
        """The solid angle of a pixel by the WCS."""
        return None if self.wcs is None else pixel_area(self.wcs, self.shape)
