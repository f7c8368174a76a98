"""The columns that a run adds to those of its catalog: names, radii, apertures, calibrated fluxes.

They are declared here, so that they can be chosen and listed before there is a catalog.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from skyshed.catalog.registry import Column

__all__ = [
    "FLUXES",
    "NAME",
    "aperture_columns",
    "calibrated_columns",
    "check_derived",
    "color_columns",
    "derived_columns",
    "fluxfrac_column",
    "is_derived",
    "listed_colors",
    "listed_columns",
    "magnitude_columns",
    "spelled",
    "total_columns",
]

#: Fluxes of the catalog that every table may be asked to give as magnitudes.
FLUXES = ("segment", "kron")
NAME = Column(
    "name", description="IAU-style name, after the position in the ICRS.", ucd="meta.id;meta.main"
)
#: What is said of magnitudes in a system that nobody named.
OF_NO_SYSTEM = "Instrumental", ", by zero_point, whose system is not given"
#: A flux, and what may be made of it.
CALIBRATED = re.compile(
    r"(?:segment|kron|aperture_[0-9p]+|(?:aperture_[0-9p]+_)?total)_"
    r"(?P<what>flux_ujy|fluxerr_ujy|abmag|abmagerr|mag|magerr)"
)
FRACTION, APERTURE = r"fluxfrac_radius_[0-9p]+", r"aperture_[0-9p]+_flux(?:err)?"
TOTAL = r"(?:aperture_[0-9p]+_)?total_.*"


def spelled(number: float) -> str:
    """Write a number so that it can be part of a column's name in any format."""
    return f"{number:.6g}".replace(".", "p")


def fluxfrac_column(fraction: float) -> Column:
    """Return the column of the radius that holds a fraction of the Kron flux."""
    percent = f"{100 * fraction:.6g}"
    return Column(
        f"fluxfrac_radius_{spelled(100 * fraction)}", "pix",
        f"Radius of the circle that holds {percent} % of kron_flux.",
        ucd="phys.size.radius;instr.pixel",
    )  # fmt: skip


def aperture_columns(radius: float) -> tuple[Column, Column]:
    """Return the columns of the flux, and its error, in a circle."""
    name, shown = f"aperture_{spelled(radius)}", f"{radius:.6g}"
    return (
        Column(
            f"{name}_flux", "data",
            f"Sum over the circle of radius {shown} pixels, less the local background.",
            ucd="phot.flux",
        ),
        Column(
            f"{name}_fluxerr", "data",
            f"1-sigma error of {name}_flux: the errors of its pixels added in quadrature.",
            ucd="stat.error;phot.flux",
        ),
    )  # fmt: skip


def total_columns(name: str) -> tuple[Column, Column]:
    """Return the columns of a flux, and its error, corrected for the light beyond its aperture.

    Examples
    --------
    >>> from skyshed.chain.derived import total_columns
    >>> [each.name for name in ("best", "aperture_3") for each in total_columns(name)][::2]
    ['total_flux', 'aperture_3_total_flux']
    """
    total, shown = "total" if name == "best" else f"{name}_total", name.replace("_", " ")
    return (
        Column(
            f"{total}_flux", "data",
            f"{shown} flux, corrected for the light of a star beyond the aperture.",
            ucd="phot.flux",
        ),
        Column(
            f"{total}_fluxerr", "data", f"1-sigma error of {total}_flux.",
            ucd="stat.error;phot.flux",
        ),
    )  # fmt: skip


def calibrated_columns(name: str) -> tuple[Column, ...]:
    """Return the columns of a flux as a flux density and as an AB magnitude.

    Examples
    --------
    >>> from skyshed.chain.derived import calibrated_columns
    >>> [each.name for each in calibrated_columns("kron")]
    ['kron_flux_ujy', 'kron_fluxerr_ujy', 'kron_abmag', 'kron_abmagerr']
    """
    shown = name.replace("_", " ")
    return (
        Column(
            f"{name}_flux_ujy", "uJy", f"{shown} flux as a flux density.", ucd="phot.flux.density"
        ),
        Column(
            f"{name}_fluxerr_ujy", "uJy", f"1-sigma error of the {shown} flux as a flux density.",
            ucd="stat.error;phot.flux.density",
        ),
        *magnitude_columns(name, "AB"),
    )  # fmt: skip


def magnitude_columns(name: str, system: str | None) -> tuple[Column, Column]:
    """Return the columns of a flux as a magnitude in a system, or in none that was named."""
    shown, ending = name.replace("_", " "), "abmag" if system == "AB" else "mag"
    spelled_system, by = (system, "") if system else OF_NO_SYSTEM
    about = (
        f"AB magnitude of the {shown} flux; NaN where that is not positive."
        if system == "AB"
        else f"{spelled_system} magnitude of the {shown} flux{by}; NaN where that is not positive."
    )
    error = (
        f"1-sigma error of the AB magnitude of the {shown} flux."
        if system == "AB"
        else f"1-sigma error of the {spelled_system} magnitude of the {shown} flux{by}."
    )
    return (
        Column(f"{name}_{ending}", "mag", about, ucd="phot.mag"),
        Column(f"{name}_{ending}err", "mag", error, ucd="stat.error;phot.mag"),
    )


