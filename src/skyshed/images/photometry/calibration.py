"""What one unit of an image is in flux densities, and who says so."""

from dataclasses import dataclass

import numpy as np

__all__ = ["MICROJANSKY_OF_AB_0", "Calibration"]

#: AB magnitude of 1 uJy: -2.5 log10(1e-29 erg/s/cm2/Hz) - 48.6 (Oke & Gunn 1983, ApJ 266, 713).
AB_OF_MICROJANSKY = 23.9
#: The flux density of an AB magnitude of 0, 3631 Jy.
MICROJANSKY_OF_AB_0 = 10 ** (0.4 * AB_OF_MICROJANSKY)


@dataclass(frozen=True)
class Calibration:
    """What a flux of 1 is: the sum of pixels, in their unit.

    Attributes
    ----------
    microjansky : float
        Its flux density in uJy.
    source : str
        Where this comes from, for people: cards and their values, and what they mean.

    Examples
    --------
    >>> from skyshed.images.photometry import Calibration
    >>> Calibration(1e-3, "BUNIT = nJy").zero_point
    31.4
    >>> f"{Calibration.of_zero_point(23.9, 'as given').microjansky:.6f}"
    '1.000000'
    """

    microjansky: float
    source: str

    def __post_init__(self) -> None:
        if not (np.isfinite(self.microjansky) and self.microjansky > 0):
            raise ValueError(f"microjansky must be a number above 0, got {self.microjansky!r}")

    @classmethod
    def of_zero_point(cls, zero_point: float, source: str) -> "Calibration":
        """Return what a zero point says, the AB magnitude of a flux of 1."""
        return cls(float(10 ** (-0.4 * (zero_point - AB_OF_MICROJANSKY))), source)

    @property
    def zero_point(self) -> float:
        """The AB magnitude of a flux of 1."""
        return float(AB_OF_MICROJANSKY - 2.5 * np.log10(self.microjansky))

    def record(self) -> dict[str, str]:
        """Return what is told of it beside a table."""
        return {
            "microjansky_per_unit": f"{self.microjansky:.9g}",
            "zero_point_ab": f"{self.zero_point:.6f}",
            "zero_point_source": self.source,
        }
