"""ECSV that other programs read: plain columns with units, without tags of Python's objects.

astropy writes coordinates, and units of Quantities, as tags of YAML that TOPCAT and STILTS refuse.
What makes the plain columns into these again is a text in the metadata.
"""

import io
from pathlib import Path

import numpy as np
from astropy.table import Column, QTable, Table

from skyshed.output.column_facts import facts_in, without_facts
from skyshed.output.formats import About
from skyshed.output.ordered_rows import OrderedRows
from skyshed.output.table_parts import PlainTable, from_plain

__all__ = ["read", "write"]

#: The entry of the metadata that tells what columns are made into.
COLUMNS = "columns"
ASTROPY = "ascii.ecsv"


def write(path: Path, first: PlainTable, rows: OrderedRows, about: About) -> None:
    """Write a catalog; see `skyshed.output.formats`."""
    head = _table(first)
    head.meta = {
        "parameters": about.parameters.to_dict(), "record": dict(about.record),
        COLUMNS: without_facts(first.header),
    }  # fmt: skip
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(_text(head))
        for chunk in rows:
            text = _text(_table(chunk, described=False))
            file.write(text[_end_of_head(text) :])


def read(path: Path) -> QTable:
    """Read a catalog, also one of an earlier version, which astropy wrote."""
    table = Table.read(path, format=ASTROPY)
    if COLUMNS not in table.meta:
        return QTable.read(path, format=ASTROPY)
    columns = {name: _filled(table[name]) for name in table.colnames}
    whole = from_plain(PlainTable(columns, table.meta.pop(COLUMNS)))
    whole.meta = dict(table.meta)
    return whole


def _table(plain: PlainTable, described: bool = True) -> Table:
    """Return plain columns as a table of astropy's."""
    table = Table({name: Column(values) for name, values in plain.columns.items()}, copy=False)
    for each in facts_in(plain.header) if described else ():
        column = table[each.name]
        column.unit, column.description = each.unit or None, each.description or None
        if each.ucd:
            column.meta["ucd"] = each.ucd
    return table


def _text(table: Table) -> str:
    content = io.StringIO()
    table.write(content, format=ASTROPY)
    return content.getvalue()


def _end_of_head(text: str) -> int:
    """Return where the rows begin: after the comments and the names of the columns."""
    at = 0
    while text.startswith("#", at):
        at = text.index("\n", at) + 1
    return text.index("\n", at) + 1


def _filled(column: Column) -> np.ndarray:
    """Return the values of a column; texts that are empty are masked when they are read."""
    filled: np.ndarray = np.asarray(column.filled("") if hasattr(column, "filled") else column)
    return filled
