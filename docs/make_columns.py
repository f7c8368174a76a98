"""Write columns.md from the registry of measurements: python docs/make_columns.py."""

import re
from collections.abc import Iterable
from pathlib import Path

from skyshed import SourceCatalog
from skyshed.catalog.cutouts import CUTOUTS
from skyshed.catalog.registry import COLUMNS, LABEL, Column, depends, public_columns, required
from skyshed.catalog.table import DEFAULT_COLUMNS, IMAGES, PROPERTIES
from skyshed.chain.derived import listed_colors, listed_columns
from skyshed.names import ATTRIBUTES

PAGE = Path(__file__).with_name("columns.md")

HEAD = """# Columns of the catalog

Made from the registry by `docs/make_columns.py`; `skyshed columns` prints the same. Each is an
attribute of `SourceCatalog` and may be named in `to_table(columns=...)`, `extract(columns=...)` and
`skyshed extract --columns`, under either name. The last two also take `default`, for the columns
marked with a star (with `xcentroid_win`, `ycentroid_win` and their errors after `ycentroid`, and
with `ra` and `dec` after `sky_centroid`, where there is a WCS), and `all`; what they
[add besides](#what-a-run-adds) can be chosen as well. [Other programs](catalogs.md) see units,
descriptions and UCDs in every format.

- **unit**: *data* is the unit of the image, *sky* a SkyCoord. A column without a unit is a number
  of pixels along an axis, an index, or a pure number.
- **needs**: the argument of the catalog without which the column is NaN, or `None` if it is a
  SkyCoord.
- **UCD**: what the column is in the words of the IVOA's UCD1+, which all files have.
- **follows**: what else changes it. Columns that follow `convolved_data` are measured on it in
  place of `data`, or in an aperture that is. Columns that follow `detection_cat` are taken from
  that catalog, and so are the apertures and centroids of all others.

| column | photutils 3 | unit | UCD | needs | follows | what it is |
| --- | --- | --- | --- | --- | --- | --- |
"""
ADDED = """
## What a run adds

`extract` and `skyshed extract` add these, where they have what it needs; `derived` stands for all
of them, which are there with `default` and `all`, too. Radii and apertures are those of
`fluxfrac_radii` and `aperture_radii`; apertures have calibrated fluxes, too.
[Units and zero points](units.md).

| column | unit | UCD | needs | what it is |
| --- | --- | --- | --- | --- |
"""
COLORS = """
## Colors of several bands

`extract_bands` with `psf_fwhm` or `psf` adds these for matched bands that follow each other in the
order given, where both have magnitudes (here of `g` and `r`, and of one of `aperture_radii`); they
are in every such table. [How they are made](chain.md).

| column | unit | UCD | needs | what it is |
| --- | --- | --- | --- | --- |
"""
REST = """
## Objects and images

These attributes hold an object or an image for each source, `labels` aside. `to_table` takes the
ones marked with a star; files do not hold objects.

| attribute | photutils 3 | what it is |
| --- | --- | --- |
"""
#: Arguments of the catalog -> what a measurement needs that depends on them.
OPTIONS = {
    "convolved_data": ("moments", "moments_central"),
    "localbkg_width": ("localbkg_width",),
    "apermask_method": ("apermask_method",),
    "kron_params": ("kron_params",),
}


def page() -> str:
    """Return the text of columns.md."""
    columns = sorted([LABEL, *public_columns()], key=lambda each: each.name)
    objects = sorted({*CUTOUTS, *PROPERTIES}.difference(ATTRIBUTES.keys() - {*CUTOUTS}, {"label"}))
    added = (_row_of_added(*each) for each in listed_columns())
    return (
        HEAD
        + "".join(map(_row, columns))
        + ADDED
        + "".join(added)
        + COLORS
        + "".join(_row_of_added(*each) for each in listed_colors())
        + REST
        + "".join(map(_row_of_object, objects))
    )


def _row(column: Column) -> str:
    star = " \\*" if column.name in DEFAULT_COLUMNS else ""
    unit = f"*{column.unit}*" if column.unit in ("data", "sky") else column.unit
    needs = required(column.name) if column.name in COLUMNS else ()
    description = column.description.replace("|", "\\|").replace("**", "\\*\\*")
    cells = (
        f"`{column.name}`{star}", f"`{column.alias}`" if column.alias else "", unit,
        f"`{column.ucd}`", _listed(needs), _listed(follows(column.name)), description,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _row_of_added(column: Column, needs: str) -> str:
    unit = f"*{column.unit}*" if column.unit == "data" else column.unit
    cells = f"`{column.name}`", unit, f"`{column.ucd}`", f"`{needs}`", column.description
    return f"| {' | '.join(cells)} |\n"


def _row_of_object(name: str) -> str:
    star = "" if name in IMAGES else " \\*"
    aliases = [alias for alias in IMAGES if ATTRIBUTES.get(alias) == name and alias not in CUTOUTS]
    summary = (getattr(SourceCatalog, name).__doc__ or "").partition("\n")[0]
    cells = (f"`{name}`{star}", _listed(aliases), re.sub(r"`~?([\w.]+\.)?(\w+)`", r"`\2`", summary))
    return f"| {' | '.join(cells)} |\n"


def follows(name: str) -> list[str]:
    """Return the optional arguments of the catalog that change a column."""
    if name not in COLUMNS:
        return []
    measured = {name, *(column.name for column in COLUMNS[name][1].columns)}
    found = [
        option
        for option, needs in OPTIONS.items()
        if depends(name, needs) or measured.intersection(needs)
    ]
    return [*found, *(["detection_cat"] if COLUMNS[name][1].geometry else [])]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page())
