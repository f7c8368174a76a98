"""CSV that every program reads, and what its columns are in a file beside it.

The file beside it is that of the W3C's "Metadata Vocabulary for Tabular Data" (CSVW), which other
programs look for under this name. Columns of several values a row are several columns.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.output.column_facts import ColumnFacts, facts_in, without_facts
from skyshed.output.formats import FORMATS, About
from skyshed.output.ordered_rows import OrderedRows
from skyshed.output.table_parts import PlainTable, from_plain

__all__ = ["metadata_path", "read", "write"]

#: Kinds of NumPy's dtypes -> the names of their types in CSVW.
TYPES = {"f": "double", "i": "integer", "u": "nonNegativeInteger", "b": "boolean", "U": "string"}
#: Of numbers that are none: programs that guess types take it for a number.
NAN = "NaN"
DIALECT = {"header": True, "delimiter": ",", "quoteChar": '"'}


def metadata_path(path: Path) -> Path:
    """Return the path of what is beside a file."""
    return path.with_name(path.name + FORMATS["csv"].beside)


def write(path: Path, first: PlainTable, rows: OrderedRows, about: About) -> None:
    """Write a catalog; see `skyshed.output.formats`."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name for name, _ in _flat(first.columns)])
        for chunk in rows:
            texts = [_texts(values) for _, values in _flat(chunk.columns)]
            writer.writerows(zip(*texts, strict=True))
    facts = {each.name: each for each in facts_in(first.header)}
    content = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": about.file,
        "dialect": DIALECT,
        "tableSchema": {
            "columns": [
                column
                for name, values in first.columns.items()
                for column in _described(name, values, facts[name])
            ]
        },
        "skyshed:parameters": about.parameters.to_dict(),
        "skyshed:record": dict(about.record),
        "skyshed:rows": len(rows),
        "skyshed:columns": [
            {"name": name, "dtype": values.dtype.str, "shape": values.shape[1:]}
            for name, values in first.columns.items()
        ],
        "skyshed:header": without_facts(first.header),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    metadata_path(path).write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> QTable:
    """Read a catalog, with what is beside it.

    Raises
    ------
    ValueError
        If there is nothing beside it, which says what the columns are, or rows are missing.
    """
    beside = metadata_path(path)
    if path.exists() and not beside.exists():
        raise ValueError(f"{beside.name}, which says what its columns are, is not beside it")
    about = json.loads(beside.read_text(encoding="utf-8"))
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        rows = list(reader)
    if len(rows) != about["skyshed:rows"]:
        raise ValueError(f"it has {len(rows)} rows, and was written with {about['skyshed:rows']}")
    texts = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    columns = {}
    for each in about["skyshed:columns"]:
        dtype, shape = np.dtype(each["dtype"]), tuple(each["shape"])
        parts = [
            _values(texts.get(name, ()), dtype) for name, _ in _flat_names(each["name"], shape)
        ]
        columns[each["name"]] = np.stack(parts, axis=-1).reshape(len(rows), *shape)
    table = from_plain(PlainTable(columns, about["skyshed:header"]))
    table.meta = {key: about[f"skyshed:{key}"] for key in ("parameters", "record")}
    return table


def _flat(columns: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield columns of one value a row; the others are several, which have numbers."""
    for name, values in columns.items():
        for each, index in _flat_names(name, values.shape[1:]):
            yield each, values[(slice(None), *index)]


def _flat_names(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the names of the columns that one of several values a row is, and where each is in it.

    Examples
    --------
    >>> from skyshed.output.formats.csv_text import _flat_names
    >>> [name for name, _ in _flat_names("sky.ra", ())], [n for n, _ in _flat_names("xy", (2,))]
    (['sky_ra'], ['xy_0', 'xy_1'])
    """
    # A dot in a name is a column of a table to SQL.
    name = name.replace(".", "_")
    for index in np.ndindex(shape):
        yield "_".join([name, *map(str, index)]), index


def _described(name: str, values: Any, facts: ColumnFacts) -> Iterator[dict[str, Any]]:
    """Yield what is said of the columns that one is."""
    for each, _ in _flat_names(name, values.shape[1:]):
        said = {
            "name": each, "titles": each, "datatype": TYPES[values.dtype.kind],
            "dc:description": facts.description, "skyshed:unit": facts.unit,
            "skyshed:ucd": facts.ucd,
        }  # fmt: skip
        yield {key: value for key, value in said.items() if value}


def _texts(values: Any) -> list[Any]:
    """Return the values of a column as they are written, so that reading them gives the same."""
    if values.dtype.kind == "f":
        texts: list[Any] = values.astype(str).tolist()
        return [NAN if text == "nan" else text for text in texts]
    if values.dtype.kind == "b":
        values = np.where(values, "true", "false")
    listed: list[Any] = values.tolist()
    return listed


def _values(texts: Any, dtype: np.dtype) -> Any:
    """Return the values that were written."""
    if dtype.kind == "b":
        return np.array([text == "true" for text in texts], bool)
    if dtype.kind in "iu":
        return np.array([int(text) for text in texts], dtype)
    if dtype.kind == "f":
        return np.array([dtype.type(text) for text in texts], dtype)
    return np.array(texts, dtype)
