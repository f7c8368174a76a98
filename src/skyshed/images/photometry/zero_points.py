"""Rules for pixels that count: zero points and sensitivities whose system is documented."""

import astropy.units as u

from skyshed.images.photometry.calibration import MICROJANSKY_OF_AB_0, Calibration
from skyshed.images.photometry.evidence import Evidence
from skyshed.images.photometry.rules import rule

__all__: list[str] = []


def _rate(evidence: Evidence) -> tuple[float, str] | None:
    """Return how many counts per second a flux of 1 is, and what says so; `None` if not known."""
    if evidence.per_rate:
        return 1.0, f"BUNIT: {evidence.unit}"
    seconds = evidence.positive("EXPTIME")
    if evidence.per_count and seconds is not None:
        return 1 / seconds, f"BUNIT: {evidence.unit} and EXPTIME = {seconds:.6g} s"
    return None


@rule(
    "PHOTFLAM", "PHOTPLAM", "EXPTIME",
    meaning="one count per second is PHOTFLAM erg/s/cm2/Angstrom at the pivot wavelength PHOTPLAM "
    "[Angstrom]: AB zero point -2.5 log10 PHOTFLAM - 5 log10 PHOTPLAM - 2.408. Counts are divided "
    "by EXPTIME [s]",
    cite="STScI, WFC3 Data Handbook, chapter 9.1; ACS Data Handbook, chapter 5.1",
)  # fmt: skip
def photflam(evidence: Evidence) -> Calibration | None:
    """Instruments of the Hubble Space Telescope: ACS, WFC3, WFPC2, STIS, NICMOS."""
    if not (evidence.per_rate or evidence.per_count):
        return None
    sensitivity, pivot = evidence.positive("PHOTFLAM"), evidence.positive("PHOTPLAM")
    rate = None if sensitivity is None or pivot is None else _rate(evidence)
    if sensitivity is None or pivot is None or rate is None:
        return None
    flam = sensitivity * u.erg / u.s / u.cm**2 / u.AA
    density = flam.to_value(u.uJy, u.spectral_density(pivot * u.AA))
    return Calibration(
        float(density) * rate[0],
        f"PHOTFLAM = {sensitivity:.6g}, PHOTPLAM = {pivot:.6g} Angstrom, {rate[1]}",
    )


@rule(
    "PHOTFNU", "EXPTIME",
    meaning="one count per second is PHOTFNU Jy; counts are divided by EXPTIME [s]",
    cite="STScI, WFC3 Data Handbook, chapter 9.1; NICMOS Data Handbook, chapter 5.3",
)  # fmt: skip
def photfnu(evidence: Evidence) -> Calibration | None:
    """WFC3/IR and NICMOS."""
    if not (evidence.per_rate or evidence.per_count):
        return None
    sensitivity = evidence.positive("PHOTFNU")
    rate = None if sensitivity is None else _rate(evidence)
    if sensitivity is None or rate is None:
        return None
    return Calibration(1e6 * sensitivity * rate[0], f"PHOTFNU = {sensitivity:.6g} Jy s, {rate[1]}")


@rule(
    "FLUXMAG0",
    meaning="the flux, in units of the pixels, of an AB magnitude of 0",
    cite="Rubin Observatory, lsst.afw.image.PhotoCalib (pipelines.lsst.io); HSC-SSP PDR3, Data",
)
def fluxmag0(evidence: Evidence) -> Calibration | None:
    """Exposures of HSC and of Rubin's pipelines before pixels were in nJy."""
    flux = evidence.positive("FLUXMAG0")
    if flux is None:
        return None
    return Calibration(MICROJANSKY_OF_AB_0 / flux, f"FLUXMAG0 = {flux:.9g}, of AB magnitude 0")


@rule(
    "PHOTZP", "PHOTSYS",
    meaning="magnitude = PHOTZP - 2.5 log10 flux where PHOTSYS is 'AB'; 'VEGA' gives no flux "
    "densities",
    cite="ESO Science Data Products Standard (ESO-044286), Photometric zero point",
)  # fmt: skip
def photzp(evidence: Evidence) -> Calibration | None:
    """Products of surveys in the archive of ESO: KiDS, VIKING, VHS, VPHAS+ and others."""
    if evidence.text("PHOTSYS") != "AB":
        return None
    zero_point = evidence.number("PHOTZP")
    if zero_point is None:
        return None
    return Calibration.of_zero_point(zero_point, f"PHOTZP = {zero_point:.6g}, PHOTSYS = 'AB'")


@rule(
    "MAGZP", "ORIGIN",
    meaning="magnitude = MAGZP - 2.5 log10 flux, in the AB system of Pan-STARRS 1, where ORIGIN is "
    "the Zwicky Transient Facility; the colour term CLRCOEFF is left out. Elsewhere MAGZP may be "
    "of Vega's system (2MASS, WISE) and gives no flux densities",
    cite="Masci et al. 2019, PASP 131, 018003; ZTF Science Data System, Explanatory Supplement",
)  # fmt: skip
def magzp_of_ztf(evidence: Evidence) -> Calibration | None:
    """Science and reference images of ZTF."""
    if not evidence.text("ORIGIN").startswith("ZWICKY TRANSIENT"):
        return None
    zero_point = evidence.number("MAGZP")
    if zero_point is None:
        return None
    return Calibration.of_zero_point(
        zero_point, f"MAGZP = {zero_point:.6g} of the Zwicky Transient Facility"
    )
