"""Rows of a table that arrive in any order, brought into theirs on disk."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from skyshed.output.table_parts import PlainTable

__all__ = ["BUFFER", "OrderedRows", "refuse_wider", "write_at", "write_rows"]

#: Bytes of rows that are put together before they are written.
BUFFER = 4 << 20
#: Bytes of rows that are read at a time: as texts they take ten times as many.
READ = 1 << 20
#: Bytes of all rows that stay in memory.
IN_MEMORY = 8 << 20


class OrderedRows:
    """The rows of a table, each in its place; they are read one after the other.

    Parameters
    ----------
    first : PlainTable
        A part, by which the columns are known.
    n_rows : int
        The rows of all parts.
    folder : path
        Where there is room for them, if there are many.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from skyshed.output.ordered_rows import OrderedRows
    >>> from skyshed.output.table_parts import to_plain
    >>> parts = [to_plain(QTable({"label": labels})) for labels in ([1, 4], [2, 3])]
    >>> with OrderedRows(parts[0], 4, ".") as rows:
    ...     for part in parts:
    ...         rows.add(part)
    ...     [chunk.columns["label"].tolist() for chunk in rows]
    [[1, 2, 3, 4]]
    """

    def __init__(self, first: PlainTable, n_rows: int, folder: Path | str) -> None:
        self._header, self._n_rows = first.header, n_rows
        self._names = list(first.columns)
        # Fields have numbers: names of columns may be any text.
        self._dtype = np.dtype(
            [
                (f"f{number}", each.dtype.newbyteorder("="), each.shape[1:])
                for number, each in enumerate(first.columns.values())
            ]
        )
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def add(self, part: PlainTable) -> None:
        """Add a part.

        Raises
        ------
        ValueError
            If its texts are wider than those of the first.
        """
        rows = np.empty(len(part), self._dtype)
        for field, name in zip(self._dtype.names or (), self._names, strict=True):
            values = part.columns[name]
            if values.dtype.kind == "U":
                refuse_wider(name, values, self._dtype[field].base.itemsize // 4)
            rows[field] = values
        write_rows(self._file, 0, rows, part.places)

    def __len__(self) -> int:
        return self._n_rows

    def __iter__(self) -> Iterator[PlainTable]:
        self._file.seek(0)
        most = max(READ // max(self._dtype.itemsize, 1), 1)
        for at in range(0, self._n_rows, most):
            n = min(most, self._n_rows - at)
            rows = np.empty(n, self._dtype)
            read_into(self._file, rows.view(np.uint8).data)
            columns = {
                name: rows[field]
                for field, name in zip(self._dtype.names or (), self._names, strict=True)
            }
            yield PlainTable(columns, self._header, np.arange(at, at + n))

    def __enter__(self) -> "OrderedRows":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._file.close()


def write_rows(file: Any, start: int, rows: Any, places: Any) -> None:
    """Write rows of a table that begins at a byte of a file, each in its place.

    Other rows may lie between them, so that what is there is read, changed and written again.
    """
    order = np.argsort(places, kind="stable")
    places = places[order]
    most = max(BUFFER // rows.itemsize, 1)
    at = 0
    while at < len(places):
        first = int(places[at])
        end = int(np.searchsorted(places, first + most))
        last = int(places[end - 1]) + 1
        stored = np.zeros(last - first, rows.dtype)
        content = stored.view(np.uint8).data
        if end - at < last - first:
            file.seek(start + first * rows.itemsize)
            read_into(file, content)
        stored[places[at:end] - first] = rows[order[at:end]]
        write_at(file, start + first * rows.itemsize, content)
        at = end


def read_into(file: Any, content: Any) -> None:
    """Read what there is of some bytes; those that the file has not yet are 0."""
    while len(content):
        got = file.readinto(content)
        if not got:
            return
        content = content[got:]


def write_at(file: Any, at: int, content: Any) -> None:
    """Write all bytes, from one of the file on."""
    file.seek(at)
    left = memoryview(content)
    while len(left):
        left = left[file.write(left) :]


def refuse_wider(name: str, values: Any, width: int) -> None:
    """Refuse texts for which the first part left no room."""
    longest = int(np.strings.str_len(values).max())
    if longest > width:
        raise ValueError(
            f"column {name!r} has texts of up to {longest} characters, and the first part's are "
            f"{width} wide: give them the same dtype in all parts"
        )
