"""Catalogs that need not fit into memory, written part by part."""

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from skyshed.arguments import check_choice
from skyshed.images.astropy_says import quiet
from skyshed.output.atomic import whole_file
from skyshed.output.fits_parts import padding
from skyshed.output.fits_tables import CATALOG, NO_WORD, bytes_beside, file_header, with_units
from skyshed.output.formats import FORMATS, About, module_of
from skyshed.output.ordered_rows import OrderedRows, refuse_wider, write_at, write_rows
from skyshed.output.plain_fits import stored_as
from skyshed.output.table_parts import PlainTable, check_same_columns, from_plain, to_plain
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import, and not needed to write columns of the usual kinds
    from astropy.table import QTable

__all__ = ["FitsColumns", "stream_catalog", "write_fits"]

#: The version of Parquet's types that astropy writes.
PARQUET_VERSION = "2.4"


def stream_catalog(
    parts: Iterable[PlainTable],
    n_rows: int,
    path: str | os.PathLike[str],
    parameters: Parameters,
    record: dict[str, str],
    format: str = "fits",
    empty: "QTable | None" = None,
    shape: tuple[int, int] | None = None,
    wcs: Any = None,
) -> None:
    """Write a catalog of which the parts arrive one after the other.

    FITS is, byte for byte, what `skyshed.output.catalogs.write_catalog` writes of the parts that
    `skyshed.output.table_parts.concatenated` puts together: its rows are in their places. Parquet
    has the rows in the order of the parts, each of which is a row group. All others have them in
    their order: they wait for their turn on disk. All formats take the memory of a part.

    Parameters
    ----------
    parts : iterable of PlainTable
        The parts, each asked for when the one before is written. They know the places of their
        rows, or have a column ``label``: together the labels 1 to ``n_rows``, each once.
    n_rows : int
        The rows of all parts together.
    path : path
        The file, which takes its name when it is complete.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : dict of str
        Versions, date and input.
    format : str, optional
        The file's, one of `skyshed.output.formats.FORMATS`.
    empty : `~astropy.table.QTable`, optional
        The table to be written if there is no row. It can be left out if there is a part.
    shape : tuple of int, optional
        Of the image, for formats that tell of it.
    wcs : object, optional
        Its celestial WCS.

    Raises
    ------
    ValueError
        If columns of parts differ, or labels are not those expected.
    ImportError
        If the format needs a package that is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed import Parameters
    >>> from skyshed.output.table_parts import to_plain
    >>> from skyshed.output.catalog_parts import stream_catalog
    >>> from skyshed.output.catalogs import read_catalog
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "catalog.fits"
    >>> parts = (to_plain(QTable({"label": labels})) for labels in ([1, 4], [2, 3]))
    >>> stream_catalog(parts, 4, path, Parameters(), {})
    >>> read_catalog(path)["label"].tolist()
    [1, 2, 3, 4]
    """
    check_choice(format, "format", tuple(FORMATS))
    checked = _Checked(parts, n_rows)
    rows = iter(checked)
    first = next(rows, None)
    some = first if first is not None else checked.first
    if some is None:
        if empty is None:
            raise ValueError("there is no part: give empty, the table without rows")
        some = to_plain(empty)
    every = rows if first is None else chain([first], rows)
    about = About(Path(path).name, parameters, record, shape, wcs)
    beside = FORMATS[format].beside
    with whole_file(Path(path)) as part:
        try:
            writer = _WRITERS.get(format) or partial(_write_in_order, module_of(format))
            writer(every, n_rows, part, some, about)
            if beside:
                os.replace(f"{part}{beside}", f"{path}{beside}")
        finally:
            if beside:
                Path(f"{part}{beside}").unlink(missing_ok=True)


def _write_in_order(
    module: Any, parts: Iterable[PlainTable], n_rows: int, path: Path, some: PlainTable,
    about: About,
) -> None:  # fmt: skip
    """Write a format whose rows come one after the other; they wait on disk for their turn."""
    with OrderedRows(some, n_rows, path.parent) as rows:
        for each in parts:
            rows.add(each)
        module.write(path, some[:0], rows, about)


def _write_as_fits(
    parts: Iterable[PlainTable], n_rows: int, path: Path, some: PlainTable, about: About
) -> None:
    """Write FITS."""
    if not n_rows:
        from skyshed.output.fits_catalog import write_fits_catalog  # which takes astropy's table

        write_fits_catalog(from_plain(some), path, about.parameters, about.record)
        return
    before = fits.PrimaryHDU(header=file_header(about.record)).header.tostring().encode("ascii")
    after = bytes_beside(about.parameters, about.record)
    write_fits(parts, n_rows, path, FitsColumns.of(some), before, after)


def _write_as_parquet(
    parts: Iterable[PlainTable], n_rows: int, path: Path, some: PlainTable, about: About
) -> None:
    """Write Parquet: what it makes of the columns is seen from a single row."""
    from skyshed.output.formats import parquet_schema

    with tempfile.TemporaryDirectory() as folder:
        schema = parquet_schema.schema_of(some, about, Path(folder))
    _write_row_groups(parts, path, schema)


#: What writes the formats that are filled part by part.
_WRITERS: dict[str, Callable[..., None]] = {"fits": _write_as_fits, "parquet": _write_as_parquet}


