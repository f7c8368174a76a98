"""Tables as plain NumPy columns and a text, to be sent, kept in files and put together."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np

from skyshed.catalog.bare_table import BareColumn
from skyshed.output.atomic import Commits

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog of the usual columns
    from astropy.table import QTable

__all__ = [
    "PlainTable",
    "check_same_columns",
    "concatenated",
    "from_plain",
    "put_together",
    "to_plain",
]

#: What is kept of a column besides its values.
ATTRIBUTES = ("description", "format", "meta")
#: The entries of a file beside its columns, which have numbers.
HEADER, NAMES, ROWS = "header", "names", "rows"


@dataclass(frozen=True, eq=False)
class PlainTable:
    """A table without objects: what `to_plain` makes and `from_plain` takes.

    Attributes
    ----------
    columns : dict of str to array, shape (n, ...)
        The columns; coordinates are several, such as ``sky_centroid.ra`` and ``.dec``.
    header : str
        Units, descriptions and what the columns are made into, in JSON. Tables of the same columns
        have the same text, however many rows they have.
    rows : array of int64, shape (n,), or None
        Of a part: the row that each row is of the whole table, from 0. `None` where the column
        ``label`` says it, which counts from 1.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed.output.table_parts import PlainTable, to_plain
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "part.npz"
    >>> to_plain(QTable({"label": [1, 2]})).save(path)
    >>> len(PlainTable.load(path))
    2
    """

    columns: dict[str, Any]
    header: str
    rows: Any = None

    @property
    def places(self) -> Any:
        """The row that each row is of the whole table, from 0."""
        return self.columns["label"] - 1 if self.rows is None else self.rows

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, rows: Any) -> "PlainTable":
        """Return the rows of a slice, or of an array of indices or booleans."""
        return PlainTable(
            {name: each[rows] for name, each in self.columns.items()}, self.header,
            None if self.rows is None else self.rows[rows],
        )  # fmt: skip

    def save(
        self,
        path: str | os.PathLike[str],
        belongs: str = "",
        *,
        flush: bool = False,
        commits: Commits | None = None,
    ) -> None:
        """Write the table as an uncompressed ``.npz`` file, which exists only when complete.

        Parameters
        ----------
        path, belongs, flush, commits
            See `skyshed.output.sealed.write_sealed`.
        """
        from skyshed.output.sealed import write_sealed  # tables of tiles alone are saved

        arrays = {f"{number}": each for number, each in enumerate(self.columns.values())}
        arrays[NAMES] = np.array(list(self.columns), np.str_)
        if self.rows is not None:
            arrays[ROWS] = self.rows
        arrays[HEADER] = np.frombuffer(self.header.encode(), np.uint8)
        write_sealed(path, arrays, belongs, flush=flush, commits=commits)

    @classmethod
    def load(cls, path: str | os.PathLike[str], belongs: str = "") -> "PlainTable":
        """Read what `save` wrote.

        Parameters
        ----------
        path, belongs
            As they were given to `save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError
            If the file is damaged.
        """
        from skyshed.output.sealed import DamagedError, read_sealed

        try:
            arrays = read_sealed(path, belongs)
        except DamagedError as error:
            raise OSError(f"{os.fspath(path)} is damaged ({error})") from error
        columns = {name: arrays[f"{number}"] for number, name in enumerate(arrays[NAMES].tolist())}
        return cls(columns, arrays[HEADER].tobytes().decode(), arrays.get(ROWS))


def to_plain(table: Any) -> PlainTable:
    """Take a table apart into plain columns and a text.

    Parameters
    ----------
    table : `~astropy.table.QTable` or `~skyshed.catalog.bare_table.BareTable`
        Columns, Quantities, coordinates and other mixins of astropy's. Its ``meta`` is left out.

    Returns
    -------
    plain : PlainTable
        The columns are those of the table, not copies, where it can be.

    Raises
    ------
    ValueError
        If a column is masked or holds Python objects.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.table import QTable
    >>> from skyshed.output.table_parts import from_plain, to_plain
    >>> plain = to_plain(QTable({"label": [1, 2], "flux": [3.0, 4.0] * u.Jy}))
    >>> sorted(plain.columns), from_plain(plain)["flux"]
    (['flux', 'label'], <Quantity [3., 4.] Jy>)
    """
    columns: dict[str, Any] = {}
    about: list[dict[str, Any]] = []
    for name in table.colnames:
        column = table[name]
        if isinstance(column, BareColumn):
            column, info = column.values, column.info
        else:
            info = column.info
        kind = _kind(column)
        described = {"name": name, "kind": kind}
        if kind == "mixin":
            parts, described["header"] = _taken_apart(name, column, info)
        elif kind == "sky":
            described.update(_attributes(info, None))
            parts = {f"{name}.ra": column.ra.value, f"{name}.dec": column.dec.value}
        else:
            described.update(_attributes(info, getattr(column, "unit", None)))
            parts = {name: column}
        for each, values in parts.items():
            if hasattr(values, "mask") or values.dtype.hasobject:
                what = "is masked" if hasattr(values, "mask") else "holds Python objects"
                raise ValueError(f"column {name!r} {what} and cannot be taken apart: leave it out")
            columns[each] = np.asarray(getattr(values, "value", values))
        described["columns"] = list(parts)
        described["facts"] = [
            _facts(
                each, u.deg if kind == "sky" else getattr(values, "unit", None), name, column, info
            )
            for each, values in parts.items()
        ]
        about.append(described)
    return PlainTable(columns, json.dumps(about))


def _taken_apart(name: str, column: Any, info: Any) -> tuple[dict[str, Any], str]:
    """Return the plain columns of one, and what they are made into, as astropy says it."""
    from astropy.table import QTable, meta, serialize

    table = QTable({name: column}, copy=False)
    for attribute in ATTRIBUTES:
        setattr(table[name].info, attribute, getattr(info, attribute, None))
    encoded = serialize.represent_mixins_as_columns(table)
    header = "\n".join(meta.get_yaml_from_table(encoded))
    return {each: encoded[each] for each in encoded.colnames}, header


def from_plain(plain: PlainTable, into: Any = None) -> "QTable":
    """Put together the table that `to_plain` took apart.

    Parameters
    ----------
    plain : PlainTable
        What `to_plain` returned, or rows of it.
    into : `~astropy.table.QTable`, optional
        A table without columns, which gets them; a new one if `None`.

    Returns
    -------
    table : `~astropy.table.QTable`
        With the same bits, dtypes, units, descriptions and frames; columns are copies.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from astropy.table import QTable
    >>> from skyshed.output.table_parts import from_plain, to_plain
    >>> sky = SkyCoord([10, 20], [1, 2], unit="deg", frame="fk5")
    >>> from_plain(to_plain(QTable({"sky": sky})))["sky"].frame.name
    'fk5'
    """
    from astropy.table import Column, QTable, meta

    table = QTable() if into is None else into
    for described in json.loads(plain.header):
        name = described["name"]
        values = {each: plain.columns[each] for each in described["columns"]}
        if described["kind"] == "mixin":
            from skyshed.output.parquet import rebuilt

            header = meta.get_header_from_yaml(described["header"].split("\n"))
            # Assigning would replace a column that a table of a catalog has under another name.
            table.add_column(rebuilt(values, header)[name], name=name)
            continue
        if described["kind"] == "sky":
            from astropy.coordinates import SkyCoord

            column: Any = SkyCoord(*values.values(), unit=u.deg, frame="icrs")
        elif described["kind"] == "quantity":
            dtype = values[name].dtype
            column = u.Quantity(values[name], described["unit"], dtype=dtype)
        else:
            column = Column(values[name], copy=True)
        table.add_column(column, name=name, copy=False)
        for attribute in ATTRIBUTES:
            if attribute in described:
                setattr(table[name].info, attribute, described[attribute])
    return table


def concatenated(parts: Sequence[PlainTable]) -> "QTable":
    """Put parts of a table together, each row in its place.

    Parameters
    ----------
    parts : sequence of PlainTable
        At least one; all of the same columns.

    Returns
    -------
    table : `~astropy.table.QTable`
        All rows, as if they had never been apart.

    Raises
    ------
    ValueError
        If there is no part, or columns differ.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from skyshed.output.table_parts import concatenated, to_plain
    >>> parts = [to_plain(QTable({"label": labels})) for labels in ([1, 4], [2, 3])]
    >>> concatenated(parts)["label"].tolist()
    [1, 2, 3, 4]
    """
    return from_plain(put_together(parts))


def put_together(parts: Sequence[PlainTable]) -> PlainTable:
    """Do what `concatenated` does, and return plain columns."""
    if not parts:
        raise ValueError("parts is empty: at least one table is needed, which may have no rows")
    # Texts without rows have no width to add.
    filled = [part for part in parts if len(part)] or parts[:1]
    for part in filled:
        check_same_columns(part, filled[0])
    columns = {
        name: np.concatenate([part.columns[name] for part in filled]) for name in filled[0].columns
    }
    order = np.argsort(np.concatenate([part.places for part in filled]), kind="stable")
    return PlainTable(columns, filled[0].header)[order]


def check_same_columns(part: PlainTable, first: PlainTable) -> None:
    """Refuse a part whose columns are not those of the first; texts may differ in width.

    Raises
    ------
    ValueError
        If names, units, descriptions, dtypes or shapes differ.
    """
    differ = set(part.columns) ^ set(first.columns)
    for name in set(part.columns) & set(first.columns):
        mine, theirs = part.columns[name], first.columns[name]
        texts = mine.dtype.kind == theirs.dtype.kind == "U"
        if mine.shape[1:] != theirs.shape[1:] or not (texts or mine.dtype == theirs.dtype):
            differ.add(name)
    if not differ and part.header == first.header:
        return
    which = ", ".join(sorted(differ)) or "in units or descriptions"
    raise ValueError(f"all parts of a table must have the same columns, these differ: {which}")


#: Components of coordinates -> their UCDs; those of other frames are positions of some sort.
UCD_OF_COMPONENT = {
    "ra": "pos.eq.ra", "dec": "pos.eq.dec", "l": "pos.galactic.lon", "b": "pos.galactic.lat",
}  # fmt: skip


def _facts(each: str, unit: Any, name: str, column: Any, info: Any) -> tuple[str, str, str, str]:
    """Return what `skyshed.output.column_facts.ColumnFacts` has of a column that files hold."""
    about, ucd = info.description or "", (info.meta or {}).get("ucd", "")
    component = each[len(name) + 1 :]
    if component:  # of coordinates, or of another mixin that is several columns
        frame = getattr(getattr(column, "frame", None), "name", None)
        said = component if frame is None else f"{component} in {frame}"
        about = f"{about.rstrip('.')}: {said}." if about else f"{said}."
        ucd = UCD_OF_COMPONENT.get(component, ucd)
    return each, "" if unit is None else unit.to_string(), about, ucd


def _kind(column: Any) -> str:
    """Return how a column is taken apart: the quick ways, or astropy's for all others."""
    if type(column) is np.ndarray:
        return "column"
    if type(column) is u.Quantity:
        return "mixin" if _spelled(column.unit) is None else "quantity"
    if _is_icrs(column):
        return "sky"
    from astropy.table import Column

    return "column" if type(column) is Column and column.unit is None else "mixin"


def _is_icrs(column: Any) -> bool:
    """Whether a column is of ICRS coordinates in degrees and has nothing besides them."""
    if getattr(getattr(column, "frame", None), "name", "") != "icrs":
        return False
    from astropy.coordinates import (
        SkyCoord,
        SphericalRepresentation,
        UnitSphericalRepresentation,
    )

    return (
        type(column) is SkyCoord
        and type(column.data) is UnitSphericalRepresentation
        and not column.data.differentials
        and column.representation_type is SphericalRepresentation
        and column.ra.unit == column.dec.unit == u.deg
        and column.ra.wrap_angle == 360 * u.deg
        and all(getattr(column, name, None) is None for name in column._extra_frameattr_names)
        and not any(hasattr(each, "mask") for each in (column.ra, column.dec))
    )


def _attributes(info: Any, unit: Any) -> dict[str, Any]:
    """Return what JSON is to hold about a column or Quantity."""
    found = {name: getattr(info, name, None) for name in ATTRIBUTES}
    found = {name: value for name, value in found.items() if value not in (None, {})}
    return found if unit is None else {**found, "unit": _spelled(unit)}


@lru_cache(maxsize=256)
def _spelled(unit: Any) -> str | None:
    """Return a unit as a text that means the same, None if it has none."""
    text = unit.to_string()
    try:
        return text if u.Unit(text) == unit else None
    except ValueError:
        return None
