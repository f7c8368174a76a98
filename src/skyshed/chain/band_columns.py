"""The table of several bands: positions and shapes once, what is measured in each with its name."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import astropy.units as u
import numpy as np
from astropy.table import QTable

from skyshed.catalog.bare_table import BareTable
from skyshed.catalog.registry import Column
from skyshed.catalog.table import add_column, describe
from skyshed.chain.background import ExposureMesh
from skyshed.chain.colors import add_colors, add_sky_columns, check_colors, is_of_sky
from skyshed.chain.columns import (
    DERIVED,
    GROUPS,
    bare_table,
    catalog_table,
    empty_table,
    spelled_out,
)
from skyshed.chain.derived import calibrated_columns, fluxfrac_column
from skyshed.chain.request import MATCHED, Request
from skyshed.chain.run import dtype_of_chain
from skyshed.chain.sextractor_columns import FLUX_RADIUS, SEXTRACTOR, is_sextractor, needs_of
from skyshed.namespace import array_namespace, count_in_rows, to_host
from skyshed.output.table_parts import from_plain, to_plain
from skyshed.parameters import Parameters

__all__ = [
    "COVERAGE",
    "LEAST_COVERAGE",
    "band_table",
    "check_endings",
    "coverage_of",
    "empty_bands",
    "is_of_band",
    "joined",
    "radii_of_detection",
    "table_of_bands",
]

#: The column that says which share of a segment a band has.
COVERAGE = "coverage"
OF_COVERAGE = Column(
    COVERAGE,
    description="Share of the segment's pixels that are measured in the band.",
    ucd="stat.value;obs.image",
)
#: Where a band has less of a segment, what it says of the source is no measurement.
LEAST_COVERAGE = 0.5
#: Columns of numbers that mean something without the pixels of the source, too.
KEPT = (COVERAGE, "flags")


def coverage_of(catalog: Any) -> Any:
    """Return the share of each segment's pixels that a catalog's image has, float64, shape (n,)."""
    mask, sources = catalog.frame.input_mask, catalog.sources
    coverage = np.ones(len(sources))
    if mask is None:
        return coverage
    (measured,) = catalog.results.on_host("_count")
    lost = np.flatnonzero(measured < sources.host.area)  # of all others no pixel is masked
    if lost.size:
        some = sources.take(lost)
        xp = array_namespace(mask=mask)
        there = ~xp.take(mask.reshape(-1), some.pixel)
        coverage[lost] = to_host(count_in_rows(there, some.start)) / some.host.area
    return coverage


def band_table(
    catalog: Any, request: Request, name: str, meshes: Mapping[str, ExposureMesh]
) -> Any:
    """Return the table of the catalog of one band, under the names of a table of one image.

    ``meshes`` are the backgrounds of all bands. The table is a
    `~skyshed.catalog.bare_table.BareTable`, or one of astropy's where that can't be. Positions and
    shapes, of which a table of bands has one set, are in that of the first.
    """
    first, changes = name == request.measured[0], {}
    if not first:
        parameters = request.parameters_of(name)
        asked_for = parameters.columns or ("default",)
        names = spelled_out(asked_for, catalog.wcs is not None) or []
        own = ("label", *(each for each in names if is_of_band(each) and each != "label"))
        derived = (DERIVED,) if any(each in GROUPS for each in asked_for) else ()
        changes = {"columns": (*own, *derived), "designation": None}
    parameters = _measured_with(request, name, **changes)
    table = bare_table(catalog, parameters, request.calibration_of(name))
    table = _with_coverage(table, coverage_of(catalog))
    if request.band_of(name) != name:
        table.remove_column(COVERAGE)  # which is that of the band as it is
        add_sky_columns(table, catalog, request, name, meshes)
    if first:
        for fraction in radii_of_detection(request):
            add_column(table, fluxfrac_column(fraction), catalog.detection_radius(fraction))
    return table


def _measured_with(request: Request, name: str, **changes: Any) -> Parameters:
    """Return the parameters that a band is measured with, without the radii that are not its.

    ``changes`` are made in the same step: all values are checked at each.
    """
    parameters = request.parameters_of(name)
    once = radii_of_detection(request)
    if once:
        radii = tuple(each for each in parameters.fluxfrac_radii if each not in once)
        changes["fluxfrac_radii"] = radii
    return parameters.replace(**changes) if changes else parameters


def radii_of_detection(request: Request) -> tuple[float, ...]:
    """Return the fractions of light whose radii are measured once, with the shapes.

    A search for a radius takes longer than a flux, and what it finds in a faint band is noise. A
    band has radii of its own where ``columns`` names them.
    """
    parameters = request.parameters
    asked_for = parameters.columns or ("default",)
    if FLUX_RADIUS in asked_for or not any(each in GROUPS for each in asked_for):
        return ()
    return tuple(
        each for each in parameters.fluxfrac_radii if fluxfrac_column(each).name not in asked_for
    )


def _with_coverage(table: Any, coverage: Any) -> Any:
    """Add the coverage to a table, and make NaN of numbers where there is too little of it."""
    table[COVERAGE] = coverage
    describe(table, COVERAGE, OF_COVERAGE)
    lost = coverage < LEAST_COVERAGE
    if not lost.any():
        return table
    for column in table.colnames:
        if is_of_band(column) and column not in KEPT and table[column].dtype.kind == "f":
            values = table[column].copy()
            unit = getattr(values, "unit", None)
            values[lost] = np.nan if unit is None else np.nan * unit
            table.replace_column(column, values)
    return table


def is_of_band(column: str) -> bool:
    """Whether a column of a table is measured in each band; all others are, on the detection.

    Examples
    --------
    >>> from skyshed.chain.band_columns import is_of_band
    >>> [name for name in ("xcentroid", "kron_flux", "kron_abmag") if is_of_band(name)]
    ['kron_flux', 'kron_abmag']
    """
    from skyshed.catalog.registry import ALIASES, COLUMNS

    name = ALIASES.get(column, column)
    if name in COLUMNS:
        return not COLUMNS[name][1].geometry
    if is_sextractor(column):
        return column not in SEXTRACTOR or any(map(is_of_band, needs_of(column)))
    return column not in ("label", "name")


def _ending(band: str) -> str:
    """Return what the names of a band's columns end in, after ``_``."""
    own = band.removesuffix(MATCHED)
    return own if own == band else f"matched_{own}"