@dataclass
class _Checked:
    """The parts that have rows; it is seen that they fit together and nothing is missing."""

    parts: Iterable[PlainTable]
    n_rows: int
    first: PlainTable | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[PlainTable]:
        seen = np.zeros(self.n_rows, bool)
        for part in self.parts:
            self.first = self.first or part
            check_same_columns(part, self.first)
            if len(part) == 0:
                continue
            if len(self.first) == 0:
                self.first = part
            self._see(part.places + 1, seen)
            yield part
        if not seen.all():
            raise ValueError(
                f"the parts have {np.count_nonzero(seen)} rows of {self.n_rows}; the first label "
                f"that is missing is {np.argmin(seen) + 1}"
            )

    def _see(self, labels: Any, seen: Any) -> None:
        """Note the labels of a part, each of which comes once."""
        outside = (labels < 1) | (labels > self.n_rows)
        if outside.any():
            raise ValueError(
                f"labels must be 1 to n_rows = {self.n_rows}, a part has {labels[outside][0]}"
            )
        again = seen[labels - 1]
        if again.any() or np.unique(labels).size < labels.size:
            values, counts = np.unique(labels, return_counts=True)
            twice = labels[again][0] if again.any() else values[counts > 1][0]
            raise ValueError(f"labels must be in one part, and once: {twice} comes again")
        seen[labels - 1] = True


def _write_row_groups(parts: Iterable[PlainTable], path: Path, schema: Any) -> None:
    """Write each part as a row group, in the manner of a file of astropy's."""
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetWriter(path, schema, version=PARQUET_VERSION) as writer:
        for part in parts:
            arrays = []
            for name, column in zip(part.columns, schema, strict=True):
                values = part.columns[name]
                width = schema.metadata.get(f"table::len::{column.name}".encode())
                if width is not None:
                    refuse_wider(column.name, values, int(width))
                arrays.append(_arrow(values, column.type, pyarrow))
            table = pyarrow.Table.from_arrays(arrays, schema=schema)
            writer.write_table(table, row_group_size=len(part))


def _arrow(values: Any, type_: Any, pyarrow: Any) -> Any:
    """Return a column as an array of Arrow; those of several values a row are lists."""
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.ndim == 1:
        return pyarrow.array(values, type=type_)
    flat = pyarrow.array(values.ravel(), type=type_.value_type)
    return pyarrow.FixedSizeListArray.from_arrays(flat, type_.list_size)


@dataclass(frozen=True)
class FitsColumns:
    """How a table's columns are stored in FITS: as astropy writes them.

    Attributes
    ----------
    dtype : dtype
        Of a row.
    names : tuple of str
        Of the columns.
    header : bytes
        The header of a table of one row.
    """

    dtype: Any
    names: tuple[str, ...]
    header: bytes

    @classmethod
    def of(cls, table: PlainTable, name: str = CATALOG) -> "FitsColumns":
        """Return how the columns of a table are stored; those of many images are looked at once."""
        columns = ((name, each.dtype, each.shape[1:]) for name, each in table.columns.items())
        return _fits_columns(_Row(table[:1], (*columns, table.header)), name)

    def header_of(self, n_rows: int) -> bytes:
        """Return the header of a table of so many rows."""
        one, all_rows = (b"NAXIS2  = %20d" % n for n in (1, n_rows))
        return self.header.replace(one, all_rows, 1)


@dataclass(frozen=True)
class _Row:
    """A row that is equal to others of the same columns."""

    table: PlainTable = field(compare=False)
    columns: tuple[Any, ...]


def _one_row(table: PlainTable) -> PlainTable:
    """Return a table with the columns of another, and a row of zeros."""
    columns = {
        name: np.zeros((1, *each.shape[1:]), each.dtype) for name, each in table.columns.items()
    }
    return PlainTable(columns, table.header)


@lru_cache(maxsize=8)
def _fits_columns(row: _Row, name: str) -> FitsColumns:
    known = stored_as(row.table, name)
    if known is not None:
        return FitsColumns(*known)
    content = io.BytesIO()
    table = from_plain(row.table)
    if not len(table):  # astropy writes other headers of tables without rows
        table = from_plain(_one_row(row.table))
    table = with_units(table, name)
    with quiet(NO_WORD):
        table.write(content, format="fits")
    written = content.getvalue()
    with fits.open(io.BytesIO(written)) as hdus:
        hdu = hdus[name]
        where, names = hdu.fileinfo(), hdu.columns.names
        header = written[where["hdrLoc"] : where["datLoc"]]
        return FitsColumns(hdu.columns.dtype.newbyteorder(">"), tuple(names or ()), header)


def write_fits(
    parts: Iterable[PlainTable],
    n_rows: int,
    path: Path,
    columns: FitsColumns,
    before: bytes,
    after: bytes,
) -> None:
    """Write each row in its place, between what comes before and after the table."""
    dtype, names = columns.dtype, columns.names
    before += columns.header_of(n_rows)
    start, size = len(before), n_rows * dtype.itemsize
    # Not through a map of memory: where there is no room on the disk, that ends the process.
    with open(path, "w+b", buffering=0) as file:
        write_at(file, 0, before)
        write_at(file, start + size, padding(size) + after)
        for part in parts:
            rows = np.empty(len(part), dtype)
            for field_, name in zip(dtype.names, names, strict=True):
                rows[field_] = _as_fits(name, part.columns[name], dtype[field_])
            write_rows(file, start, rows, part.places)


def _as_fits(name: str, values: Any, dtype: np.dtype) -> Any:
    """Return a column as a FITS table stores it, in the shape that the table has for it."""
    kind = values.dtype.kind
    if kind == "b":
        values = np.where(values, np.int8(ord("T")), np.int8(ord("F")))
    elif kind == "U":
        refuse_wider(name, values, dtype.base.itemsize)
        values = np.char.encode(values, "ascii")
    elif values.dtype == np.int8 or (kind == "u" and values.dtype.itemsize > 1):
        raise ValueError(
            f"column {name!r} is {values.dtype}, which FITS shifts by an offset and which cannot "
            "be written by parts: choose format 'parquet'"
        )
    return values.reshape(len(values), *dtype.shape)
