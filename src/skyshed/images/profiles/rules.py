"""The few rules by which headers say zero points and gains; a profile names one of them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import astropy.units as u

from skyshed.images.photometry.calibration import Calibration

__all__ = ["GAINS", "ZERO_POINTS", "Cards"]

#: Looks a card up that holds a number, in the header of the image, then in the primary one.
Cards = Callable[[str], float | None]

#: AB magnitudes of PHOTFLAM, at the pivot wavelength in Angstrom: -21.10 - 5 log10(PHOTPLAM) +
#: 18.6921 (ACS Data Handbook 9.0, section 5.1.1).
STMAG_ZERO, PIVOT_ZERO = -21.10, 18.6921


#: Magnitudes from which on a value stands for none: 99, -99, -999.
NO_MAGNITUDE = 90.0


def _magnitude(factor: float) -> float:
    return -2.5 * math.log10(factor)


def _card(values: Sequence[float], unit: Any) -> float | None:
    """Take the value of the card as it is, unless it stands for none."""
    return values[0] if abs(values[0]) < NO_MAGNITUDE else None


def _logarithm(values: Sequence[float], unit: Any) -> float | None:
    """Take the flux of a source of magnitude 0; or the exposure time of pixels that add up over it.

    The offset of the second is the zero point of one unit a second.
    """
    return -_magnitude(values[0]) if values[0] > 0 else None


def _photflam(values: Sequence[float], unit: Any) -> float | None:
    """Take PHOTFLAM and PHOTPLAM, for pixels that are rates."""
    photflam, pivot = values
    if photflam <= 0 or pivot <= 0:
        return None
    return _magnitude(photflam) + STMAG_ZERO - 5 * math.log10(pivot) + PIVOT_ZERO


def _photflam_of_counts(values: Sequence[float], unit: Any) -> float | None:
    """Take PHOTFLAM, PHOTPLAM and EXPTIME, for pixels that add up over the exposure."""
    of_rate, of_exposure = _photflam(values[:2], unit), _logarithm(values[2:], unit)
    return None if of_rate is None or of_exposure is None else of_rate + of_exposure


def _flux_density(values: Sequence[float], unit: Any) -> float | None:
    """Take the unit of the pixels, which is a flux density."""
    return Calibration(unit.to(u.uJy), "the unit").zero_point


def _surface_brightness(values: Sequence[float], unit: Any) -> float | None:
    """Take the unit of the pixels, a flux density per solid angle, and the sr of a pixel."""
    steradian = values[0]
    if steradian <= 0:
        return None
    return Calibration(unit.to(u.uJy / u.sr) * steradian, "the unit").zero_point


def _nanomaggies(values: Sequence[float], unit: Any) -> float | None:
    """One nanomaggy is of magnitude 22.5, by definition."""
    return 22.5


def _by_definition(values: Sequence[float], unit: Any) -> float | None:
    """Take the offset of the profile alone."""
    return 0.0


def _of_casu(values: Sequence[float], unit: Any) -> float | None:
    """Take MAGZPT, the exposure time, the extinction, and the airmass at both ends.

    "Converting catalogue fluxes to magnitudes", vsa.roe.ac.uk/flatFiles.html.
    """
    zero_point, seconds, extinction, *airmass = values
    if seconds <= 0:
        return None
    above = math.fsum(airmass) / len(airmass) - 1
    return zero_point - _magnitude(seconds) - extinction * above


#: Rules of zero points: numbers of cards, and the unit of the pixels -> the magnitude of one unit.
ZERO_POINTS: dict[str, Callable[[Sequence[float], Any], float | None]] = {
    "card": _card,
    "exposure": _logarithm,
    "flux of magnitude 0": _logarithm,
    "PHOTFLAM": _photflam,
    "PHOTFLAM, of counts": _photflam_of_counts,
    "flux density": _flux_density,
    "surface brightness": _surface_brightness,
    "nanomaggies": _nanomaggies,
    "CASU": _of_casu,
    "definition": _by_definition,
}


def _product(values: Sequence[float], unit: Any) -> float | None:
    """Multiply the cards: a gain; an exposure time; a gain and an exposure time."""
    found = math.prod(values)
    return found if found > 0 else None


def _one(values: Sequence[float], unit: Any) -> float | None:
    """Pixels are electrons."""
    return 1.0


#: Rules of gains: numbers of cards, and the unit of the pixels -> electrons of one unit.
GAINS: dict[str, Callable[[Sequence[float], Any], float | None]] = {
    "cards": _product,
    "electrons": _one,
}
