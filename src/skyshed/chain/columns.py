"""The table of a catalog: the columns asked for, further apertures and radii, magnitudes, names."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.chain.calibrated import add_flux_densities, add_magnitudes, told_of
from skyshed.chain.designation import designations, pixel_scale, resolving
from skyshed.chain.exposure_columns import QUALITY
from skyshed.images.photometry import Calibration
from skyshed.parameters import Parameters

__all__ = [
    "GROUPS",
    "STAR_COLUMNS",
    "catalog_table",
    "check_columns",
    "empty_table",
    "make_table",
    "measured_columns",
    "needs_background",
    "spelled",
    "spelled_out",
]

#: Names that stand for several columns.
GROUPS = ("default", "all")
#: Fluxes of the catalog that every table may be asked to give as magnitudes.
FLUXES = ("segment", "kron")
#: Positions as plain numbers, which tables with positions have beside them.
POSITIONS = ("ra", "dec")
#: Columns that fluxes corrected for their apertures are made of; and those that tell which sources
#: are stars, and how their light grows.
CORRECTED_COLUMNS = ("best_flux", "best_fluxerr", "best_is_isocor", "kron_aperture_radius")
STAR_COLUMNS = (
    "_half_light_radius", "kron_flux", "kron_fluxerr", "kron_neighbor_share", "flags",
    "_circular_growth",
)  # fmt: skip
#: Positions that are better than the centroids, with errors that are right to a fifth: tables of
#: the chain have them after these.
WINDOWED = ("xcentroid_win", "ycentroid_win", "xcentroid_win_err", "ycentroid_win_err")


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
    usual = _with_windowed(usual)
    groups = {"default": usual, "all": ("label", *every)}
    found: dict[str, None] = {}
    for name in names:
        members = [each for each in groups.get(name, ()) if each not in lost]
        found.update(dict.fromkeys(members or [name]))
    return list(found)


def _with_windowed(names: Iterable[str]) -> list[str]:
    """Return the usual columns, under the names that they have, with `WINDOWED` among them."""
    from skyshed.catalog.registry import other_name

    usual = list(names)
    after = next(k for k, name in enumerate(usual) if name in ("ycentroid", "y_centroid")) + 1
    new = usual[after - 1] != "ycentroid"
    usual[after:after] = [(new and other_name(name)) or name for name in WINDOWED]
    return usual


def measured_columns(parameters: Parameters) -> list[str]:
    """Return the columns of the catalog that `make_table` reads; with a WCS it may read fewer."""
    columns = spelled_out(parameters.columns, True) or spelled_out(("default",), True) or []
    if parameters.aperture_correction:
        columns = [*columns, *CORRECTED_COLUMNS, *STAR_COLUMNS]
    if parameters.aperture_radii and parameters.aperture_center == "centroid_win":
        columns = [*columns, "_circular_win_flux"]
    return [*columns, *(f"{name}_{kind}" for name in FLUXES for kind in ("flux", "fluxerr"))]


def needs_background(names: Iterable[str] | None) -> bool:
    """Whether any of the columns is measured on the background."""
    from skyshed.catalog.registry import ALIASES, COLUMNS, required

    wanted = (ALIASES.get(name, name) for name in spelled_out(names, True) or ())
    return any("background" in required(name) for name in wanted if name in COLUMNS)


def make_table(
    catalog: Any, parameters: Parameters, calibration: Calibration | None = None
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

    Returns
    -------
    table : `~astropy.table.QTable`
        One row per source. A column that the image says nothing about (positions on the sky
        without a WCS) is left out.
    """
    has_wcs = catalog.wcs is not None
    asked_for = spelled_out(parameters.columns, has_wcs)
    names = _with_windowed(catalog.default_columns) if asked_for is None else asked_for
    if parameters.aperture_correction:
        names = [*names, *(name for name in CORRECTED_COLUMNS if name not in names)]
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
        if getattr(table[name], "dtype", None) == np.dtype(object) and all(
            value is None for value in table[name]
        ):
            table.remove_column(name)
    for fraction in parameters.fluxfrac_radii:
        table[f"fluxfrac_radius_{spelled(100 * fraction)}"] = catalog.fluxfrac_radius(fraction)
    fluxes = {
        name: (getattr(catalog, f"{name}_flux"), getattr(catalog, f"{name}_fluxerr"))
        for name in FLUXES
    }
    asked = {name for name in FLUXES if f"{name}_flux" in table.colnames}
    for radius in parameters.aperture_radii:
        name = f"aperture_{spelled(radius)}"
        fluxes[name] = catalog.circular_photometry(radius, center=parameters.aperture_center)
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
    return told_of(table, calibration)


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
    return make_table(catalog, parameters, calibration)[:0]


def spelled(number: float) -> str:
    """Write a number so that it can be part of a column's name in any format."""
    return f"{number:.6g}".replace(".", "p")