def check_endings(measured: Iterable[str]) -> None:
    """Refuse names of bands of which two could have columns of one name, upper case or not.

    Names of columns of FITS tables are the same in upper and in lower case.

    Parameters
    ----------
    measured : iterable of str
        The bands, and those that are matched, with `MATCHED`.

    Raises
    ------
    ValueError
        If there are two, such as ``g`` and ``G``, or ``g`` and ``ujy_g``: ``kron_flux_ujy_g``. Or
        if two colors could have one name.

    Examples
    --------
    >>> from skyshed.chain.band_columns import check_endings
    >>> check_endings(["g", "r", "g:matched", "r:matched"])
    """
    measured = list(measured)
    check_colors([band for band in measured if f"{band}{MATCHED}" in measured])
    parts = ("", *(f"{part}_" for part in _continuations()))
    taken: dict[str, str] = {}
    for band in measured:
        own = band.removesuffix(MATCHED)
        for part in parts:
            ending = f"{part}{_ending(band)}".lower()
            other = taken.setdefault(ending, own)
            if other != own:
                raise ValueError(
                    f"bands: {other!r} and {own!r} can't both be names of bands: columns of both "
                    f"could end in _{ending}, upper case or not; rename one"
                )


def _continuations() -> list[str]:
    """Return what follows the name of a column of a band in the name of another, after ``_``."""
    from skyshed.catalog.registry import ALIASES, public_columns

    names = [*ALIASES, *(column.name for column in public_columns())]
    names = [name for name in names if is_of_band(name)]
    names += [column.name for column in calibrated_columns("kron")]
    found = {two[len(one) + 1 :] for one in names for two in names if two.startswith(f"{one}_")}
    return sorted(found)


def joined(tables: Mapping[str, Any], request: Request) -> QTable:
    """Return one table of those of all bands, which have the same sources in the same order."""
    once = {fluxfrac_column(each).name for each in radii_of_detection(request)}
    if all(isinstance(table, BareTable) for table in tables.values()):
        from skyshed.catalog.catalog_table import CatalogTable

        bare = _joined(tables, once, request)
        whole = from_plain(to_plain(bare), CatalogTable())
        whole.meta.update(bare.meta)
        return whole
    return _joined(
        {
            name: from_plain(to_plain(table)) if isinstance(table, BareTable) else table
            for name, table in tables.items()
        },
        once, request,
    )  # fmt: skip


def _joined(tables: Mapping[str, Any], once: Collection[str], request: Request) -> Any:
    """Return what `joined` does of tables of one kind; columns ``once`` are no band's."""
    first = next(iter(tables.values()))
    whole = first[[name for name in first.colnames if name in once or not is_of_band(name)]]
    for band, table in tables.items():
        ending = _ending(band)
        for column in table.colnames:
            if column not in once and is_of_band(column) and not is_of_sky(column):
                whole[f"{column}_{ending}"] = table[column]
    add_colors(whole, tables, request)
    return whole


def table_of_bands(table: QTable, request: Request) -> QTable:
    """Return a table of all bands as that of a catalog; its metadata say how each is calibrated."""
    whole = catalog_table(table, request.parameters)
    for name in request.of_band:
        calibration = request.calibration_of(name)
        if calibration is not None:
            record = calibration.record()
            for key in record:  # which the first band has left
                whole.meta.pop(key, None)
            whole.meta.update({f"{key}_{name}": value for key, value in record.items()})
    return whole


def empty_bands(request: Request) -> QTable:
    """Return the table of no sources."""
    tables = {}
    for name in request.measured:
        exposure = request.exposures[request.band_of(name)]
        table = empty_table(
            request.wcs, exposure.unit, _measured_with(request, name),
            dtype_of_chain(exposure.image.dtype), "quality" in exposure.companions,
            request.calibration_of(name),
        )  # fmt: skip
        tables[name] = _with_coverage(table, np.empty(0))
        if request.band_of(name) != name:
            tables[name].remove_column(COVERAGE)
    first = tables[request.measured[0]]
    for fraction in radii_of_detection(request):
        add_column(first, fluxfrac_column(fraction), np.empty(0) << u.pix)
    return table_of_bands(joined(tables, request), request)
