"""The columns of a catalog for a page: the most telling first, as far as there is room."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.output.page.blocks import Blocks
from skyshed.output.page.contents import Contents
from skyshed.output.table_parts import PlainTable, from_plain

__all__ = ["PageTable", "read_table"]

#: Columns that come first where not all have room; others follow in the order of the table.
FIRST = (
    "label", r"[xy]centroid", "flags", r"kron_.*mag", r"kron_flux(err)?", "ra", "dec",
    r".*radius.*", r"semi(major|minor)_sigma", r".*mag", "area", r"segment_flux(err)?",
)  # fmt: skip
#: Bytes of a value on the page, by kind, as measured on catalogs of simulated fields.
BYTES = {"f4": 4.7, "f8": 9.5, "i4": 2.5, "text": 9.0}
#: What a row takes at least: label, position and a flux. Of more rows than have room for that, the
#: brightest are kept.
LEAST_OF_ROW = 20.0
#: Columns of which more values a row are left out.
WIDEST = 8
#: Degrees are kept to this many digits, 0.4 mas.
DIGITS = 7


@dataclass(frozen=True, eq=False)
class PageTable:
    """What a page has of a catalog.

    Attributes
    ----------
    n : int
        Its rows.
    columns : list of dict
        Of each column its name, unit, description, kind and block.
    left_out : list of str
        Columns that there was no room for.
    rows : array of int64, shape (n,)
        Which rows of the catalog they are.
    values : dict of str to array
        The values of positions, by name.
    """

    n: int
    columns: list[dict[str, Any]]
    left_out: list[str]
    rows: Any
    values: dict[str, Any]


def read_table(contents: Contents, blocks: Blocks, n_bytes: float) -> PageTable:
    """Read the catalog part by part, and keep the columns that fit into some bytes."""
    model = next((part for part in contents.parts() if len(part)), None)
    if model is None:
        return PageTable(0, _empty(contents), [], np.empty(0, np.int64), {})
    about = _about(model)
    rows = _brightest(contents, list(about), int(n_bytes / LEAST_OF_ROW))
    names, left_out = _chosen(about, len(rows), n_bytes)
    place_of = np.full(contents.n_sources, -1, np.int64)
    place_of[rows] = np.arange(len(rows))
    kept: dict[str, Any] = {}
    for part in contents.parts():
        places = place_of[part.places]
        here = np.flatnonzero(places >= 0)
        flat = _flat(part)
        for name in names:
            if name not in kept:
                kept[name] = np.empty(len(rows), flat[name].dtype)
            kept[name] = _wide_enough(kept[name], flat[name])
            kept[name][places[here]] = flat[name][here]
    columns = [
        {**about[name], **_encoded(kept[name], about[name]["kind"], blocks)} for name in names
    ]
    return PageTable(len(rows), columns, left_out, rows, kept)


def _wide_enough(values: Any, others: Any) -> Any:
    """Return texts with room for those of another part."""
    wider = values.dtype.kind == "U" and others.dtype.itemsize > values.dtype.itemsize
    return values.astype(others.dtype) if wider else values


def _flat(part: PlainTable) -> dict[str, Any]:
    """Return the columns of one value a row; those of a few are several."""
    found: dict[str, Any] = {}
    for name, values in part.columns.items():
        if values.ndim == 1:
            found[name] = values
        elif values.ndim == 2 and values.shape[1] <= WIDEST:
            found |= {f"{name}[{k}]": values[:, k] for k in range(values.shape[1])}
    return found


def _about(part: PlainTable) -> dict[str, dict[str, Any]]:
    """Return what is known of each column."""
    table = from_plain(part[:1])
    about: dict[str, dict[str, Any]] = {}
    for name, values in _flat(part).items():
        column = re.split(r"\.|\[", name)[0] if name not in table.colnames else name
        info = table[column].info if column in table.colnames else None
        whole = info is not None and name.split("[")[0] == column
        unit = str(getattr(table[column], "unit", None) or "") if whole else "deg"
        about[name] = {
            "name": name, "unit": unit, "kind": _kind(values, unit),
            "description": (getattr(info, "description", None) or "") if info else "",
        }  # fmt: skip
    return about


def _kind(values: Any, unit: str) -> str:
    """Return how a column is kept."""
    if values.dtype.kind in "US":
        return "text"
    if values.dtype.kind in "biu":
        return "i4" if values.dtype.itemsize <= 4 else "i8"
    return "f8" if unit == "deg" else "f4"


def _chosen(
    about: dict[str, dict[str, Any]], n: int, n_bytes: float
) -> tuple[list[str], list[str]]:
    """Return the columns that fit, in the order of the table, and those that don't."""

    def rank(name: str) -> int:
        return next((k for k, each in enumerate(FIRST) if re.fullmatch(each, name)), len(FIRST))

    room, chosen = n_bytes, set()
    for name in sorted(about, key=rank):
        kind = about[name]["kind"]
        room -= n * BYTES["i4" if kind == "i8" else kind]
        if room > 0 or name in ("label", "xcentroid", "ycentroid"):
            chosen.add(name)
    return [name for name in about if name in chosen], [
        name for name in about if name not in chosen
    ]


def _brightest(contents: Contents, names: Sequence[str], most: int) -> Any:
    """Return the rows that there is room for, those of the largest flux, in their order."""
    n = contents.n_sources
    if n <= most:
        return np.arange(n)
    by = next((name for name in ("kron_flux", "segment_flux", "area") if name in names), None)
    if by is None:
        by = next((name for name in names if "flux" in name), None)
    if by is None:
        return np.arange(most)
    flux = np.empty(n)
    for part in contents.parts():
        flux[part.places] = part.columns[by]
    return np.sort(np.argsort(-np.nan_to_num(flux, nan=-np.inf), kind="stable")[:most])


def _encoded(values: Any, kind: str, blocks: Blocks) -> dict[str, Any]:
    """Return a column as a block; texts are lines of UTF-8."""
    if kind == "text":
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "replace")
        lines = "\n".join(" ".join(each.splitlines()) for each in values.tolist())
        return {"kind": "text", "block": blocks.add(np.frombuffer(lines.encode(), np.uint8))}
    if kind == "f8":
        return {"kind": "f8", "block": blocks.add(np.round(values.astype(np.float64), DIGITS))}
    if kind in ("i4", "i8"):
        most = int(np.abs(values.astype(np.float64)).max(initial=0))
        if most <= np.iinfo(np.int32).max:
            return {"kind": "i4", "block": blocks.add(values.astype(np.int32))}
        return {"kind": "f8", "block": blocks.add(values.astype(np.float64))}
    with np.errstate(over="ignore"):
        return {"kind": "f4", "block": blocks.add(values.astype(np.float32))}


def _empty(contents: Contents) -> list[dict[str, Any]]:
    """Return the columns of a catalog without rows."""
    part = next(contents.parts(), None)
    if part is None:
        return []
    return [
        {"name": name, "unit": "", "description": "", "kind": "text", "block": None}
        for name in _flat(part)
    ]
