"""Random images compressed by RICE_1: every option of the convention, written by hand.

astropy writes few of the options that the convention has (FITS standard 4.0, section 10), so table
and heap are put together here; the streams of bits are its encoder's.
"""

import gzip
import itertools
from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.compressed._codecs import Rice1

__all__ = ["RiceFile", "draw"]

#: Bytes of a number -> its dtype: one byte is without sign.
NUMBERS = {1: "u1", 2: "i2", 4: "i4"}
#: BITPIX -> dtypes of a tile that is not coded.
PLAIN = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
TFORMS = {"u1": "B", ">i2": "I", ">i4": "J", ">i8": "K", ">f4": "E", ">f8": "D"}
DTYPES = {form: dtype for dtype, form in TFORMS.items()}
METHODS = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2", None)
#: What stands for 0 in images dithered by the second method.
EXACT_ZERO = -2147483646
SCALINGS = [(None, None), (2.5, -7.0), (1, 100), (0.1, None), (3, 1e5), (1.0, 0.25)]
OFFSETS = {8: -128, 16: 1 << 15, 32: 1 << 31, 64: 1 << 63}


@dataclass
class RiceFile:
    """An image as it is written.

    Attributes
    ----------
    bits, bytes, block : int
        BITPIX, BYTEPIX and BLOCKSIZE.
    shape, tile : tuple of int
        In the order of NumPy.
    cards : list of (str, value)
        Of the header, besides those of the table.
    tiles : list of dict
        Of each tile: how it is stored, its scale, zero and blank number, and whether it has no
        other one.
    columns : dict of str to str
        Name and TFORM.
    gap : int
        Bytes between the table and the heap.
    wide : bool
        Whether the table has 64-bit descriptors.
    """

    bits: int
    bytes: int
    block: int
    shape: tuple
    tile: tuple
    cards: list = field(default_factory=list)
    tiles: list = field(default_factory=list)
    columns: dict = field(default_factory=dict)
    gap: int = 0
    wide: bool = False
    shuffled: bool = False

    def write(self, path):
        """Write the file, whose HDU 1 is the image."""
        header, content = self.table()
        primary = fits.PrimaryHDU().header.tostring()
        padding = b"\0" * (-len(content) % 2880)
        # Behind a gap astropy reads as many bytes more as the gap has.
        more = fits.ImageHDU().header.tostring()
        texts = (primary.encode(), header.tostring().encode(), content, padding, more.encode())
        path.write_bytes(b"".join(texts))

    def table(self):
        """Return header and bytes of the table."""
        kind = "i8" if self.wide else "i4"
        fields = [
            (name, f">{kind}", (2,)) if form[0] in "PQ" else (name, DTYPES[form])
            for name, form in self.columns.items()
        ]  # fmt: skip
        rows = np.zeros(len(self.tiles), fields)
        heap, order = b"", list(range(len(self.tiles)))
        if self.shuffled:
            order = order[::-1]
        for k in order:
            each = self.tiles[k]
            name, content, size = each["stored"]
            rows[name][k] = len(content) // size, len(heap)
            heap += content
            for column in ("ZSCALE", "ZZERO", "ZBLANK"):
                if column in self.columns:
                    rows[column][k] = each[column]
        table = rows.tobytes()
        cards = [
            ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", rows.dtype.itemsize),
            ("NAXIS2", len(rows)), ("PCOUNT", len(heap) + self.gap), ("GCOUNT", 1),
            ("TFIELDS", len(self.columns)),
        ]  # fmt: skip
        for k, (name, form) in enumerate(self.columns.items(), 1):
            cards += [(f"TTYPE{k}", name), (f"TFORM{k}", f"1{form}")]
        if self.gap:
            cards.append(("THEAP", len(table) + self.gap))
        cards += [("ZIMAGE", True), ("ZBITPIX", self.bits), ("ZNAXIS", len(self.shape))]
        for k, (length, side) in enumerate(zip(self.shape[::-1], self.tile[::-1], strict=True), 1):
            cards += [(f"ZNAXIS{k}", length), (f"ZTILE{k}", side)]
        cards += [("ZCMPTYPE", "RICE_1"), *self.cards]
        content = table + b"\xff" * self.gap + heap
        return fits.Header(cards), content


