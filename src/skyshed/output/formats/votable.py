"""VOTables of the IVOA: a header of astropy's, and rows as the bytes that BINARY2 has.

BINARY2 (VOTable 1.3, section 5.4) keeps every bit, and takes the time of copying.
"""

import base64
import io
import json
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io.votable import parse
from astropy.io.votable.exceptions import VOWarning
from astropy.io.votable.tree import CooSys, Field, Info, Resource, TableElement, VOTableFile
from astropy.table import QTable

from skyshed.output.column_facts import ColumnFacts, facts_in, without_facts
from skyshed.output.formats import About
from skyshed.output.ordered_rows import OrderedRows
from skyshed.output.table_parts import PlainTable, from_plain

__all__ = ["read", "votable_header", "write"]

#: Integers that VOTables don't know -> those that hold them.
WIDER = {"i1": "i2", "u2": "i4", "u4": "i8"}
#: NumPy's dtypes -> the datatypes of VOTables.
DATATYPES = {
    "b1": "boolean", "u1": "unsignedByte", "i2": "short", "i4": "int", "i8": "long",
    "f4": "float", "f8": "double",
}  # fmt: skip
#: What is around the rows in the file.
BEGIN, END = b'<STREAM encoding="base64">\n', b"     </STREAM>"
#: The columns whose frame is declared, and the identifier of the declaration.
IN_ICRS, ICRS = ("ra", "dec"), "icrs"
#: Rows of base64 are groups of three bytes.
GROUP = 3


def write(path: Path, first: PlainTable, rows: OrderedRows, about: About) -> None:
    """Write a catalog; see `skyshed.output.formats`.

    Raises
    ------
    ValueError
        If a column has numbers that VOTables don't know, or texts that are not ASCII.
    """
    dtype = _row_dtype(first)
    before, after = _around(first, about)
    rest = b""
    with open(path, "wb") as file:
        file.write(before)
        for chunk in rows:
            content = rest + _stored(chunk, dtype).tobytes()
            whole = len(content) - len(content) % GROUP
            rest = content[whole:]
            file.write(base64.b64encode(content[:whole]))
        file.write(base64.b64encode(rest))
        file.write(b"\n" + after)


def read(path: Path) -> QTable:
    """Read a catalog."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VOWarning)
        (resource,) = parse(path).resources
    (content,) = resource.tables
    infos = {info.name: info.value for info in resource.infos}
    shapes = {each["name"]: each for each in json.loads(infos.pop("skyshed.shapes"))}
    columns = {}
    for field in content.fields:
        values, was = content.array[field.ID], shapes[field.name]
        values = np.ma.getdata(values)
        if np.dtype(was["dtype"]).kind == "U":
            values = np.array([str(each) for each in values], was["dtype"])
        columns[field.name] = np.asarray(values, was["dtype"]).reshape(-1, *was["shape"])
    table = from_plain(PlainTable(columns, infos.pop("skyshed.header")))
    table.meta = {
        "parameters": _kept(infos, "parameter."), "record": _kept(infos, "record."),
    }  # fmt: skip
    return table


def votable_header(plain: PlainTable, names: dict[str, str] | None = None) -> bytes:
    """Return a VOTable that says what columns are, and has no data.

    Parameters
    ----------
    plain : PlainTable
        A table with the columns, of any number of rows.
    names : dict of str, optional
        What columns are called there, by their names.
    """
    file, _, _ = _file(plain, names or {})
    content = io.BytesIO()
    file.to_xml(content)
    return content.getvalue()


def _kept(infos: dict[str, str], prefix: str) -> dict[str, Any]:
    """Return the entries whose names begin in one way, without it."""
    return {
        name.removeprefix(prefix): json.loads(value)
        for name, value in infos.items()
        if name.startswith(prefix)
    }


def _around(first: PlainTable, about: About) -> tuple[bytes, bytes]:
    """Return what is before and after the rows in the file."""
    file, resource, table = _file(first, {})
    entries = {
        **{f"parameter.{name}": value for name, value in about.parameters.to_dict().items()},
        **{f"record.{name}": value for name, value in about.record.items()},
    }
    # ASCII alone: what programs make of other letters in attributes differs.
    infos = {name: json.dumps(value) for name, value in entries.items()}
    infos["skyshed.header"] = without_facts(first.header)
    infos["skyshed.shapes"] = json.dumps(
        [
            {"name": name, "dtype": values.dtype.str, "shape": values.shape[1:]}
            for name, values in first.columns.items()
        ]
    )
    for name, value in infos.items():
        resource.infos.append(Info(name=name, value=value))
    table.create_arrays(1)  # astropy writes no data where there is no row
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VOWarning)
        file.to_xml(content, tabledata_format="binary2")
    before, begin, rest = content.getvalue().partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + begin, end + after


def _file(plain: PlainTable, names: dict[str, str]) -> tuple[Any, Any, Any]:
    """Return a file of astropy's with one table that has no fields yet, and its parts."""
    file = VOTableFile(version="1.4")
    resource = Resource(type="results")
    file.resources.append(resource)
    if set(IN_ICRS) & set(plain.columns):
        resource.coordinate_systems.append(CooSys(ID=ICRS, system="ICRS"))
    table = TableElement(file, name="CATALOG")
    resource.tables.append(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VOWarning)  # of units that the standard has no word for
        for number, each in enumerate(facts_in(plain.header)):
            table.fields.append(
                _field(file, number, each, plain.columns[each.name], names.get(each.name))
            )
    return file, resource, table


