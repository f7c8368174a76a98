"""The table of a catalog: the columns asked for, further apertures and radii, magnitudes, names."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.chain.association import Association, add_association
from skyshed.chain.calibrated import add_flux_densities, add_magnitudes, told_of
from skyshed.chain.designation import designations, pixel_scale, resolving
from skyshed.chain.exposure_columns import QUALITY
from skyshed.chain.sextractor_columns import (
    NOT_MEASURED,
    is_sextractor,
    needs_of,
    sextractor_table,
)
from skyshed.images.photometry import Calibration
from skyshed.parameters import Parameters

__all__ = [
    "GROUPS",
    "catalog_table",
    "check_columns",
    "empty_table",
    "make_table",
    "measured_columns",
    "needs_background",
    "spelled_out",
]

#: Names that stand for several columns.
GROUPS = ("default", "all")
#: Fluxes of the catalog that every table may be asked to give as magnitudes.
FLUXES = ("segment", "kron")
#: Positions as plain numbers, which tables with positions have beside them.
POSITIONS = ("ra", "dec")


def check_columns(names: Iterable[str] | None, has_wcs: bool, has_quality: bool = True) -> None:
    """Refuse columns that the catalog does not have, before anything is computed.

    Raises
    ------
    ValueError
        If a column is unknown, or lies on the sky where there is no WCS, or is about a quality
        plane where there is none.
    """
    from skyshed.catalog.registry import ALIASES, COLUMNS, close_columns, required

    for name in names or ():
        if name in GROUPS or name == "label":
            continue
        if name in QUALITY:
            if not has_quality:
                raise ValueError(f"columns: {name!r} needs a quality plane: give one as quality")
            continue
        if is_sextractor(name):
            try:
                check_columns(needs_of(name), has_wcs, has_quality)
            except ValueError as error:
                raise ValueError(f"columns: {name!r}: {error}") from None
            continue
        if name in NOT_MEASURED:
            raise ValueError(f"columns: {name!r} is not measured: {NOT_MEASURED[name]}")
        entry = COLUMNS.get(ALIASES.get(name, name))
        if entry is None or not entry[0].public:
            near = close_columns(name, GROUPS)
            meant = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise ValueError(
                f"columns: {name!r} is no column of the catalog; {meant}`skyshed columns` lists "
                f"all of them, and {' and '.join(map(repr, GROUPS))} stand for several"
            )
        if "wcs" in required(entry[0].name) and not has_wcs:
            raise ValueError(f"columns: {name!r} needs a WCS, and the image has none: give wcs")


def spelled_out(names: Iterable[str] | None, has_wcs: bool) -> list[str] | None:
    """Return the names of columns with groups replaced by what they stand for, each name once.

    Examples
    --------
    >>> from skyshed.chain.columns import spelled_out
    >>> spelled_out(("gini", "default"), has_wcs=False)[:4]
    ['gini', 'label', 'xcentroid', 'ycentroid']
    """
    if names is None:
        return None
    from skyshed.catalog.registry import public_columns, required
    from skyshed.catalog.table import DEFAULT_COLUMNS

    every = [column.name for column in public_columns()]
    lost = set() if has_wcs else {name for name in every if "wcs" in required(name)}
    usual = [*DEFAULT_COLUMNS]
    after = usual.index("sky_centroid") + 1
    usual[after:after] = POSITIONS
    groups = {"default": usual, "all": ("label", *every)}
    found: dict[str, None] = {}
    for name in names:
        members = [each for each in groups.get(name, ()) if each not in lost]
        found.update(dict.fromkeys(members or [name]))
    return list(found)


def measured_columns(parameters: Parameters) -> list[str]:
    """Return the columns of the catalog that `make_table` reads; with a WCS it may read fewer."""
    columns = spelled_out(parameters.columns, True) or spelled_out(("default",), True) or []
    columns = _as_measured(columns)
    return [*columns, *(f"{name}_{kind}" for name in FLUXES for kind in ("flux", "fluxerr"))]


def _as_measured(names: Iterable[str]) -> list[str]:
    """Return names of columns with SExtractor's replaced by those that they are made from."""
    return [each for name in names for each in (needs_of(name) if is_sextractor(name) else (name,))]


def needs_background(names: Iterable[str] | None) -> bool:
    """Whether any of the columns is measured on the background."""
    from skyshed.catalog.registry import ALIASES, COLUMNS, required

    wanted = (ALIASES.get(name, name) for name in _as_measured(spelled_out(names, True) or []))
    return any("background" in required(name) for name in wanted if name in COLUMNS)


