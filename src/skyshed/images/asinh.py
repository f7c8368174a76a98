"""Pixels that are the inverse hyperbolic sine of the flux, as in Pan-STARRS' stacks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Asinh", "asinh_of"]

#: Magnitudes for a factor of e, which the scale is in: 2.5 log10(e).
MAGNITUDES = 2.5 / np.log(10)


@dataclass(frozen=True)
class Asinh:
    """How pixels were made from fluxes.

    Attributes
    ----------
    softening : float
        BSOFTEN.
    offset : float
        BOFFSET.
    """

    softening: float
    offset: float

    def fluxes(self, pixels: Any) -> Any:
        """Return the fluxes, in float64 for integers, else in the dtype of the pixels.

        ``BOFFSET + 2 BSOFTEN sinh(pixel / 1.0857)``: PS1 Stack images, "Nonlinear scaling"
        (outerspace.stsci.edu/display/PANSTARRS/PS1+Stack+images).
        """
        pixels = np.asarray(pixels, None if pixels.dtype.kind == "f" else np.float64)
        kind = pixels.dtype.type
        flux = np.sinh(pixels / kind(MAGNITUDES))
        return kind(self.offset) + kind(2 * self.softening) * flux


def asinh_of(header: Any) -> Asinh | None:
    """Return how the pixels of an image were made from fluxes; `None` if they are fluxes.

    Examples
    --------
    >>> from skyshed.images.asinh import asinh_of
    >>> asinh_of({"BSOFTEN": 2.0, "BOFFSET": 0.5})
    Asinh(softening=2.0, offset=0.5)
    """
    softening, offset = header.get("BSOFTEN"), header.get("BOFFSET")
    if not all(isinstance(each, float | int) for each in (softening, offset)) or softening == 0:
        return None
    return Asinh(float(softening), float(offset))
