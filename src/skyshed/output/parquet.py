"""Parquet catalogs back, by pyarrow alone: astropy's own reader asks for pandas too."""

import os
import re
from typing import Any

from astropy.table import Column, QTable, Table, meta, serialize

__all__ = ["METADATA", "read_parquet", "rebuilt"]

#: Where astropy's writer keeps units, descriptions and what columns of coordinates were made of.
METADATA = b"table_meta_yaml"
#: The shape of each row of a column, in what the header calls its subtype: ``float64[2,2]``.
SHAPE = re.compile(r"\[(\d+(?:,\d+)*)\]$")
ATTRIBUTES = ("unit", "description", "format", "meta")


def read_parquet(path: str | os.PathLike[str]) -> QTable:
    """Read a table that astropy wrote as Parquet.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    table : `~astropy.table.QTable`
        With its units, coordinates and metadata.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        If the file was not written by astropy.
    """
    from pyarrow import parquet

    content = parquet.read_table(path)
    kept = content.schema.metadata or {}
    if METADATA not in kept:
        raise ValueError(
            f"{os.fspath(path)}: has no metadata of astropy's, so no units: read it "
            "with pyarrow.parquet.read_table instead"
        )
    header = meta.get_header_from_yaml(kept[METADATA].decode().split("\n"))
    subtypes = {each["name"]: each.get("subtype", "") for each in header["datatype"]}
    columns = {
        name: _values(
            content[name], kept.get(f"table::len::{name}".encode()), SHAPE.search(subtypes[name])
        )
        for name in content.column_names
    }
    return rebuilt(columns, header)


def rebuilt(columns: dict[str, Any], header: dict[str, Any]) -> QTable:
    """Make a table of plain columns and of what a header of astropy's says about them."""
    about = {each["name"]: each for each in header["datatype"]}
    table = Table()
    for name, values in columns.items():
        column = Column(values)
        for attribute in ATTRIBUTES:
            if attribute in about[name]:
                setattr(column, attribute, about[name][attribute])
        table[name] = column
    table.meta.update(header.get("meta", {}))
    return QTable(serialize._construct_mixins_from_columns(table))


def _values(column: Any, width: bytes | None, shape: re.Match[str] | None) -> Any:
    """Return a column as an array; texts have the width they had, and arrays the shape."""
    if shape is None:
        values = column.to_numpy()
    else:
        values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        values = values.reshape(len(column), *map(int, shape[1].split(",")))
    return values if width is None else values.astype(f"U{int(width)}")