def _field(file: Any, number: int, facts: ColumnFacts, values: Any, name: str | None) -> Any:
    shape = "x".join(map(str, values.shape[:0:-1]))  # the first index of VOTables is the quickest
    if values.dtype.kind == "U":
        datatype, shape = "char", str(_width(values.dtype))
    else:
        datatype = _datatype(facts.name, values.dtype)
    field = Field(
        file, ID=f"column_{number}", name=name or facts.name, datatype=datatype,
        arraysize=shape or None, unit=_vounit(facts.unit), ucd=facts.ucd or None,
        ref=ICRS if facts.name in IN_ICRS else None,
    )  # fmt: skip
    field.description = facts.description or None
    return field


def _vounit(unit: str) -> str | None:
    """Return a unit in the words of the standard, if it has them."""
    if not unit:
        return None
    try:
        return str(u.Unit(unit).to_string("vounit"))
    except ValueError:
        return unit


def _datatype(name: str, dtype: np.dtype) -> str:
    try:
        return DATATYPES[_wider(dtype).str[1:]]
    except KeyError:
        raise ValueError(
            f"column {name!r} is {dtype}, for which VOTables have no type: choose format 'parquet'"
        ) from None


def _wider(dtype: np.dtype) -> np.dtype:
    """Return the dtype that numbers are stored in."""
    return np.dtype(WIDER.get(dtype.str[1:], dtype))


def _width(dtype: np.dtype) -> int:
    """Return how many characters a text has room for."""
    return max(dtype.itemsize // 4, 1)


def _row_dtype(first: PlainTable) -> np.dtype:
    """Return how a row lies in the file: a bit for each value that is missing, then the values."""
    fields: list[tuple[str, Any, tuple[int, ...]]] = [
        ("missing", "u1", (-(-len(first.columns) // 8),))
    ]
    for number, values in enumerate(first.columns.values()):
        kind = values.dtype.kind
        text = f"S{_width(values.dtype)}"
        stored = {"b": "S1", "U": text}.get(kind, _wider(values.dtype).newbyteorder(">"))
        fields.append((f"f{number}", stored, values.shape[1:]))
    return np.dtype(fields)


def _stored(chunk: PlainTable, dtype: np.dtype) -> Any:
    """Return rows as they lie in the file; none of their values is missing."""
    rows = np.zeros(len(chunk), dtype)
    for number, (name, values) in enumerate(chunk.columns.items()):
        if values.dtype.kind == "b":
            values = np.where(values, b"T", b"F")
        elif values.dtype.kind == "U":
            values = _ascii(name, values)
        rows[f"f{number}"] = values
    return rows


def _ascii(name: str, values: Any) -> Any:
    try:
        return np.char.encode(values, "ascii")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"column {name!r} has the text {error.object!r}, which is not ASCII, and texts of "
            "VOTables are: choose format 'parquet'"
        ) from None
