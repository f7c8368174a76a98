"""The catalog as a table."""

import difflib
import platform
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from skyshed.catalog.bare_table import BareTable
from skyshed.catalog.cutouts import CUTOUTS
from skyshed.catalog.registry import ALIASES, COLUMNS, LABEL, Column, column
from skyshed.names import ATTRIBUTES, KEYWORDS, only_new_names
from skyshed.optional import package_versions

if TYPE_CHECKING:  # imported late: it takes a third of the time of importing skyshed
    from astropy.table import QTable

__all__ = [
    "DEFAULT_COLUMNS",
    "PROPERTIES",
    "UNLISTED",
    "add_column",
    "default_columns",
    "describe",
    "make_arrays",
    "make_bare_table",
    "make_meta",
    "make_table",
    "new_name",
]

#: Attributes that hold an image per source, under both names; they do not fit a table.
IMAGES = (*CUTOUTS, *(a for a, name in ATTRIBUTES.items() if name in CUTOUTS and "_cutout" in a))
#: Attributes of a catalog with one element per source that are not columns.
PROPERTIES = (
    *IMAGES, "bbox", "kron_aperture", "label", "labels", "local_background_aperture", "slices",
)  # fmt: skip

#: Columns that photutils 3.1 still measures but no longer lists: `moments_central` has the same.
UNLISTED = ("inertia_tensor",)

#: The guide's default columns, and the flags in their middle, where a table that is printed short
#: leaves columns out: it looks as it does in the guide.
DEFAULT_COLUMNS = (
    "label", "xcentroid", "ycentroid", "sky_centroid", "bbox_xmin", "bbox_xmax", "bbox_ymin",
    "bbox_ymax", "area", "semimajor_sigma", "semiminor_sigma", "orientation", "eccentricity",
    "flags", "min_value", "max_value", "local_background", "segment_flux", "segment_fluxerr",
    "kron_flux", "kron_fluxerr",
)  # fmt: skip


@lru_cache
def _versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that results depend on."""
    packages = ("skyshed", "astropy", "numpy", "scipy")
    versions = dict.fromkeys(packages) | package_versions(packages)
    return {"Python": platform.python_version(), **versions}


def default_columns() -> list[str]:
    """Return the default columns of a new catalog, under the names that the program asked for."""
    return list(map(new_name, DEFAULT_COLUMNS) if only_new_names() else DEFAULT_COLUMNS)


def new_name(name: str) -> str:
    """Return photutils 3's name of a column; any other name as it is."""
    return (column(name).alias or name) if name in COLUMNS else name


def make_meta(**parameters: Any) -> dict[str, Any]:
    """Return the metadata of a table: the time, the versions, the parameters.

    Parameters with two names are listed under both, or under the new one alone if the program
    asked for that.
    """
    date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    new = {a: parameters[name] for a, name in KEYWORDS.items() if name in parameters}
    old = {KEYWORDS[alias] for alias in new} if only_new_names() else ()
    kept = {name: value for name, value in parameters.items() if name not in old}
    return {"date": date, "version": dict(_versions()), **kept, **new}


def make_table(catalog: Any, columns: str | Sequence[str] | None) -> "QTable":
    """Make the table of a catalog; see `skyshed.SourceCatalog.to_table`."""
    from skyshed.catalog.catalog_table import CatalogTable

    return _fill(CatalogTable(), catalog, columns)


def make_bare_table(catalog: Any, columns: str | Sequence[str] | None) -> BareTable:
    """Make a table of the same columns, which is not one of astropy's, to be written."""
    return _fill(BareTable(), catalog, columns)


def _fill(table: Any, catalog: Any, columns: str | Sequence[str] | None) -> Any:
    """Put columns of a catalog into a table, and what belongs to them."""
    names = catalog.default_columns if columns is None else columns
    names = [names] if isinstance(names, str) else list(names)
    _check_columns(catalog, names)
    if only_new_names():
        added = {name for name in catalog.extra_properties if _extra_alias(name)}
        names = [_extra_alias(n) if n in added else new_name(n) for n in names]
    catalog.results.on_host(*(ALIASES.get(n, n) for n in names if ALIASES.get(n, n) in COLUMNS))
    table.meta.update(catalog.meta)
    for name in dict.fromkeys(names):
        values = getattr(catalog, name)
        # Assigning would find the column under its other name and replace it.
        table.add_column((values,) if catalog.isscalar else values, name=name)
        known = _declared(name)
        if known is not None:
            describe(table, name, known)
    return table


def _declared(name: str) -> Column | None:
    """Return what is declared of a column, under either of its names."""
    if name in (LABEL.name, "labels"):
        return LABEL
    canonical = ALIASES.get(name, name)
    return COLUMNS[canonical][0] if canonical in COLUMNS else None


def describe(table: Any, name: str, column: Column) -> None:
    """Let a column of a table say what it is, to people and, by its UCD, to programs.

    The UCD is where astropy's writer of VOTables looks for it.
    """
    info = table[name].info
    info.description = column.description
    if column.ucd:
        info.meta = {**(info.meta or {}), "ucd": column.ucd}


def add_column(table: Any, column: Column, values: Any, index: int | None = None) -> None:
    """Add a column to a table, with what is declared of it."""
    table.add_column(values, name=column.name, index=index)
    describe(table, column.name, column)


def make_arrays(catalog: Any, columns: str | Sequence[str] | None) -> dict[str, Any]:
    """Return columns as plain arrays; see `skyshed.SourceCatalog.to_arrays`."""
    names = catalog.default_columns if columns is None else columns
    names = [names] if isinstance(names, str) else list(names)
    _check_columns(catalog, names)
    by_name = {name: COLUMNS.get(ALIASES.get(name, name), (None,))[0] for name in names}
    # Angles on the sky are computed by the WCS, on the host.
    without_array = [
        name
        for name, entry in by_name.items()
        if name not in ("label", "labels") and not _is_plain(entry)
    ]
    if columns is not None and without_array:
        raise ValueError(
            f"columns must have arrays without units, {without_array} have none: use to_table"
        )
    return {
        name: catalog.sources.labels if entry is None else catalog.results[entry.name]
        for name, entry in by_name.items()
        if name not in without_array
    }


def _is_plain(column: Any) -> bool:
    return column is not None and not column.name.startswith("sky_")


def _check_columns(catalog: Any, names: list[str]) -> None:
    """Raise a ValueError that names unknown columns and suggests similar ones."""
    known = {*catalog.properties, *UNLISTED, *catalog.extra_properties}
    known |= {alias for alias in map(_extra_alias, catalog.extra_properties) if alias}
    unknown = [name for name in names if name not in known or name in IMAGES]
    if not unknown:
        return
    subject = f"Invalid column name{'s' if len(unknown) > 1 else ''} in columns: {unknown}"
    if any(name in IMAGES for name in unknown):
        raise ValueError(
            f"{subject}. No table holds images: take them from the catalog's attributes"
        )
    near = {name: difflib.get_close_matches(name, known, 3) for name in unknown}
    hint = "; ".join(
        f"{name}: did you mean {' or '.join(like)}?" for name, like in near.items() if like
    )
    raise ValueError(
        f"{subject}. {hint} The catalog's properties and extra_properties have all names."
    )


def _extra_alias(name: str) -> str | None:
    """Return photutils 3's name of the error of a flux that the user added."""
    return name.removesuffix("_fluxerr") + "_flux_err" if name.endswith("_fluxerr") else None
