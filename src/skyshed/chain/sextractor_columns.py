"""Columns under SExtractor's names, in its conventions, made from those of the catalog.

Pixels count from 1, angles run counter-clockwise from x, apertures are given by their radii in the
parameters (PHOT_APERTURES are diameters), and a magnitude that there is not is 99. What each name
means is in SExtractor's manual (https://sextractor.readthedocs.io, "Measurements").
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from skyshed.catalog.catalog import unit_named
from skyshed.catalog.registry import Column, column
from skyshed.catalog.table import add_column
from skyshed.chain.calibrated import magnitudes
from skyshed.flags import sextractor_flags
from skyshed.images.photometry import Calibration
from skyshed.parameters import Parameters

__all__ = [
    "NOT_MEASURED",
    "SEXTRACTOR",
    "SURFACES",
    "add_sextractor",
    "aperture_radii_of",
    "has_radii",
    "is_sextractor",
    "needs_of",
]

#: The magnitude of what has none, and its error.
NO_MAGNITUDE = 99.0
#: SExtractor's own PHOT_APERTURES and PHOT_FLUXFRAC, as radii and fractions, where the parameters
#: name none.
RADII, FRACTIONS = (2.5,), (0.5,)
#: Names that are known and have no column: what comes near.
NOT_MEASURED = {
    "CLASS_STAR": "fluxfrac_radius against a magnitude tells stars",
    "SPREAD_MODEL": "fluxfrac_radius against a magnitude tells stars",
    "FWHM_IMAGE": "fwhm is that of the moments",
    "FLUX_PSF": "aperture fluxes with a correction come near",
    "MAG_PSF": "aperture fluxes with a correction come near",
    "FLUX_MODEL": "there is no fit of models",
    "MAG_MODEL": "there is no fit of models",
    "VIGNET": "SourceCatalog.make_cutouts gives images of sources",
}


@dataclass(frozen=True)
class Translated:
    """A column under SExtractor's name.

    Attributes
    ----------
    needs : tuple of str
        Columns of the catalog.
    make : callable
        Returns it from their plain values.
    unit : str
        Its unit, ``"data"`` for that of the data.
    about : str
        What it is.
    """

    needs: tuple[str, ...]
    make: Callable[..., Any]
    unit: str = ""
    about: str = ""


def _same(values: Any) -> Any:
    return values


def _from_one(values: Any) -> Any:
    return values + 1


def _from_one_int(values: Any) -> Any:
    known = np.isfinite(np.asarray(values, float))
    return np.where(known, np.nan_to_num(np.asarray(values, float)) + 1, 0).astype(np.int64)


def _x(pair: Any) -> Any:
    return pair[:, 0]


def _y(pair: Any) -> Any:
    return pair[:, 1]


SEXTRACTOR: dict[str, Translated] = {
    "NUMBER": Translated(("label",), _same, "", "Label."),
    "ID_PARENT": Translated(("parent",), _same, "", "Label before deblending."),
    "FLAGS": Translated(("flags",), sextractor_flags, "", "Flags as bits of SExtractor's."),
    "X_IMAGE": Translated(("xcentroid",), _from_one, "pix", "x of the centroid, from 1."),
    "Y_IMAGE": Translated(("ycentroid",), _from_one, "pix", "y of the centroid, from 1."),
    "XWIN_IMAGE": Translated(
        ("centroid_win",), lambda c: _x(c) + 1, "pix", "x of the windowed centroid, from 1."
    ),
    "YWIN_IMAGE": Translated(
        ("centroid_win",), lambda c: _y(c) + 1, "pix", "y of the windowed centroid, from 1."
    ),
    "XPEAK_IMAGE": Translated(
        ("maxval_xindex",), _from_one_int, "pix", "x of the brightest pixel, from 1; or 0."
    ),
    "YPEAK_IMAGE": Translated(
        ("maxval_yindex",), _from_one_int, "pix", "y of the brightest pixel, from 1; or 0."
    ),
    "XMIN_IMAGE": Translated(("bbox_xmin",), _from_one_int, "pix", "Least x, from 1."),
    "XMAX_IMAGE": Translated(("bbox_xmax",), _from_one_int, "pix", "Largest x, from 1."),
    "YMIN_IMAGE": Translated(("bbox_ymin",), _from_one_int, "pix", "Least y, from 1."),
    "YMAX_IMAGE": Translated(("bbox_ymax",), _from_one_int, "pix", "Largest y, from 1."),
    "X2_IMAGE": Translated(("covar_sigx2",), _same, "pix2", "Variance along x."),
    "Y2_IMAGE": Translated(("covar_sigy2",), _same, "pix2", "Variance along y."),
    "XY_IMAGE": Translated(("covar_sigxy",), _same, "pix2", "Covariance of x and y."),
    "CXX_IMAGE": Translated(("cxx",), _same, "pix-2", "Parameter of the ellipse."),
    "CYY_IMAGE": Translated(("cyy",), _same, "pix-2", "Parameter of the ellipse."),
    "CXY_IMAGE": Translated(("cxy",), _same, "pix-2", "Parameter of the ellipse."),
    "A_IMAGE": Translated(("semimajor_sigma",), _same, "pix", "Standard deviation, major axis."),
    "B_IMAGE": Translated(("semiminor_sigma",), _same, "pix", "Standard deviation, minor axis."),
    "THETA_IMAGE": Translated(
        ("orientation",), _same, "deg", "Angle of the major axis from x, counter-clockwise."
    ),
    "ELLIPTICITY": Translated(("ellipticity",), _same, "", "1 - B_IMAGE / A_IMAGE."),
    "ELONGATION": Translated(("elongation",), _same, "", "A_IMAGE / B_IMAGE."),
    "ERRX2_IMAGE": Translated(("xcentroid_err",), np.square, "pix2", "Variance of X_IMAGE."),
    "ERRY2_IMAGE": Translated(("ycentroid_err",), np.square, "pix2", "Variance of Y_IMAGE."),
    "ERRX2WIN_IMAGE": Translated(
        ("centroid_win_err",), lambda e: _x(e) ** 2, "pix2", "Variance of XWIN_IMAGE."
    ),
    "ERRY2WIN_IMAGE": Translated(
        ("centroid_win_err",), lambda e: _y(e) ** 2, "pix2", "Variance of YWIN_IMAGE."
    ),
    "ERRA_IMAGE": Translated(
        ("centroid_err_semimajor",), _same, "pix", "Error of the centroid, major axis."
    ),
    "ERRB_IMAGE": Translated(
        ("centroid_err_semiminor",), _same, "pix", "Error of the centroid, minor axis."
    ),
    "ERRTHETA_IMAGE": Translated(
        ("centroid_err_orientation",), _same, "deg", "Angle of ERRA_IMAGE from x."
    ),
    "ERRAWIN_IMAGE": Translated(
        ("centroid_win_err_semimajor",), _same, "pix", "Error of XWIN_IMAGE, major axis."
    ),
    "ERRBWIN_IMAGE": Translated(
        ("centroid_win_err_semiminor",), _same, "pix", "Error of XWIN_IMAGE, minor axis."
    ),
    "ERRTHETAWIN_IMAGE": Translated(
        ("centroid_win_err_orientation",), _same, "deg", "Angle of ERRAWIN_IMAGE from x."
    ),
    "THRESHOLD": Translated(
        ("detection_threshold",), _same, "data", "Detection threshold above the background."
    ),
    "ISOAREAF_IMAGE": Translated(
        ("area",), lambda a: np.nan_to_num(a).astype(np.int64), "pix2", "Pixels of the segment."
    ),
    "FLUX_MAX": Translated(("max_value",), _same, "data", "Largest value."),
    "FLUX_ISO": Translated(("segment_flux",), _same, "data", "Flux of the segment."),
    "FLUXERR_ISO": Translated(("segment_fluxerr",), _same, "data", "Its error."),
    "FLUX_AUTO": Translated(("kron_flux",), _same, "data", "Flux of the Kron aperture."),
    "FLUXERR_AUTO": Translated(("kron_fluxerr",), _same, "data", "Its error."),
    "FLUX_ISOCOR": Translated(
        ("isocor_flux",), _same, "data", "FLUX_ISO corrected for the light below the threshold."
    ),
    "FLUXERR_ISOCOR": Translated(("isocor_fluxerr",), _same, "data", "Its error."),
    "FLUX_BEST": Translated(
        ("best_flux",), _same, "data", "FLUX_AUTO, or FLUX_ISOCOR where neighbours disturb it."
    ),
    "FLUXERR_BEST": Translated(("best_fluxerr",), _same, "data", "Its error."),
    "FLUX_PETRO": Translated(("petrosian_flux",), _same, "data", "Flux in two Petrosian radii."),
    "FLUXERR_PETRO": Translated(("petrosian_fluxerr",), _same, "data", "Its error."),
    "BACKGROUND": Translated(
        ("background_centroid",), _same, "data", "Background at the centroid."
    ),
    "IMAFLAGS_ISO": Translated(("quality_or",), _same, "", "Bits of the plane of bits."),
    "ALPHA_J2000": Translated(("ra",), _same, "deg", "Right ascension of the centroid, ICRS."),
    "DELTA_J2000": Translated(("dec",), _same, "deg", "Declination of the centroid, ICRS."),
}
#: UCDs of columns by what their names begin with, and of some whose like the catalog has not.
UCDS = {
    "FLUX": "phot.flux", "FLUXERR": "stat.error;phot.flux", "MAG": "phot.mag",
    "MAGERR": "stat.error;phot.mag",
}  # fmt: skip
OWN_UCDS = {
    "FLUX_RADIUS": "phys.size.radius;instr.pixel", "FLUX_MAX": "phot.flux;stat.max",
    "IMAFLAGS_ISO": "meta.code.qual", "NUMBER": "meta.id",
    "XWIN_IMAGE": "pos.cartesian.x;instr.pixel", "YWIN_IMAGE": "pos.cartesian.y;instr.pixel",
    "ERRX2WIN_IMAGE": "stat.variance;pos.cartesian.x",
    "ERRY2WIN_IMAGE": "stat.variance;pos.cartesian.y",
    "MU_MAX": "phot.mag.sb;stat.max", "MU_THRESHOLD": "phot.mag.sb;stat.min",
}  # fmt: skip
#: What is made from parameters, too: radii, a zero point.
KRON_RADIUS, FLUX_RADIUS = "KRON_RADIUS", "FLUX_RADIUS"
#: The fluxes that have magnitudes, and columns of the catalog; of apertures there are several.
FLUXES = {
    "ISO": ("segment_flux", "segment_fluxerr"), "AUTO": ("kron_flux", "kron_fluxerr"),
    "ISOCOR": ("isocor_flux", "isocor_fluxerr"), "BEST": ("best_flux", "best_fluxerr"),
    "PETRO": ("petrosian_flux", "petrosian_fluxerr"),
}  # fmt: skip
#: Values of pixels that have surface brightnesses, and what they are.
SURFACES = {
    "MU_MAX": ("max_value", "the brightest pixel"),
    "MU_THRESHOLD": ("detection_threshold", "the detection threshold"),
}
MADE = {
    **{name: (value, "sky_pixel_area") for name, (value, _) in SURFACES.items()},
    KRON_RADIUS: ("kron_radius",),
    FLUX_RADIUS: ("kron_flux",),
    **{f"{kind}_{name}": needs for name, needs in FLUXES.items() for kind in ("MAG", "MAGERR")},
    **{f"{kind}_APER": () for kind in ("FLUX", "FLUXERR", "MAG", "MAGERR")},
}


def is_sextractor(name: str) -> bool:
    """Whether a name is one of SExtractor's, of a column that can be made.

    Examples
    --------
    >>> from skyshed.chain.sextractor_columns import is_sextractor
    >>> is_sextractor("X_IMAGE"), is_sextractor("xcentroid")
    (True, False)
    """
    return name in SEXTRACTOR or name in MADE


def needs_of(name: str) -> tuple[str, ...]:
    """Return the columns of the catalog that one of SExtractor's is made from."""
    return SEXTRACTOR[name].needs if name in SEXTRACTOR else MADE[name]