def make_table(
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None = None,
    association: Association | None = None,
) -> QTable:
    """Return the table of ``catalog`` that ``parameters`` ask for.

    Parameters
    ----------
    catalog : `~skyshed.SourceCatalog`
        The catalog.
    parameters : `Parameters`
        What to measure besides: radii, apertures, magnitudes, names.
    calibration : Calibration, optional
        What the unit of the data is in flux densities. They are given of the fluxes in the table.
    association : Association, optional
        A list of positions; what it says of the sources comes last. All are in the table.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row per source. If columns have SExtractor's names, these and no others are there. A
        column that the image says nothing about (positions on the sky
        without a WCS) is left out.
    """
    has_wcs = catalog.wcs is not None
    asked_for = spelled_out(parameters.columns, has_wcs)
    names = list(catalog.default_columns) if asked_for is None else asked_for
    if any(map(is_sextractor, names)):
        whole = sextractor_table(catalog, names, parameters, calibration)
        _as_floats(whole)
        return told_of(add_association(whole, catalog, association), calibration)
    bits = [name for name in QUALITY if name in catalog.extra_properties]
    # Of several bands, some may have no quality plane.
    names = [name for name in names if name not in QUALITY or name in bits]
    names += [name for name in bits if name not in names]
    table = catalog.to_table(names)
    for name in QUALITY:
        if name in table.colnames:
            table[name].info.description = QUALITY[name]
    _as_floats(table)
    if asked_for is None and has_wcs:
        _add_positions(table, catalog)
    for name in list(table.colnames):
        if getattr(table[name], "dtype", None) == np.dtype(object) and (
            table[name].tolist().count(None) == len(table)
        ):
            table.remove_column(name)
    for fraction in parameters.fluxfrac_radii:
        table[f"fluxfrac_radius_{_spelled(100 * fraction)}"] = catalog.fluxfrac_radius(fraction)
    fluxes = {
        name: (getattr(catalog, f"{name}_flux"), getattr(catalog, f"{name}_fluxerr"))
        for name in FLUXES
    }
    asked = {name for name in FLUXES if f"{name}_flux" in table.colnames}
    for radius in parameters.aperture_radii:
        name = f"aperture_{_spelled(radius)}"
        fluxes[name] = catalog.circular_photometry(radius)
        table[f"{name}_flux"], table[f"{name}_fluxerr"] = fluxes[name]
        asked.add(name)
    zero_point, system = parameters.zero_point, parameters.zero_point_system
    for name, measured in fluxes.items():
        if calibration is not None and name in asked:
            add_flux_densities(table, name, *measured, calibration)
        elif isinstance(zero_point, float):
            add_magnitudes(table, name, *measured, zero_point, system)
    if parameters.designation is not None and catalog.wcs is not None:
        sky = catalog.sky_centroid_icrs
        pattern = parameters.designation
        if pattern == Parameters.designation:  # a pattern of one's own is kept
            pattern = resolving(pattern, pixel_scale(catalog.wcs))
        called = designations(sky.ra.deg, sky.dec.deg, pattern)
        table.add_column(called, name="name", index=min(1, len(table.colnames)))
    return told_of(add_association(table, catalog, association), calibration)


def _as_floats(table: QTable) -> None:
    """Make float64 of the indices of pixels, also where all sources have them.

    Tiles, bands and images, of which some have a source without a good pixel, share one table.
    """
    from skyshed.catalog.registry import ALIASES, COLUMNS

    for name in table.colnames:
        known = COLUMNS.get(ALIASES.get(name, name))
        if known is not None and known[0].index and table[name].dtype.kind == "i":
            table.replace_column(name, table[name].astype(float))


def _add_positions(table: QTable, catalog: Any) -> None:
    """Add the positions as plain numbers to the table that a catalog gives by itself."""
    from skyshed.catalog.registry import column

    at = table.colnames.index("sky_centroid") + 1
    for place, name in enumerate(POSITIONS, at):
        table.add_column(getattr(catalog, name), name=name, index=place)
        table[name].info.description = column(name).description


def catalog_table(
    table: QTable, parameters: Parameters, calibration: Calibration | None = None
) -> QTable:
    """Return a table of several parts as that of one catalog: both names, and its metadata."""
    from skyshed.catalog.catalog_table import CatalogTable
    from skyshed.catalog.table import make_meta

    whole = CatalogTable(table, copy=False)
    whole.meta.update(
        make_meta(
            localbkg_width=parameters.localbkg_width,
            apermask_method=parameters.apermask_method,
            kron_params=parameters.kron_params,
        )
    )
    return told_of(whole, calibration)


def empty_table(
    wcs: Any,
    unit: Any,
    parameters: Parameters,
    dtype: Any,
    has_quality: bool = False,
    calibration: Calibration | None = None,
    association: Association | None = None,
) -> QTable:
    """Return a table of no sources, with the columns, dtypes and units that one of some has.

    It is that of a source in an image made up for the purpose, without its row.
    """
    from skyshed.catalog import SourceCatalog
    from skyshed.segmentation import SegmentationImage

    spot = np.zeros((7, 7), dtype)
    spot[2:5, 2:5] = 1
    catalog = SourceCatalog(
        spot,
        SegmentationImage((spot > 0).astype(np.int32)),
        error=spot,
        background=spot if needs_background(parameters.columns) else None,
        wcs=wcs,
        localbkg_width=parameters.localbkg_width,
        apermask_method=parameters.apermask_method,
        kron_params=parameters.kron_params,
        unit=unit,
    )
    for name in QUALITY if has_quality else ():
        catalog.add_extra_property(name, np.zeros(1, np.int64))
    return make_table(catalog, parameters, calibration, association)[:0]


def _spelled(number: float) -> str:
    """Write a number so that it can be part of a column's name in any format."""
    return f"{number:.6g}".replace(".", "p")
