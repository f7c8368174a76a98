"""Rules for pixels in units of flux density: per pixel, per solid angle, per beam."""

import astropy.units as u
import numpy as np

from skyshed.images.photometry.calibration import MICROJANSKY_OF_AB_0, Calibration
from skyshed.images.photometry.evidence import Evidence
from skyshed.images.photometry.pixel_area import SQUARE_ARCSECOND
from skyshed.images.photometry.rules import check_agreement, rule

__all__ = ["LARGEST_VARIATION"]

#: Pixel areas that vary by more than this over an image are said to.
LARGEST_VARIATION = 0.01
#: The area of a Gaussian beam over the product of its widths at half maximum.
OF_BEAM = np.pi / (4 * np.log(2))
#: Flux density per wavelength, as optical telescopes give it.
FLAM = u.erg / u.s / u.cm**2 / u.AA


def _microjansky(unit: u.UnitBase | None, per: u.UnitBase) -> float | None:
    """Return how many uJy/``per`` a unit is; `None` if it is none of that kind."""
    if unit is None or not (unit * per).is_equivalent(u.uJy):
        return None
    return float(unit.to(u.uJy / per))


@rule(
    meaning="a flux density in each pixel (Jy, mJy, uJy, nJy, erg/s/cm2/Hz)",
    cite="FITS standard 4.0, section 4.3",
)
def flux_in_pixel(evidence: Evidence) -> Calibration | None:
    """Fluxes are sums over pixels, so that only the prefix changes."""
    for per in (u.dimensionless_unscaled, u.pix):
        factor = _microjansky(evidence.unit, per)
        if factor is not None:
            return Calibration(factor, f"BUNIT: {evidence.unit} in a pixel")
    return None


@rule(
    meaning="a maggy is the flux of an AB magnitude of 0, a nanomaggy that of 22.5",
    cite="SDSS, www.sdss.org/dr17/algorithms/magnitudes; Legacy Surveys DR10, description of files",
)
def maggies(evidence: Evidence) -> Calibration | None:
    """SDSS and the Legacy Surveys write nanomaggies."""
    for unit in (evidence.unit, None if evidence.unit is None else evidence.unit * u.pix):
        if unit is not None and unit.is_equivalent(u.mgy):
            return Calibration(
                float(unit.to(u.mgy)) * MICROJANSKY_OF_AB_0,
                f"BUNIT: {evidence.unit}, a maggy is the flux of AB magnitude 0",
            )
    return None


@rule(
    "PIXAR_SR", "PIXAR_A2",
    meaning="a surface brightness (MJy/sr, Jy/arcsec2), times the solid angle of a pixel: PIXAR_SR "
    "[sr] or PIXAR_A2 [arcsec2], else that of the pixel in the middle by the WCS",
    cite="JWST User Documentation, Flux units and magnitudes; jwst-pipeline.readthedocs.io, photom",
)  # fmt: skip
def surface_brightness(evidence: Evidence) -> Calibration | None:
    """JWST, Spitzer, Herschel and others write MJy/sr."""
    factor = _microjansky(evidence.unit, u.sr)
    if factor is None:
        return None
    area, where = _area_by_cards(evidence)
    by_wcs = evidence.pixel_area
    if area is None and by_wcs is None:
        return None
    if area is None and by_wcs is not None:
        area, where = by_wcs.steradian, _said_of_wcs(evidence)
    elif area is not None and by_wcs is not None:
        check_agreement(
            area, by_wcs.steradian,
            f"{where} contradicts the WCS, by which a pixel has {by_wcs.steradian:.4g} sr",
        )  # fmt: skip
    assert area is not None
    return Calibration(factor * area, f"BUNIT: {evidence.unit} and {where}")


def _area_by_cards(evidence: Evidence) -> tuple[float | None, str]:
    """Return the solid angle of a pixel by its cards, and which card says it."""
    steradian, arcseconds = evidence.positive("PIXAR_SR"), evidence.positive("PIXAR_A2")
    if steradian is None:
        if arcseconds is None:
            return None, ""
        return arcseconds * SQUARE_ARCSECOND, f"PIXAR_A2 = {arcseconds:.6g} arcsec2"
    where = f"PIXAR_SR = {steradian:.6g} sr"
    if arcseconds is not None:
        check_agreement(
            steradian, arcseconds * SQUARE_ARCSECOND,
            f"{where} contradicts PIXAR_A2 = {arcseconds:.6g} arcsec2",
        )  # fmt: skip
    return steradian, where


def _said_of_wcs(evidence: Evidence) -> str:
    """Return what is said of a pixel area that the WCS gives."""
    area = evidence.pixel_area
    assert area is not None
    text = f"the WCS, by which the pixel in the middle has {area.square_arcseconds:.6g} arcsec2"
    if area.variation > LARGEST_VARIATION:
        text += f" (at the corners it differs by up to {100 * area.variation:.2g} %)"
    return text


@rule(
    "BMAJ", "BMIN",
    meaning="a flux density per beam (Jy/beam): the beam is a Gaussian whose widths at half "
    "maximum are BMAJ and BMIN [deg], which AIPS writes into HISTORY; its area is "
    "pi BMAJ BMIN / (4 ln 2), over that of a pixel by the WCS",
    cite="AIPS Memo 117, section 3.1; CASA Docs, Image analysis",
)  # fmt: skip
def per_beam(evidence: Evidence) -> Calibration | None:
    """A sum over pixels counts every beam as often as it has pixels."""
    factor = _microjansky(evidence.unit, u.beam)
    if factor is None:
        return None
    major, minor, area = evidence.positive("BMAJ"), evidence.positive("BMIN"), evidence.pixel_area
    if major is None or minor is None or area is None:
        return None
    pixels = OF_BEAM * np.deg2rad(major) * np.deg2rad(minor) / area.steradian
    return Calibration(
        factor / pixels,
        f"BUNIT: {evidence.unit}, BMAJ = {major:.6g} and BMIN = {minor:.6g} deg, a beam of "
        f"{pixels:.4g} pixels, and {_said_of_wcs(evidence)}",
    )


@rule(
    "PHOTPLAM",
    meaning="a flux density per wavelength in each pixel (erg/s/cm2/Angstrom), at the pivot "
    "wavelength PHOTPLAM [Angstrom]",
    cite="STScI, WFC3 Data Handbook, chapter 9.1; Koornneef et al. 1986",
)
def flux_per_wavelength(evidence: Evidence) -> Calibration | None:
    """The pivot wavelength is the one at which both ways to write a flux density agree."""
    if evidence.unit is None or not evidence.unit.is_equivalent(FLAM):
        return None
    pivot = evidence.positive("PHOTPLAM")
    if pivot is None:
        return None
    value = (1 * evidence.unit).to_value(u.uJy, u.spectral_density(pivot * u.AA))
    return Calibration(float(value), f"BUNIT: {evidence.unit} at PHOTPLAM = {pivot:.6g} Angstrom")