def aperture_radii_of(parameters: Parameters) -> tuple[float, ...]:
    """Return the radii of the circular apertures that a table has."""
    apertures = any(name.endswith("_APER") for name in parameters.columns or ())
    return parameters.aperture_radii or (RADII if apertures else ())


def has_radii(parameters: Parameters) -> bool:
    """Whether a table has radii that hold fractions of the Kron flux."""
    return bool(parameters.fluxfrac_radii) or FLUX_RADIUS in (parameters.columns or ())


def add_sextractor(
    table: Any,
    catalog: Any,
    names: Iterable[str],
    parameters: Parameters,
    calibration: Calibration | None = None,
) -> None:
    """Add columns under SExtractor's names to a table.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        Of the same sources.
    catalog : `~skyshed.SourceCatalog`
    names : iterable of str
        The columns, for which `is_sextractor` is true.
    parameters : Parameters
        ``aperture_radii`` are those of FLUX_APER, ``fluxfrac_radii`` the fractions of FLUX_RADIUS:
        of several, these columns have one value for each.
    calibration : Calibration, optional
        What the unit of the data is; its zero point is that of magnitudes where none is given.
        Without any that is 0.
    """
    unit = getattr(catalog.segment_flux, "unit", None)
    zero_point = parameters.zero_point
    if not isinstance(zero_point, float):
        zero_point = 0.0 if calibration is None else float(calibration.zero_point)
    for name in names:
        if name in SEXTRACTOR:
            known = SEXTRACTOR[name]
            values = known.make(*(_plain(_column(catalog, need)) for need in known.needs))
            of = unit if known.unit == "data" else (unit_named(known.unit) if known.unit else None)
            about = known.about
        else:
            values, of, about = _made(name, catalog, parameters, zero_point, unit)
        column = Column(name, description=f"{about} SExtractor's {name}.", ucd=_ucd(name))
        add_column(table, column, values if of is None else values << of)