def color_columns(flux: str, one: str, other: str, compared: bool) -> tuple[Column, Column]:
    """Return the columns of a color between two matched bands, and its error.

    Parameters
    ----------
    flux : str
        What magnitudes it is between: ``"kron"``, or the name of a circular aperture.
    one, other : str
        The bands.
    compared : bool
        Whether the noise of the bands is compared.

    Examples
    --------
    >>> from skyshed.chain.derived import color_columns
    >>> [column.name for column in color_columns("kron", "g", "r", True)]
    ['kron_color_g_r', 'kron_colorerr_g_r']
    """
    name, shown = f"{flux}_color_{one}_{other}", flux.replace("_", " ")
    common = "noise of the sky that both bands have in common"
    said = (
        f"{common} is subtracted, where it was measured"
        if compared
        else f"{common} is not known, and counts as that of each"
    )
    return (
        Column(
            name, "mag",
            f"{shown} magnitude of {one} less that of {other}, both matched to one seeing; NaN "
            "where a flux is not positive.",
            ucd="phot.color",
        ),
        Column(
            f"{flux}_colorerr_{one}_{other}", "mag", f"1-sigma error of {name}; {said}.",
            ucd="stat.error;phot.color",
        ),
    )  # fmt: skip


def derived_columns(parameters: Any, has_wcs: bool, calibrated: bool) -> dict[str, Column]:
    """Return every column that a run can add to those of its catalog, by its name.

    Parameters
    ----------
    parameters : `~skyshed.Parameters`
        Radii, the pattern of names, the zero point.
    has_wcs : bool
        Whether sources have positions on the sky.
    calibrated : bool
        Whether it is known what the unit of the image is in flux densities.

    Examples
    --------
    >>> from skyshed import Parameters
    >>> from skyshed.chain.derived import derived_columns
    >>> list(derived_columns(Parameters(zero_point=25), has_wcs=False, calibrated=False))
    ['fluxfrac_radius_50', 'segment_mag', 'segment_magerr', 'kron_mag', 'kron_magerr']
    """
    return {each.name: each for each in _derived(parameters, has_wcs, calibrated)}


def _derived(parameters: Any, has_wcs: bool, calibrated: bool) -> Iterator[Column]:
    if has_wcs and parameters.designation is not None:
        yield NAME
    for fraction in parameters.fluxfrac_radii:
        yield fluxfrac_column(fraction)
    fluxes = [*FLUXES]
    for radius in parameters.aperture_radii:
        yield from aperture_columns(radius)
        fluxes.append(f"aperture_{spelled(radius)}")
    if parameters.aperture_correction:
        for name in ("best", *fluxes[len(FLUXES) :]):
            both = total_columns(name)
            yield from both
            fluxes.append(both[0].name.removesuffix("_flux"))
    for name in fluxes:
        if calibrated:
            yield from calibrated_columns(name)
        elif parameters.zero_point is not None:
            yield from magnitude_columns(name, parameters.zero_point_system)


def is_derived(name: str) -> bool:
    """Whether a name is that of a column that some run could add to those of its catalog.

    Examples
    --------
    >>> from skyshed.chain.derived import is_derived
    >>> [is_derived(name) for name in ("name", "aperture_2p5_abmag", "kron_flux")]
    [True, True, False]
    """
    patterns = (NAME.name, FRACTION, APERTURE, TOTAL, CALIBRATED)
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def check_derived(name: str, possible: Collection[str]) -> None:
    """Refuse a column that this run can't add, and say what it needs.

    Raises
    ------
    ValueError
        If it is none of those ``possible``.
    """
    if name in possible:
        return
    calibrated = CALIBRATED.fullmatch(name)
    if name == NAME.name:
        needs = "a WCS and a designation: give wcs (--wcs), or a pattern (--designation)"
    elif re.fullmatch(TOTAL, name) and not any(re.fullmatch(TOTAL, each) for each in possible):
        needs = "aperture_correction (--aperture-correction)"
    elif re.fullmatch(FRACTION, name):
        needs = "its fraction among fluxfrac_radii (--fluxfrac-radii)"
    elif re.fullmatch(APERTURE, name) or (
        name.startswith("aperture_")
        and not any(_circle(name) == _circle(each) for each in possible)
    ):
        needs = "its radius among aperture_radii (--aperture-radii)"
    elif calibrated and calibrated["what"] in ("mag", "magerr"):
        needs = (
            "a zero_point (--zero-point) that is not of the AB system; magnitudes of that one are "
            "called abmag"
        )
    else:
        needs = (
            "to know what the unit of the image is in flux densities, and the header does not say: "
            "give zero_point (--zero-point) with zero_point_system='AB'"
        )
    raise ValueError(f"columns: {name!r} needs {needs}")


def _circle(name: str) -> str:
    """Return the part of a column's name that says which circle it is of."""
    return "_".join(name.split("_")[:2])


def listed_columns() -> list[tuple[Column, str]]:
    """Return the derived columns as a list of all columns has them, with what each needs."""
    fraction, aperture = fluxfrac_column(0.5), aperture_columns(3.0)
    calibration, zero_point = "calibration", "zero_point"
    totals = ("best", "aperture_3")
    return [
        (NAME, "wcs"),
        (fraction, "fluxfrac_radii"),
        *((each, "aperture_radii") for each in aperture),
        *((each, "aperture_correction") for name in totals for each in total_columns(name)),
        *((each, calibration) for name in FLUXES for each in calibrated_columns(name)),
        *((each, zero_point) for name in FLUXES for each in magnitude_columns(name, None)),
    ]


def listed_colors() -> list[tuple[Column, str]]:
    """Return the columns of colors as a list of all columns has them, with what each needs."""
    return [
        (each, "psf_fwhm")
        for flux in ("kron", "aperture_3")
        for each in color_columns(flux, "g", "r", compared=True)
    ]
