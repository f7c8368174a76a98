"""How pixels are stored: dtypes, scalings, blank ones, compression by tiles, asinh, odd axes."""

from dataclasses import dataclass, field

import numpy as np

from tests.images.random_files.raw import Card, plain_hdu, tiled_hdu

__all__ = ["Pixels", "draw_field", "draw_pixels", "draw_values"]

#: The BZERO of integers that are stored with an offset.
OFFSETS = {"i1": ("u1", -128), "u2": ("i2", 2**15), "u4": ("i4", 2**31), "u8": ("i8", 2**63)}
#: Magnitudes for a factor of e.
MAGNITUDES = 2.5 / np.log(10)
#: How many steps of quantised floats there are in the noise.
QUANTISED = 16


@dataclass
class Pixels:
    """An image as it is written, and the values that it has.

    Attributes
    ----------
    values : array of float64, shape (ny, nx)
        What is right; NaN where there is no value.
    stored : array
        What the file has, with all its axes.
    cards : list of (str, value)
        The cards that say how it is stored.
    tiles : dict or None
        How it is compressed by tiles.
    tolerance : float
        How far from `values` pixels may be, of those that are not stored exactly.
    relative : float
        The same relative to the values.
    kinds : set of str
        The kinds of failures that it is of.
    may_refuse, must_refuse, must_say : str
        Words of a refusal that is allowed, of one that must be, and of a warning that must be
        where it is read.
    """

    values: object
    stored: object
    cards: list = field(default_factory=list)
    tiles: dict | None = None
    tolerance: float = 0.0
    relative: float = 1e-6
    kinds: set = field(default_factory=set)
    may_refuse: str = ""
    must_refuse: str = ""
    must_say: str = ""

    def hdu(self, cards, primary):
        """Return the bytes of the HDU."""
        cards = [*self.cards, *cards]
        if self.tiles is None or primary:
            return plain_hdu(self.stored, cards, primary)
        return tiled_hdu(self.stored, cards, **self.tiles)


def draw_field(rng, shape, level=100.0, noise=3.0):
    """Return stars on a background."""
    ny, nx = shape
    y, x = np.mgrid[:ny, :nx]
    image = rng.normal(level, noise, shape)
    for _ in range(rng.integers(3, 6)):
        at = rng.uniform(6, nx - 6), rng.uniform(6, ny - 6)
        image += rng.uniform(60, 100) * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 6)
    return image


def draw_values(rng, shape, dtype, **field):
    """Return stars as numbers of a dtype."""
    image = draw_field(rng, shape, **field)
    if np.dtype(dtype).kind == "f":
        return image.astype(dtype)
    least = np.iinfo(dtype).min
    top = {"i1": 127, "u1": 255}.get(dtype, 10**6)
    step = 3 if dtype == "i1" else 1.2 if dtype == "u1" else 1
    return np.clip(np.round(image / step), max(least, -(10**6)), top).astype(dtype)


def draw_pixels(rng, shape, primary, *, simple=False):
    """Return an image that is stored in a random way."""
    ways = [_floats, _floats, _integers, _integers, _scaled, _blank, _tiles, _tiles, _quantised]
    odd = [_asinh, _text_scaling, _doubled_scaling, _blank_of_another]
    if simple:
        way = rng.choice([_floats, _integers])
    else:
        way = rng.choice(odd) if rng.random() < 0.12 else rng.choice(ways)
    if primary and way in (_tiles, _quantised):
        way = _floats
    pixels = way(rng, shape)
    if not simple:
        _spoil(rng, pixels)
        if pixels.tiles is None and rng.random() < 0.2:
            _more_axes(rng, pixels)
    return pixels


def _floats(rng, shape):
    values = draw_values(rng, shape, rng.choice(["f4", "f8"]))
    return Pixels(values.astype(np.float64), values)


def _integers(rng, shape):
    dtype = str(rng.choice(["u1", "i2", "i4", "i8", "i1", "u2", "u4", "u8"]))
    values = draw_values(rng, shape, dtype)
    stored, cards = _offset(values, dtype)
    return Pixels(values.astype(np.float64), stored, cards)


def _offset(values, dtype):
    """Return integers as they are stored, and the cards that say so."""
    if dtype not in OFFSETS:
        return values, []
    stored, zero = OFFSETS[dtype]
    moved = np.array([int(each) - zero for each in values.flat], stored).reshape(values.shape)
    return moved, [("BSCALE", 1), ("BZERO", Card(f"{zero:>20d}"))]


def _scaled(rng, shape):
    dtype = str(rng.choice(["i2", "i4", "u1"]))
    scale, zero = rng.choice([0.5, 0.01, 2.0, 1e-3]), rng.choice([0.0, 10.0, -50.0, 32767.5])
    image = draw_values(rng, shape, dtype).astype(np.float64)
    stored = image.astype(dtype)
    cards = [("BSCALE", float(scale)), ("BZERO", float(zero))]
    if rng.random() < 0.2:  # one of them is left out
        cards = cards[:1] if rng.random() < 0.5 else cards[1:]
        scale, zero = dict(cards).get("BSCALE", 1.0), dict(cards).get("BZERO", 0.0)
    return Pixels(stored * scale + zero, stored, cards, relative=1e-5)


