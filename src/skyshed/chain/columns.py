"""The table of a catalog: the columns asked for, further apertures and radii, magnitudes, names."""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.catalog.registry import Column
from skyshed.catalog.table import add_column, describe, make_bare_table
from skyshed.chain.association import Association, add_association
from skyshed.chain.calibrated import add_flux_densities, add_magnitudes, told_of
from skyshed.chain.derived import (
    FLUXES,
    NAME,
    aperture_columns,
    calibrated_columns,
    check_derived,
    fluxfrac_column,
    is_derived,
    listed_columns,
    magnitude_columns,
)
from skyshed.chain.designation import designations, pixel_scale, resolving
from skyshed.chain.exposure_columns import QUALITY
from skyshed.chain.sextractor_columns import (
    NOT_MEASURED,
    add_sextractor,
    aperture_radii_of,
    is_sextractor,
    needs_of,
)
from skyshed.images.photometry import Calibration
from skyshed.output.table_parts import PlainTable, to_plain
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog
    from astropy.table import QTable

__all__ = [
    "DERIVED",
    "GROUPS",
    "STAR_COLUMNS",
    "as_asked",
    "as_measured",
    "bare_table",
    "catalog_table",
    "check_columns",
    "empty_table",
    "make_table",
    "measured_columns",
    "needs_background",
    "plain_table",
    "spelled_out",
]

#: The name that stands for all columns that a run adds to those of its catalog.
DERIVED = "derived"
#: Names that stand for several columns.
GROUPS = ("default", "all", DERIVED)
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


