"""The colors of sources between matched bands that follow each other, and their errors."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skyshed.background.noise_correlation import LEAST_FACTOR
from skyshed.catalog import noise_factors
from skyshed.catalog.table import add_column
from skyshed.chain.background import ExposureMesh
from skyshed.chain.calibrated import MAGNITUDES_PER_E_FOLD
from skyshed.chain.derived import aperture_columns, color_columns
from skyshed.chain.prepared import counts_per_unit
from skyshed.chain.request import MATCHED, Request

__all__ = ["add_colors", "add_sky_columns", "check_colors", "is_of_sky"]

#: Columns that are there until colors are made of them: the noise of the sky in an aperture as that
#: of independent pixels; and what the correlation with the band before makes of two of these.
SKY, SHARED = ":sky_noise", ":shared"


def is_of_sky(column: str) -> bool:
    """Whether a column is one of `add_sky_columns`, which no table has in the end."""
    return column.endswith((SKY, SHARED))


def check_colors(bands: Sequence[str]) -> None:
    """Refuse names of bands by which two colors would have one name, upper case or not.

    Examples
    --------
    >>> from skyshed.chain.colors import check_colors
    >>> check_colors(["g", "r", "i"])
    """
    taken: dict[str, tuple[str, str]] = {}
    for pair in pairwise(bands):
        other = taken.setdefault("_".join(pair).lower(), pair)
        if other != pair:
            raise ValueError(
                f"bands: the colors {' - '.join(other)} and {' - '.join(pair)} can't both end in "
                f"_{'_'.join(pair)}, upper case or not; rename a band"
            )


def _fluxes(request: Request) -> dict[str, float | None]:
    """Return what colors are made of, with the radii of circles."""
    circles = {
        aperture_columns(radius)[0].name.removesuffix("_flux"): float(radius)
        for radius in request.parameters.aperture_radii
    }
    return {"kron": None, **circles}


def _pairs(request: Request) -> list[tuple[str, str]]:
    """Return the bands that there are colors between: those with magnitudes of one system."""
    if not request.matching:
        return []
    systems = {name: _system_of(request, name) for name in request.of_band}
    return [
        (one, other)
        for one, other in pairwise(request.of_band)
        if systems[one] is not None and systems[one] == systems[other]
    ]


def _system_of(request: Request, name: str) -> str | None:
    """Return the system of a band's magnitudes, empty for instrumental ones; `None` without."""
    if request.zero_point_of(name) is None:
        return None
    if request.calibration_of(name) is not None:
        return "AB"
    return request.parameters_of(name).zero_point_system or ""


def add_sky_columns(
    table: Any, catalog: Any, request: Request, name: str, meshes: Mapping[str, ExposureMesh]
) -> None:
    r"""Add to the table of a matched band what the covariances of its fluxes are made of.

    With :math:`V` the variance that the noise of the sky would give a sum if pixels were
    independent, :math:`c` the covariance of the noise of pixels of two bands over the noise of
    both, and :math:`A` the autocorrelation of the aperture, the covariance of both sums is

    .. math:: \sqrt{V_1 V_2} \sum_d c(d) A(d) / A(0)

    Parameters
    ----------
    table : BareTable or `~astropy.table.QTable`
        Fluxes of the band and their errors.
    catalog : `~skyshed.SourceCatalog`
        Its catalog.
    request : Request
        What is asked for.
    name : str
        The band, with `MATCHED`.
    meshes : mapping of str to ExposureMesh
        The backgrounds of all bands.
    """
    band = request.band_of(name)
    if not request.compares_noise or "error" in request.exposures[band].companions:
        return  # an error that is given is not of the sky alone
    settings = catalog.settings
    own = settings.smoothed_noise
    correlation = settings.noise_correlation
    gain = counts_per_unit(request.parameters_of(name))
    shared = _shared(request, band, meshes)
    (kron,) = catalog.results.on_host("_kron_ellipse")
    for flux, radius in _fluxes(request).items():
        ellipses = kron if radius is None else [[0, 0, radius, radius, 0]]
        variance = _numbers(table, f"{flux}_fluxerr") ** 2
        as_it_is = noise_factors.of_ellipses(correlation, ellipses)
        if gain:
            light = np.fmax(_numbers(table, f"{flux}_flux"), 0.0) / gain
            variance = variance - light * as_it_is
        sky = as_it_is if own is None else noise_factors.of_ellipses(own.covariance, ellipses)
        table[f"{flux}{SKY}"] = np.sqrt(np.fmax(variance / sky, 0.0))
        if shared is not None:
            factor = noise_factors.shared_in_ellipses(shared, ellipses)
            table[f"{flux}{SHARED}"] = np.broadcast_to(factor, variance.shape).copy()


def _shared(request: Request, band: str, meshes: Mapping[str, ExposureMesh]) -> Any:
    """Return the covariance of the pixels of a matched band and of the one before, if known."""
    names = list(request.of_band)
    correlation = meshes[band].shared
    if not correlation.size:
        return None
    from skyshed.background.shared_noise import smoothed  # of matched bands alone

    before = names[names.index(band) - 1]
    return smoothed(correlation, request.matching[before], request.matching[band])


def add_colors(table: Any, tables: Mapping[str, Any], request: Request) -> None:
    """Add the colors to the table of all bands.

    The error follows from those of both fluxes and their covariance, to first order as that of a
    magnitude.

    Parameters
    ----------
    table : BareTable or `~astropy.table.QTable`
        The table.
    tables : mapping
        Those of the bands by themselves, with what `add_sky_columns` adds.
    request : Request
        What is asked for.
    """
    for one, other in _pairs(request):
        both = tables[f"{one}{MATCHED}"], tables[f"{other}{MATCHED}"]
        for flux in _fluxes(request):
            (first, first_error), (second, second_error) = (
                (_positive(_numbers(each, f"{flux}_flux")), _numbers(each, f"{flux}_fluxerr"))
                for each in both
            )
            terms = (first_error / first) ** 2 + (second_error / second) ** 2
            variance = terms
            if all(f"{flux}{SKY}" in each.colnames for each in both) and (
                f"{flux}{SHARED}" in both[1].colnames
            ):
                skies = [_numbers(each, f"{flux}{SKY}") for each in both]
                covariance = skies[0] * skies[1] * _numbers(both[1], f"{flux}{SHARED}")
                variance = terms - 2 * covariance / (first * second)
                variance = np.maximum(variance, LEAST_FACTOR * terms)
            magnitudes = [_magnitudes(each, flux) for each in both]
            columns = color_columns(flux, one, other, request.compares_noise)
            add_column(table, columns[0], _in_magnitudes(magnitudes[0] - magnitudes[1]))
            add_column(table, columns[1], _in_magnitudes(MAGNITUDES_PER_E_FOLD * np.sqrt(variance)))


def _in_magnitudes(values: Any) -> Any:
    import astropy.units as u

    return values << u.mag


def _positive(flux: Any) -> Any:
    return np.where(flux > 0, flux, np.nan)


def _magnitudes(table: Any, flux: str) -> Any:
    """Return the magnitudes of a flux, of whatever system."""
    ending = "abmag" if f"{flux}_abmag" in table.colnames else "mag"
    return _numbers(table, f"{flux}_{ending}")


def _numbers(table: Any, name: str) -> Any:
    """Return a column under either of its names, without its unit."""
    if name not in table.colnames:
        name = name.replace("_fluxerr", "_flux_err")
    column = table[name]
    values = getattr(column, "values", column)
    return np.asarray(getattr(values, "value", values), np.float64)
