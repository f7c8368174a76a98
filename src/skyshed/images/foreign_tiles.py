"""Compressed tiles that astropy's C library decodes: looked through before, since it trusts them.

A tile of HCOMPRESS_1 or PLIO_1 says itself how large it is and where it ends. What it says in a
damaged file would be written beyond the memory that there is for its pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.packed import STREAMS, compression_of, opened
from skyshed.images.pixels import RefusedError
from skyshed.images.reading import reading_threads
from skyshed.images.tile_grid import TileGrid
from skyshed.images.tile_table import Table, table_of
from skyshed.images.window import Window
from skyshed.kernels.hcompress import check_tiles

__all__ = ["ForeignTiles", "foreign_tiles"]

#: What each algorithm writes, as TFORM says it: bytes, and words of 16 bits.
KINDS = {"HCOMPRESS_1": "B", "PLIO_1": "I"}
#: What is wrong with a tile, as `check_tiles` says it.
WRONG = {
    1: "its bytes end before its pixels do",
    2: "it does not begin as HCOMPRESS_1 does",
    3: "it says that it has another size",
    4: "it has a code that there is not",
}
#: Words of a list of PLIO_1 before its first instruction: with a short header, and with a long one.
SHORT, LONG = 3, 7


@dataclass(frozen=True, eq=False)
class ForeignTiles:
    """Where the tiles of a compressed image are.

    Attributes
    ----------
    algorithm : {"HCOMPRESS_1", "PLIO_1"}
        How they are compressed.
    grid : TileGrid
        Where they lie.
    table : Table
        Where their bytes are.
    wide : bool
        Whether their numbers are decoded to 64 bits.
    packed_by : tuple of str, or None
        What compressed the file as a whole, as `compression_of` says it.
    """

    algorithm: str
    grid: TileGrid
    table: Table
    wide: bool
    packed_by: tuple[str, str] | None

    def check(
        self, path: str, axes: tuple[int, int], first: tuple[int, ...], window: Window
    ) -> None:
        """Look through the tiles of a window; see `RiceImage.read` for the arguments.

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If a tile is damaged, or the file cut off.
        """
        part = self.grid.part(axes, first, window)
        if not len(part.numbers):
            return
        with opened(path, self.packed_by) as file:
            rows = self.table.rows(file, part.numbers)
            lengths = rows["COMPRESSED_DATA"][:, 0].astype(np.int64)
            coded = np.flatnonzero(lengths)
            stream, begins = self.table.streams(
                file, "COMPRESSED_DATA", rows[coded], part.numbers[coded]
            )
        if self.algorithm == "PLIO_1":
            words = np.dtype(">i2")  # they may begin at an odd byte
            wrong = [
                _wrong_list(stream[begin : begin + length * words.itemsize].view(words))
                for begin, length in zip(begins, lengths[coded], strict=True)
            ]
        else:
            shapes = np.array([self._shape(int(k), part) for k in coded], np.int64).reshape(-1, 2)
            tiles = np.column_stack((begins, lengths[coded], shapes))
            state = check_tiles(stream, tiles, self.wide, reading_threads())
            wrong = [WRONG.get(int(each), "") for each in state]
        for k, why in zip(coded, wrong, strict=True):
            if why:
                raise ValueError(f"{part.named(int(k))} is damaged: {why}")

    def _shape(self, k: int, part: Any) -> tuple[int, int]:
        """Return how many rows and columns a tile of HCOMPRESS_1 has: lengths of 1 do not count."""
        number, index = int(part.numbers[k]), []
        for length, side in zip(self.grid.shape[::-1], self.grid.tile[::-1], strict=True):
            number, at = divmod(number, -(-length // side))
            index.append(min(side, length - at * side))
        lengths = [length for length in index[::-1] if length != 1]
        if len(lengths) != 2:
            raise ValueError(f"{part.named(k)} has {len(lengths)} axes; HCOMPRESS_1 needs 2")
        return lengths[0], lengths[1]


def _wrong_list(words: Any) -> str:
    """Say what is wrong with a list of PLIO_1; nothing if its ends are those of its words."""
    if len(words) < SHORT:
        return WRONG[1]
    if words[2] > 0:
        end, first = int(words[2]), SHORT
    elif len(words) < LONG:
        return WRONG[1]
    else:
        end, first = (int(words[4]) << 15) + int(words[3]), int(words[1])
    if first < SHORT or end < 0:
        return WRONG[4]
    return WRONG[1] if end > len(words) else ""


def foreign_tiles(hdu: Any, at: int, label: str) -> ForeignTiles | None:
    """Return where the tiles of an image are that astropy decodes in C; `None` if it has none.

    Parameters
    ----------
    hdu, at, label
        As for `skyshed.images.rice.rice_image`; of a file that is compressed as a whole, positions
        are those in its content.

    Raises
    ------
    RefusedError
        If tiles are of another kind than the algorithm's, or the header contradicts itself, or the
        file is compressed as a whole by what leaves no way to its content but astropy's.
    """
    algorithm = str(hdu.header.get("ZCMPTYPE", "")).strip()
    if algorithm not in KINDS:
        return None
    for column in hdu.columns:
        if column.name == "COMPRESSED_DATA" and KINDS[algorithm] not in column.format[:3]:
            raise RefusedError(
                f"{label}: TFORM of COMPRESSED_DATA is {column.format!r}; tiles of {algorithm} are "
                f"'1P{KINDS[algorithm]}' or '1Q{KINDS[algorithm]}'"
            )
    table = table_of(hdu, at, label)
    if table is None:
        return None
    packed_by = compression_of(hdu.fileinfo()["file"].name or "")
    if packed_by is not None and packed_by[0] not in STREAMS:
        raise RefusedError(
            f"{label} has tiles of {algorithm} in a file compressed by {packed_by[0]}, where they "
            f"can't be looked through before they are decoded: unpack it with {packed_by[1]}"
        )
    wide = hdu.header.get("ZBITPIX") not in (8, 16)
    return ForeignTiles(algorithm, TileGrid.of(hdu.header, label), table, wide, packed_by)