def check_columns(
    names: Iterable[str] | None,
    has_wcs: bool,
    has_quality: bool = True,
    possible: Collection[str] | None = None,
) -> None:
    """Refuse columns that the table can't have, before anything is computed.

    Parameters
    ----------
    names : iterable of str or None
        The columns that are asked for.
    has_wcs, has_quality : bool
        Whether there are positions on the sky, and a quality plane.
    possible : collection of str, optional
        What `skyshed.chain.derived.derived_columns` says the run can add; `None` if that is not
        known yet.

    Raises
    ------
    ValueError
        If a column is unknown, or lies on the sky where there is no WCS, or is about a quality
        plane where there is none, or is none that this run can add.
    """
    from skyshed.catalog.registry import ALIASES, COLUMNS, close_columns, required

    for name in names or ():
        if name in GROUPS or name == "label":
            continue
        if name in QUALITY:
            if not has_quality:
                raise ValueError(f"columns: {name!r} needs a quality plane: give one as quality")
            continue
        if is_derived(name):
            if possible is not None:
                check_derived(name, possible)
            continue
        if is_sextractor(name):
            try:
                check_columns(needs_of(name), has_wcs, has_quality)
            except ValueError as error:
                said = str(error).removeprefix("columns: ")
                raise ValueError(f"columns: {name!r} is made from others, and {said}") from None
            continue
        if name in NOT_MEASURED:
            raise ValueError(f"columns: {name!r} is not measured: {NOT_MEASURED[name]}")
        entry = COLUMNS.get(ALIASES.get(name, name))
        if entry is None or not entry[0].public:
            others = [column.name for column, _ in listed_columns()]
            near = close_columns(name, (*GROUPS, *others))
            meant = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise ValueError(
                f"columns: {name!r} is no column of the catalog; {meant}`skyshed columns` lists "
                f"all of them, and {', '.join(map(repr, GROUPS))} stand for several"
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
    from skyshed.catalog.registry import COLUMNS

    groups = _groups(has_wcs, tuple(COLUMNS))
    found: dict[str, None] = {}
    for name in names:
        if name == DERIVED:  # what it stands for depends on the run
            continue
        found.update(dict.fromkeys(groups.get(name) or [name]))
    return list(found)


@lru_cache
def _groups(has_wcs: bool, _registered: tuple[str, ...]) -> dict[str, list[str]]:
    """Return what groups of columns stand for; cached for the columns that are registered."""
    from skyshed.catalog.registry import public_columns, required
    from skyshed.catalog.table import DEFAULT_COLUMNS

    every = [column.name for column in public_columns()]
    lost = set() if has_wcs else {name for name in every if "wcs" in required(name)}
    usual = [*DEFAULT_COLUMNS]
    after = usual.index("sky_centroid") + 1
    usual[after:after] = POSITIONS
    groups = {"default": _with_windowed(usual), "all": ["label", *every]}
    return {
        group: [each for each in members if each not in lost] for group, members in groups.items()
    }


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
    columns = spelled_out(parameters.columns, True)
    if columns is None:
        columns = spelled_out(("default",), True) or []
    columns = as_measured(name for name in columns if not is_derived(name))
    if parameters.aperture_correction:
        columns = [*columns, *CORRECTED_COLUMNS, *STAR_COLUMNS]
    if aperture_radii_of(parameters) and parameters.aperture_center == "centroid_win":
        columns = [*columns, "_circular_win_flux"]
    return [*columns, *(f"{name}_{kind}" for name in FLUXES for kind in ("flux", "fluxerr"))]


def as_measured(names: Iterable[str]) -> list[str]:
    """Return names of columns with SExtractor's replaced by those that they are made from."""
    return [each for name in names for each in (needs_of(name) if is_sextractor(name) else (name,))]


def needs_background(names: Iterable[str] | None) -> bool:
    """Whether any of the columns is measured on the background."""
    from skyshed.catalog.registry import ALIASES, COLUMNS, required

    wanted = (ALIASES.get(name, name) for name in as_measured(spelled_out(names, True) or []))
    return any("background" in required(name) for name in wanted if name in COLUMNS)


def make_table(
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None = None,
    association: Association | None = None,
) -> "QTable":
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
        One row per source. If columns have SExtractor's names, those that are named and no others
        are there. A column that the image says nothing about (positions on the sky without a WCS)
        is left out.
    """
    return _table(catalog, parameters, calibration, association, catalog.to_table)


def bare_table(
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None = None,
    association: Association | None = None,
) -> Any:
    """Return the same table as a `BareTable`; one of astropy's where that can't be."""
    if catalog.isscalar:
        return make_table(catalog, parameters, calibration, association)
    begin = partial(make_bare_table, catalog)
    return _table(catalog, parameters, calibration, association, begin)


def plain_table(
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None = None,
    association: Association | None = None,
) -> PlainTable:
    """Return the same table as plain columns, to be written."""
    return to_plain(bare_table(catalog, parameters, calibration, association))


def _table(
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None,
    association: Association | None,
    begin: Callable[[list[str]], Any],
) -> Any:
    """Return what `make_table` does; ``begin`` returns a table of columns of the catalog."""
    has_wcs = catalog.wcs is not None
    asked_for = spelled_out(parameters.columns, has_wcs)
    names = _with_windowed(catalog.default_columns) if asked_for is None else asked_for
    theirs = [name for name in names if is_sextractor(name)]
    if theirs:  # which are made in a table of astropy's
        begin = catalog.to_table
    if parameters.aperture_correction:
        names = [*names, *(name for name in CORRECTED_COLUMNS if name not in names)]
    chosen = [name for name in names if is_derived(name)]
    bits = [name for name in QUALITY if name in catalog.extra_properties]
    # Of several bands, some may have no quality plane.
    names = [name for name in names if name not in QUALITY or name in bits]
    if not theirs:  # a list in SExtractor's words is complete
        names += [name for name in bits if name not in names]
    table = begin([name for name in names if name not in chosen and name not in theirs])
    for name in QUALITY:
        if name in table.colnames:
            describe(table, name, QUALITY[name])
    _as_floats(table)
    if asked_for is None and has_wcs:
        _add_positions(table, catalog)
    for name in list(table.colnames):
        column = table[name]
        if getattr(column, "dtype", None) == np.dtype(object) and (
            getattr(column, "values", column).tolist().count(None) == len(table)
        ):
            table.remove_column(name)
    every = parameters.columns is None or any(name in GROUPS for name in parameters.columns)
    _add_derived(table, catalog, parameters, calibration, None if every else chosen)
    add_sextractor(table, catalog, theirs, parameters, calibration)
    if chosen or theirs:
        placed = [name for name in names if name in table.colnames]
        table = table[[*placed, *(name for name in table.colnames if name not in placed)]]
    return told_of(add_association(table, catalog, association), calibration)


def as_asked(table: Any, parameters: Parameters) -> Any:
    """Return a table with corrected fluxes in the order asked for, less what these are made from.

    Without a list of columns, or with a group in it, all that there is stays.
    """
    asked = parameters.columns
    if asked is None or any(name in GROUPS for name in asked):
        return table
    circles = (each.name for r in parameters.aperture_radii for each in aperture_columns(r))
    ours = {*CORRECTED_COLUMNS, *circles}
    placed = [name for name in dict.fromkeys(asked) if name in table.colnames]
    others = [
        name for name in table.colnames
        if name not in asked and name not in ours and not is_derived(name)
    ]  # fmt: skip
    return table[[*placed, *others]]


def _add_derived(
    table: Any,
    catalog: Any,
    parameters: Parameters,
    calibration: Calibration | None,
    chosen: Collection[str] | None,
) -> None:
    """Add radii, apertures, calibrated fluxes and names; all that there can be, or those chosen."""
    before = set(table.colnames)

    def wanted(*columns: Column) -> bool:
        return chosen is None or any(column.name in chosen for column in columns)

    for fraction in parameters.fluxfrac_radii:
        column = fluxfrac_column(fraction)
        if wanted(column):
            add_column(table, column, catalog.fluxfrac_radius(fraction))
    fluxes = {
        name: (getattr(catalog, f"{name}_flux"), getattr(catalog, f"{name}_fluxerr"))
        for name in FLUXES
    }
    asked = {name for name in FLUXES if chosen is not None or f"{name}_flux" in table.colnames}
    for radius in parameters.aperture_radii:
        both = aperture_columns(radius)
        name = both[0].name.removesuffix("_flux")
        corrected = parameters.aperture_correction
        if corrected or wanted(*both, *calibrated_columns(name), *magnitude_columns(name, None)):
            fluxes[name] = catalog.circular_photometry(radius, center=parameters.aperture_center)
            for column, values in zip(both, fluxes[name], strict=True):
                add_column(table, column, values)
            asked.add(name)
    zero_point, system = parameters.zero_point, parameters.zero_point_system
    for name, measured in fluxes.items():
        if calibration is not None and name in asked:
            add_flux_densities(table, name, *measured, calibration)
        elif calibration is None and isinstance(zero_point, float):
            add_magnitudes(table, name, *measured, zero_point, system)
    if parameters.designation is not None and catalog.wcs is not None and wanted(NAME):
        sky = catalog.sky_centroid_icrs
        pattern = parameters.designation
        if pattern == Parameters.designation:  # a pattern of one's own is kept
            pattern = resolving(pattern, pixel_scale(catalog.wcs))
        called = designations(sky.ra.deg, sky.dec.deg, pattern)
        add_column(table, NAME, called, index=min(1, len(table.colnames)))
    if chosen is not None:
        kept = before.union(chosen)
        if parameters.aperture_correction:  # which is made from them
            kept.update(
                each.name for r in parameters.aperture_radii for each in aperture_columns(r)
            )
        for name in set(table.colnames) - kept:
            table.remove_column(name)


def _as_floats(table: Any) -> None:
    """Make float64 of the indices of pixels, also where all sources have them.

    Tiles, bands and images, of which some have a source without a good pixel, share one table.
    """
    from skyshed.catalog.registry import ALIASES, COLUMNS

    for name in table.colnames:
        known = COLUMNS.get(ALIASES.get(name, name))
        if known is not None and known[0].index and table[name].dtype.kind == "i":
            table.replace_column(name, table[name].astype(float))


def _add_positions(table: Any, catalog: Any) -> None:
    """Add the positions as plain numbers to the table that a catalog gives by itself."""
    from skyshed.catalog.registry import column

    at = table.colnames.index("sky_centroid") + 1
    for place, name in enumerate(POSITIONS, at):
        add_column(table, column(name), getattr(catalog, name), index=place)


def catalog_table(
    table: "QTable", parameters: Parameters, calibration: Calibration | None = None
) -> "QTable":
    """Return a table of several parts as that of one catalog: both names, and its metadata."""
    from skyshed.catalog.catalog_table import CatalogTable
    from skyshed.catalog.table import make_meta

    whole = table if isinstance(table, CatalogTable) else CatalogTable(table, copy=False)
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
) -> "QTable":
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