def draw(rng):
    """Return a random image."""
    bits = int(rng.choice([8, 16, 32, 64, -32, -64, -32]))
    size = int(
        rng.choice(
            [1, 2, 4, 4] if bits < 0 else {8: [1, 1, 2, 4], 16: [2, 2, 4]}.get(bits, [4, 4, 2])
        )
    )
    shape = (int(rng.integers(1, 40)), int(rng.integers(1, 90)))
    tile = tuple(int(rng.integers(1, length + 2)) for length in shape)
    if rng.random() < 0.4:
        tile = (1, shape[1])
    if rng.random() < 0.2:  # an axis of length 1, or planes
        depth = int(rng.choice([1, 1, 3]))
        shape, tile = (depth, *shape), (int(rng.integers(1, depth + 1)), *tile)
    if rng.random() < 0.05:  # longer than one run of random numbers
        shape, tile = (3, 21000), (int(rng.integers(1, 4)), 21000)
    of = RiceFile(bits, size, int(rng.choice([16, 32, 32, 1, 7, 64])), shape, tile)
    of.wide, of.shuffled = rng.random() < 0.3, rng.random() < 0.2
    of.gap = int(rng.choice([0, 0, 0, 40, 2880]))
    kind = "Q" if of.wide else "P"
    of.columns["COMPRESSED_DATA"] = f"{kind}B"
    other = str(rng.choice(["", "", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"]))
    if other == "GZIP_COMPRESSED_DATA":
        of.columns[other] = f"{kind}B"
    elif other and bits != 64:  # astropy reads no column of 64-bit integers
        of.columns[other] = kind + TFORMS[PLAIN[bits]]
    else:
        other = ""
    names = [("BLOCKSIZE", of.block), ("BYTEPIX", size)]
    if of.block == 32 and rng.random() < 0.3:
        names = names[1:]  # the default
    if size == 4 and rng.random() < 0.3:
        names = names[:-1]
    for k, (name, value) in enumerate(names, 1):
        of.cards += [(f"ZNAME{k}", name), (f"ZVAL{k}", value)]
    blank = _draw_meaning(rng, of)
    for box in _boxes(of):
        of.tiles.append(_draw_tile(rng, of, box, blank, other))
    return of


def _draw_meaning(rng, of):
    """Draw how numbers become pixels; return the blank number of all tiles, if any."""
    limits = np.iinfo(NUMBERS[of.bytes])
    blank = int(rng.integers(limits.min, limits.max)) if rng.random() < 0.4 else None
    if of.bits > 0:
        if rng.random() < 0.3:
            of.cards.append(("BZERO", OFFSETS[of.bits]))
        else:
            scale, zero = SCALINGS[rng.integers(len(SCALINGS))]
            of.cards += [("BSCALE", scale)] if scale is not None else []
            of.cards += [("BZERO", zero)] if zero is not None else []
        stored = np.iinfo(PLAIN[of.bits])
        if blank is not None and stored.min <= blank <= stored.max:
            of.cards.append((str(rng.choice(["BLANK", "ZBLANK"])), blank))
            if rng.random() < 0.3:
                of.columns["ZBLANK"] = "J"
            return blank
        return None
    form = str(rng.choice(["D", "D", "E"]))
    of.columns |= {"ZSCALE": form, "ZZERO": str(rng.choice(["D", form]))}
    method = METHODS[rng.integers(len(METHODS))]
    if method is not None:
        of.cards.append(("ZQUANTIZ", method))
        if method != "NO_DITHER":
            of.cards.append(("ZDITHER0", int(rng.integers(1, 10001))))
    if rng.random() < 0.15:
        of.cards += [("BSCALE", 2.0), ("BZERO", 0.1)]
    if blank is not None:
        if rng.random() < 0.5:
            of.columns["ZBLANK"] = str(rng.choice(["J", "K"])) if of.bytes == 4 else "J"
        if "ZBLANK" not in of.columns or rng.random() < 0.3:
            of.cards.append(("ZBLANK", blank))
    return blank


def _boxes(of):
    """Yield the shape of each tile, in the order of the table."""
    starts = [range(0, length, side) for length, side in zip(of.shape, of.tile, strict=True)]
    for begin in itertools.product(*starts):
        yield tuple(
            min(side, length - at)
            for at, side, length in zip(begin, of.tile, of.shape, strict=True)
        )


def _draw_tile(rng, of, box, blank, other):
    """Draw a tile: its numbers, and how they are stored."""
    n, limits = int(np.prod(box)), np.iinfo(NUMBERS[of.bytes])
    style = rng.integers(6)
    middle = int(rng.integers(limits.min, limits.max))
    if style == 0:
        numbers = np.full(n, middle, np.int64)
    elif style == 1:  # anything
        numbers = rng.integers(limits.min, limits.max, n, endpoint=True)
    elif style == 2:  # few large steps among small ones
        numbers = middle + rng.integers(-2, 3, n) + (rng.random(n) < 0.05) * (1 << (6 * of.bytes))
    else:
        numbers = middle + (rng.normal(0, 10.0 ** rng.uniform(-1, 2 * of.bytes), n)).astype(
            np.int64
        )
    span = limits.max - limits.min + 1
    numbers = (numbers - limits.min) % span + limits.min
    tile_blank = blank if blank is not None else 0
    if blank is not None and "ZBLANK" in of.columns and rng.random() < 0.5:
        tile_blank = middle
    if blank is not None:
        some = rng.random(n) < rng.choice([0.1, 0.1, 1.0])  # or nothing but blank ones
        numbers[some] = tile_blank
    if of.bytes == 4 and rng.random() < 0.2:
        numbers[rng.random(n) < 0.1] = EXACT_ZERO
    scale = np.float32(10.0 ** rng.uniform(-3, 3)) if of.columns.get("ZSCALE") == "E" else (
        10.0 ** rng.uniform(-3, 3))  # fmt: skip
    tile = {"ZSCALE": scale, "ZZERO": float(rng.normal(0, 100)), "ZBLANK": tile_blank}
    tile["blank"] = blank is not None and bool((numbers == tile_blank).all())
    if other and rng.random() < 0.4:
        return tile | {"stored": _plain(rng, of, numbers, other)}
    values = numbers.astype(NUMBERS[of.bytes]).view(f"i{of.bytes}")
    codec = Rice1(blocksize=of.block, bytepix=of.bytes, tilesize=n)
    return tile | {"stored": ("COMPRESSED_DATA", codec.encode(values), 1)}


def _plain(rng, of, numbers, other):
    """Return a tile that is not coded."""
    dtype = np.dtype(PLAIN[of.bits])
    values = numbers * 0.37 if of.bits < 0 else numbers
    values = values.astype(dtype)
    if of.bits < 0 and rng.random() < 0.5:
        values[rng.random(len(values)) < 0.3] = np.nan
    if other == "GZIP_COMPRESSED_DATA":
        return other, gzip.compress(values.tobytes(), mtime=0), 1
    return other, values.tobytes(), dtype.itemsize
