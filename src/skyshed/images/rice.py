"""Images of FITS files that are compressed by tiles with RICE_1: windows read their tiles alone.

FITS standard 4.0, section 10. Images that are compressed in another way are left to astropy.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.blanks import PLAIN
from skyshed.images.pixels import RefusedError
from skyshed.images.reading import reading_threads
from skyshed.images.scaling import FLOATS
from skyshed.images.tile_grid import TileGrid, TilePart
from skyshed.images.tile_table import Table, table_of
from skyshed.images.window import Window
from skyshed.kernels.rice import NO_BLANK, Coding, decode_tiles
from skyshed.kernels.rice.dithering import RANDOMS
from skyshed.namespace import to_device, to_host

__all__ = ["RiceImage", "rice_image"]

#: ZQUANTIZ -> by which method floats were dithered.
DITHERS = {"NO_DITHER": 0, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}
#: What is wrong with a tile, as `decode_tiles` says it.
WRONG = {
    1: "its bytes end before its pixels do",
    2: "bytes are left over where its pixels end",
    3: "a block has a code that there is not",
}
#: Columns of tiles that did not become smaller.
GZIP, PLAIN_TILES = "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"


@dataclass(frozen=True, eq=False)
class RiceImage:
    """What has to be known of a compressed image so that its windows can be read.

    Attributes
    ----------
    grid : TileGrid
        Where its tiles lie.
    table : Table
        Where their bytes are.
    stored : dtype
        Of the numbers, before BSCALE and BZERO.
    coding : Coding
        What all tiles have in common.
    scale, zero : float or None
        ZSCALE and ZZERO of all tiles; `None` where each has its own.
    blank : int or None
        ZBLANK of all tiles.
    seed : int
        ZDITHER0.
    """

    grid: TileGrid
    table: Table
    stored: np.dtype
    coding: Coding
    scale: float | None
    zero: float | None
    blank: int | None
    seed: int

    def read(
        self,
        path: str,
        axes: tuple[int, int],
        first: tuple[int, ...],
        window: Window,
        device: str | None = None,
    ) -> Any:
        """Return a window of the numbers as they were stored before they were compressed.

        Parameters
        ----------
        path : str
            The file.
        axes : tuple of int
            Which axes of the HDU the image has.
        first : tuple of int
            Where on each axis of the HDU its first pixel is.
        window : Window
            What to read.
        device : {None, 'cpu', 'cuda'}, optional
            Where the numbers are wanted: compressed bytes are what goes there.

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If a tile is damaged, or the file cut off.
        """
        part = self.grid.part(axes, first, window)
        move: Any = to_device if device == "cuda" else to_host
        if not len(part.numbers):
            return move(np.empty(window.shape, self.stored))
        with open(path, "rb", buffering=0) as file:
            rows = self.table.rows(file, part.numbers)
            lengths = rows["COMPRESSED_DATA"][:, 0]
            coded = np.flatnonzero(lengths)
            stream, begins = self.table.streams(
                file, "COMPRESSED_DATA", rows[coded], part.numbers[coded]
            )
            tiles = part.tiles[coded]
            tiles[:, 0], tiles[:, 1] = begins, lengths[coded]
            tiles[:, 10] = (part.numbers[coded] + self.seed - 1) % RANDOMS
            scaling = tuple(map(move, self._scaling(rows[coded])))
            pixels, state = decode_tiles(
                move(stream),
                move(tiles),
                scaling,
                self.coding,
                window.shape,
                self.stored,
                reading_threads(),
            )
            state = to_host(state)
            if state.any():
                bad = int(np.flatnonzero(state)[0])
                name = part.named(int(coded[bad]))
                raise ValueError(f"{name} is damaged: {WRONG[int(state[bad])]}")
            for k in np.flatnonzero(lengths == 0):
                self._place(file, part, int(k), rows, pixels)
        return pixels

    def _scaling(self, rows: Any) -> tuple[Any, Any, Any]:
        """Return scale, zero and blank number of each tile."""

        def each(name: str, of_all: Any, dtype: Any) -> Any:
            if name in rows.dtype.names:
                return np.ascontiguousarray(rows[name].reshape(len(rows)), dtype)
            return np.full(len(rows), of_all, dtype)

        blank = NO_BLANK if self.blank is None else self.blank
        return (
            each("ZSCALE", 1.0 if self.scale is None else self.scale, np.float64),
            each("ZZERO", 0.0 if self.zero is None else self.zero, np.float64),
            each("ZBLANK", blank, np.int64),
        )

    def _place(self, file: Any, part: TilePart, k: int, rows: Any, pixels: Any) -> None:
        """Read a tile that is not coded, and lay it in the window."""
        name = part.named(k)
        n = int(part.tiles[k, 2])
        row, number = rows[k : k + 1], part.numbers[k : k + 1]
        names = rows.dtype.names
        if GZIP in names and row[GZIP][0, 0]:
            packed, _ = self.table.streams(file, GZIP, row, number)
            numbers = self._of_bytes(_unpacked(packed.tobytes(), 8 * n, name), n, name)
        elif PLAIN_TILES in names and row[PLAIN_TILES][0, 0]:
            plain, _ = self.table.streams(file, PLAIN_TILES, row, number)
            numbers = plain.view(self.table.dtypes[PLAIN_TILES])
            if numbers.size != n:
                raise ValueError(f"{name} has {numbers.size} pixels, not {n}")
        else:
            raise ValueError(f"{name} has no bytes in any column")
        part.lay(k, numbers, pixels)

    def _of_bytes(self, content: bytes, n: int, name: str) -> Any:
        """Return the numbers of a tile that was compressed by gzip: they may be of any size."""
        size = len(content) // n
        if size * n != len(content) or size not in (1, 2, 4, 8):
            raise ValueError(f"{name} is damaged: {len(content)} bytes are not those of {n} pixels")
        kind = "u" if size == 1 else "f" if size > 2 and self.stored.kind == "f" else "i"
        return np.frombuffer(content, f">{kind}{size}")


def _unpacked(packed: bytes, most: int, name: str) -> bytes:
    """Return what gzip has packed, which must not be more than a number of bytes."""
    found = b""
    try:
        while packed:
            member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            found += member.decompress(packed, max(most - len(found), 0) + 1)
            if not member.eof:
                raise ValueError(
                    f"{name} is damaged: what gzip packed does not end, or is too long"
                )
            packed = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise ValueError(f"{name} is damaged: {error}") from None
    return found


def rice_image(hdu: Any, at: int, label: str) -> RiceImage | None:
    """Return what is to be known of a compressed image; `None` if it is left to astropy.

    Parameters
    ----------
    hdu : BinTableHDU
        The table that the image is in the file.
    at : int
        The byte of the file from which on the HDU's positions are counted.
    label : str
        What messages call the image.

    Raises
    ------
    RefusedError
        If the header contradicts itself, or has what is not known.
    """
    header = hdu.header
    if str(header.get("ZCMPTYPE", "")).strip() not in ("RICE_1", "RICE_ONE"):
        return None
    bits = header.get("ZBITPIX")
    if bits not in PLAIN and bits not in FLOATS:
        return None
    table = table_of(hdu, at, label)
    if table is None or table.dtypes["COMPRESSED_DATA"] != np.uint8:
        return None
    stored = np.dtype(PLAIN.get(bits) or FLOATS[bits])
    names, floats = table.dtypes, stored.kind == "f"
    if not floats and ("ZSCALE" in names or "ZSCALE" in header):
        return None
    coded = _settings(header)
    size, blocksize = coded.get("BYTEPIX", 4), coded.get("BLOCKSIZE", 32)
    if size not in (1, 2, 4):
        raise RefusedError(f"{label}: BYTEPIX of RICE_1 is {size!r}; it must be 1, 2 or 4")
    if not isinstance(blocksize, int) or blocksize < 1:
        raise RefusedError(f"{label}: BLOCKSIZE of RICE_1 is {blocksize!r}; it must be positive")
    scale, zero = _of_all(header, names, label) if floats else (1.0, 0.0)
    quantised = floats and ("ZSCALE" in names or "ZSCALE" in header)
    dither = _dither(header, label) if quantised else 0
    blank = header.get("ZBLANK", header.get("BLANK"))
    blank = blank if isinstance(blank, int) and not isinstance(blank, bool) else None
    blank_pixel = 0
    if not floats:
        # Blank whole numbers stay, but for those of tiles with another one than the image.
        if "ZBLANK" in names:
            blank_pixel = -(1 << (8 * stored.itemsize - 1)) if blank is None else blank
            if not np.iinfo(stored).min <= blank_pixel <= np.iinfo(stored).max:
                return None
        blank = None
    return RiceImage(
        TileGrid.of(header, label), table, stored,
        Coding(size, blocksize, dither, _rounding(names, size), blank_pixel), scale, zero, blank,
        header.get("ZDITHER0", 0) if dither else 1,
    )  # fmt: skip


def _settings(header: Any) -> dict[str, Any]:
    """Return the settings of the algorithm: ZVALn of each ZNAMEn."""
    found: dict[str, Any] = {}
    n = 1
    while f"ZNAME{n}" in header:
        found.setdefault(str(header[f"ZNAME{n}"]).upper(), header.get(f"ZVAL{n}"))
        n += 1
    return found


def _of_all(header: Any, names: Any, label: str) -> tuple[float | None, float | None]:
    """Return scale and zero of all tiles; `None` for what has a column."""
    found: list[float | None] = []
    for name, nothing in (("ZSCALE", 1.0), ("ZZERO", 0.0)):
        value = None if name in names else header.get(name, nothing)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise RefusedError(f"{label}: {name} = {value!r} is no number")
        found.append(None if value is None else float(value))
    return found[0], found[1]


def _dither(header: Any, label: str) -> int:
    """Return by which method floats were dithered."""
    method = str(header.get("ZQUANTIZ", "NO_DITHER")).strip()
    if method not in DITHERS:
        raise RefusedError(
            f"{label}: ZQUANTIZ = {method!r} does not say how pixels with a ZSCALE were quantised; "
            f"known are {', '.join(DITHERS)}"
        )
    seed = header.get("ZDITHER0", 0)
    if DITHERS[method] and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 1):
        raise RefusedError(
            f"{label}: ZDITHER0 = {seed!r} is no seed: {method} needs one from 1 to {RANDOMS}"
        )
    return DITHERS[method]


def _rounding(names: Any, size: int) -> int:
    """Return where NumPy rounds to single precision: small numbers scaled by single ones."""
    single = [names.get(name) == np.dtype(">f4") for name in ("ZSCALE", "ZZERO")]
    return 0 if size == 4 or not single[0] else 1 + single[1]