def _ucd(name: str) -> str:
    """Return the UCD of a column: that of ours which it is, in other conventions."""
    kind, _, _ = name.partition("_")
    if name in OWN_UCDS:
        return OWN_UCDS[name]
    if kind in UCDS:
        return UCDS[kind]
    ucd = next(column(need).ucd for need in needs_of(name))
    # The main identifiers and positions are ours.
    ucd = ucd.removesuffix(";meta.main")
    return ucd.replace("stat.error", "stat.variance", 1) if name.startswith("ERR") else ucd


def _made(
    name: str, catalog: Any, parameters: Parameters, zero_point: float, unit: Any
) -> tuple[Any, Any, str]:
    """Return values, unit and meaning of a column that depends on parameters."""
    if name == KRON_RADIUS:
        radius = parameters.kron_params[0] * _plain(catalog.kron_radius)
        return radius, None, "Semi-major axis of the Kron aperture over A_IMAGE."
    if name == FLUX_RADIUS:
        fractions = parameters.fluxfrac_radii or FRACTIONS
        sizes = [_plain(catalog.fluxfrac_radius(fraction)) for fraction in fractions]
        return _side_by_side(sizes), u.pix, f"Radii with {_listed(fractions)} of the Kron flux."
    if name in SURFACES:
        value, of = SURFACES[name]
        per_area = _plain(getattr(catalog, value)) / _plain(catalog.sky_pixel_area)
        values, _ = magnitudes(per_area, np.zeros_like(per_area), zero_point)
        about = f"Surface brightness of {of}."
        return _or_none(values), u.mag / u.arcsec**2, about
    kind, _, of = name.partition("_")
    if of == "APER":
        radii = aperture_radii_of(parameters)
        center = parameters.aperture_center
        pairs = [catalog.circular_photometry(radius, center=center) for radius in radii]
        about = f"in circles of diameter {_listed(2 * each for each in radii)} pixels."
    else:
        pairs = [tuple(getattr(catalog, each) for each in FLUXES[of])]
        about = f"of FLUX_{of}."
    flux, error = (_side_by_side([_plain(pair[k]) for pair in pairs]) for k in (0, 1))
    if kind.startswith("FLUX"):
        return (flux, unit, f"Flux {about}") if kind == "FLUX" else (error, unit, f"Error {about}")
    values, errors = magnitudes(flux, error, zero_point)
    what = "Magnitude" if kind == "MAG" else "Error of the magnitude"
    return _or_none(values if kind == "MAG" else errors), u.mag, f"{what} {about}"


def _or_none(magnitude: Any) -> Any:
    """Return plain magnitudes, or what stands for none."""
    values = _plain(magnitude)
    return np.where(np.isnan(values), NO_MAGNITUDE, values)


def _side_by_side(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else np.stack(values, axis=1)


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{each:g}" for each in values)


def _column(catalog: Any, name: str) -> Any:
    return catalog.labels if name == "label" else getattr(catalog, name)


def _plain(values: Any) -> Any:
    return np.asarray(getattr(values, "value", values))
