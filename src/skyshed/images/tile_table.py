"""The binary table that a compressed image is in its file: a row for each tile, and their bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.pixels import RefusedError
from skyshed.images.stored_rows import read_into

__all__ = ["Table", "table_of"]

#: Columns whose rows say where the bytes of a tile are, and what these are there, by TFORM.
TILES = {
    "COMPRESSED_DATA": {"B": "u1", "I": ">i2"},
    "GZIP_COMPRESSED_DATA": {"B": "u1"},
    "UNCOMPRESSED_DATA": {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"},
}
#: Columns of numbers, one for each tile, and what they may be.
NUMBERS = {"ZSCALE": "f", "ZZERO": "f", "ZBLANK": "iu"}
#: Bytes between two tiles that are read with them: to seek takes longer.
GAP = 1 << 16


@dataclass(frozen=True, eq=False)
class Table:
    """Where rows and bytes are.

    Attributes
    ----------
    begins : int
        The byte of the file at which the first row begins.
    n_rows : int
        How many there are.
    row : dtype
        What a row is in the file.
    dtypes : mapping of str to dtype
        What columns hold; of those that say where bytes are, what these are.
    heap : int
        The byte of the file at which the bytes of the tiles begin.
    heap_bytes : int
        How many there are.
    """

    begins: int
    n_rows: int
    row: np.dtype
    dtypes: Mapping[str, np.dtype]
    heap: int
    heap_bytes: int

    def rows(self, file: Any, numbers: Any) -> Any:
        """Return some rows; ``numbers`` are sorted, from 0.

        Raises
        ------
        ValueError
            If there are too few, or the file is cut off.
        """
        low, high = int(numbers[0]), int(numbers[-1]) + 1
        if high > self.n_rows:
            raise ValueError(f"the table has {self.n_rows} rows, and tile {high} is wanted")
        size = self.row.itemsize
        content = np.empty((high - low) * size, np.uint8)
        _read(file, self.begins + low * size, content)
        return content.view(self.row)[numbers - low]

    def streams(self, file: Any, column: str, rows: Any, numbers: Any) -> tuple[Any, Any]:
        """Return the bytes of some tiles, and where those of each begin.

        Raises
        ------
        ValueError
            If a row names bytes that are none of the table's, or the file is cut off.
        """
        lengths, first = (rows[column][:, each].astype(np.int64) for each in (0, 1))
        size = self.dtypes[column].itemsize
        # Divided, as a product could be too large for 64 bits.
        wrong = (lengths < 0) | (first < 0) | (first > self.heap_bytes)
        wrong |= lengths > (self.heap_bytes - first) // size
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"tile {numbers[k] + 1} is damaged: {column} says {lengths[k]} from {first[k]} on, "
                f"and there are {self.heap_bytes} bytes"
            )
        begins = np.empty(len(rows), np.int64)
        parts, total = [], 0
        for low, high, some in _joined(first, first + lengths * size):
            begins[some] = first[some] - low + total
            parts.append((low, total, high - low))
            total += high - low
        content = np.empty(total, np.uint8)
        for low, at, length in parts:
            _read(file, self.heap + low, content[at : at + length])
        return content, begins


def _joined(first: Any, stop: Any) -> Any:
    """Yield ranges of bytes that hold those of tiles: where each begins, ends, and which tiles."""
    if not len(first):
        return
    order = np.argsort(first, kind="stable")
    reached = np.maximum.accumulate(stop[order])
    apart = np.flatnonzero(first[order][1:] > reached[:-1] + GAP) + 1
    for some in np.split(np.arange(len(order)), apart):
        yield int(first[order[some[0]]]), int(reached[some[-1]]), order[some]


def _read(file: Any, begin: int, content: Any) -> None:
    """Fill an array with the bytes of a file from one on."""
    file.seek(begin)
    read_into(memoryview(content), file)


def table_of(hdu: Any, at: int, label: str) -> Table | None:
    """Return the table of a compressed image; `None` if a column is of another kind than usual.

    Parameters
    ----------
    hdu : BinTableHDU
        The table.
    at : int
        The byte of the file from which on its positions are counted.
    label : str
        What messages call the image.

    Raises
    ------
    RefusedError
        If it has a column that says which pixels are bad, which is not read.
    """
    header = hdu.header
    row = hdu.columns.dtype.newbyteorder(">")
    formats = {str(column.name): str(column.format) for column in hdu.columns}
    if "NULL_PIXEL_MASK" in formats:
        raise RefusedError(
            f"{label} says by NULL_PIXEL_MASK which pixels have no value, and that is not read: "
            "write the image anew with ZBLANK or NaN in their place"
        )
    dtypes = {}
    for name, known in TILES.items():
        if name in formats:
            kind = re.match(r"1?[PQ]([A-Z])", formats[name])
            if kind is None or kind[1] not in known:
                return None
            dtypes[name] = np.dtype(known[kind[1]])
    for name, kinds in NUMBERS.items():
        if name in formats:
            if row[name].shape not in ((), (1,)) or row[name].base.kind not in kinds:
                return None
            dtypes[name] = row[name].base
    if "COMPRESSED_DATA" not in dtypes or row.itemsize != header["NAXIS1"]:
        return None
    begins = at + int(hdu.fileinfo()["datLoc"])
    size = int(header["NAXIS1"]) * int(header["NAXIS2"])
    heap = int(header.get("THEAP", size))
    return Table(
        begins, int(header["NAXIS2"]), row, dtypes, begins + heap,
        max(size + int(header["PCOUNT"]) - heap, 0),
    )  # fmt: skip