def _blank(rng, shape):
    dtype = str(rng.choice(["u1", "i2", "i4", "i8", "i1", "u2", "u4", "u8"]))
    values = draw_values(rng, shape, dtype)
    stored, cards = _offset(values, dtype)
    blank = int(rng.choice([np.iinfo(stored.dtype).max, np.iinfo(stored.dtype).min]))
    where = _block(rng, shape)
    truth = values.astype(np.float64)
    stored[where] = blank
    if not cards and rng.random() < 0.3:
        cards = [("BSCALE", 0.25), ("BZERO", 5.0)]
        truth = stored * 0.25 + 5.0
    truth[stored == blank] = np.nan
    pixels = Pixels(truth, stored, [*cards, ("BLANK", blank)], kinds={"E"}, relative=1e-5)
    if rng.random() < 0.3 and stored.dtype.itemsize < 8 and dtype in ("i2", "i4", "u1"):
        pixels.tiles = {"compression_type": str(rng.choice(["RICE_1", "GZIP_1", "GZIP_2"]))}
    return pixels


def _blank_of_another(rng, shape):
    """BLANK that was copied from an image of other numbers: it names no pixel."""
    if rng.random() < 0.5:
        values = draw_values(rng, shape, "f4")
        return Pixels(values.astype(np.float64), values, [("BLANK", -32768)], kinds={"E"})
    values = draw_values(rng, shape, "u1")
    return Pixels(values.astype(np.float64), values, [("BLANK", -32768)], kinds={"E"})


def _tiles(rng, shape):
    name = str(rng.choice(["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"]))
    dtype = str(rng.choice(["u1", "i2", "i4", "u2", "u4"]))
    if name == "PLIO_1":
        dtype = str(rng.choice(["u1", "i2"]))
    elif name.startswith("GZIP"):
        dtype = str(rng.choice(["u1", "i2", "i4", "u2", "u4", "f4", "f8"]))
    elif name == "HCOMPRESS_1":
        dtype = str(rng.choice(["u1", "i2", "i4"]))
    values = draw_values(rng, shape, dtype)
    options = {"compression_type": name}
    if values.dtype.kind == "f":
        options["quantize_level"] = 0.0
    if name != "HCOMPRESS_1" and rng.random() < 0.5:
        options["tile_shape"] = (int(rng.integers(3, 20)), int(rng.integers(3, 20)))
    return Pixels(values.astype(np.float64), values, tiles=options)


def _quantised(rng, shape):
    values = draw_values(rng, shape, str(rng.choice(["f4", "f8"])))
    options = {
        "compression_type": str(rng.choice(["RICE_1", "GZIP_1"])), "quantize_level": QUANTISED,
        "quantize_method": int(rng.choice([-1, 1, 2])), "dither_seed": int(rng.integers(1, 10000)),
    }  # fmt: skip
    return Pixels(values.astype(np.float64), values, tiles=options, tolerance=1.0)


def _asinh(rng, shape):
    values = draw_values(rng, shape, "f8")
    soft, offset = float(rng.uniform(10, 200)), float(rng.uniform(-50, 50))
    stored = np.arcsinh((values - offset) / (2 * soft)) * MAGNITUDES
    cards = [("BSOFTEN", soft), ("BOFFSET", offset)]
    if rng.random() < 0.4:  # in integers, as Pan-STARRS' stacks are
        step = 1e-5
        stored = np.round(stored / step).astype(np.int32)
        values = offset + 2 * soft * np.sinh(stored * step / MAGNITUDES)
        return Pixels(values, stored, [*cards, ("BSCALE", step), ("BZERO", 0.0)], kinds={"K"})
    dtype = str(rng.choice(["f4", "f8"]))
    return Pixels(values, stored.astype(dtype), cards, relative=3e-6, kinds={"K"})


def _text_scaling(rng, shape):
    values = draw_values(rng, shape, "i2")
    name, text = [("BSCALE", "0.5"), ("BZERO", "32768"), ("BSCALE", "1,5")][rng.integers(3)]
    refused = f"{name} = .* is text"
    return Pixels(values, values, [(name, text)], must_refuse=refused, kinds={"L"})


def _doubled_scaling(rng, shape):
    """BSCALE twice: which of them is right is not known, unless they are the same."""
    values = draw_values(rng, shape, "i2")
    if rng.random() < 0.5:
        return Pixels(values * 0.5, values, [("BSCALE", 0.5), ("BSCALE", 0.5)], relative=1e-5)
    cards = [("BSCALE", 0.5), ("BSCALE", 2.0)]
    return Pixels(values, values, cards, must_refuse="BSCALE.*twice", kinds={"L"})


def _block(rng, shape):
    """Return a block of pixels."""
    y, x = (int(rng.integers(0, length - 8)) for length in shape)
    return slice(y, y + int(rng.integers(1, 8))), slice(x, x + int(rng.integers(1, 8)))


def _spoil(rng, pixels):
    """Put NaN and infinities into floats that are stored as they are."""
    if pixels.stored.dtype.kind != "f" or rng.random() < 0.5:
        return
    where = _block(rng, pixels.values.shape)
    value = np.nan if pixels.tiles is not None else rng.choice([np.nan, np.inf, -np.inf])
    pixels.stored[where] = value
    pixels.values[where] = np.nan


def _more_axes(rng, pixels):
    """Give an image axes of length 1."""
    ny, nx = pixels.stored.shape
    shape = [(1, ny, nx), (1, 1, ny, nx), (1, ny, 1, nx), (ny, 1, nx)][rng.integers(4)]
    pixels.stored = pixels.stored.reshape(shape)
    pixels.kinds.add("H")
