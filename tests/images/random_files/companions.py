"""What goes with an image, in its own unit and convention, and what it says of each pixel."""

from dataclasses import dataclass, field

import numpy as np

from tests.images.random_files.raw import plain_hdu, tiled_hdu

__all__ = ["NAMES", "POWERS", "Plane", "draw_error", "draw_mask", "draw_noise"]

#: Planes of noise -> the power of the noise that each holds.
POWERS = {"weight": -2, "rms": 1, "variance": 2}
#: Names of HDUs that say what they hold.
NAMES = {
    "weight": ("WHT", "WEIGHT", "IVAR"), "rms": ("RMS", "SIGMA"), "variance": ("VAR", "VAR_RNOISE"),
    "error": ("ERR", "ERROR"), "mask": ("DQ", "MASK", "BPM"),
}  # fmt: skip
#: Values that say that a pixel has no weight, by the power of the noise.
WITHOUT_WEIGHT = {
    1: (1e30, 1e15, 0.0, -1.0, np.nan, np.inf),
    2: (1e30, 1e31, 0.0, -1.0, np.nan, np.inf),
    -2: (0.0, -5.0, np.nan, 1e-31),
}
#: Units -> another of the same kind in BUNIT, and how much of the first it is.
OTHERS = {
    "Jy": ("mJy", 1e-3), "mJy": ("Jy", 1e3), "nJy": ("uJy", 1e3), "uJy": ("nJy", 1e-3),
    "Jy / beam": ("mJy/beam", 1e-3), "mJy / beam": ("Jy/beam", 1e3), "MJy / sr": ("Jy/sr", 1e-6),
}  # fmt: skip


@dataclass
class Plane:
    """A companion as it is written, and what it says.

    Attributes
    ----------
    name : str
        The argument that it is given as.
    stored : array
        As it is written.
    values : array
        Noise or error in the unit of the image; of a mask, whether pixels are bad.
    bad : array of bool or None
        Pixels without weight.
    cards : list of (str, value)
        Its unit, BLANK, ...
    bits : tuple of int or None
        Of a mask, those that count.
    must_refuse : str
        Words of the refusal that there must be.
    kinds : set of str
        The kinds of failures that it is of.
    """

    name: str
    stored: object
    values: object
    bad: object = None
    cards: list = field(default_factory=list)
    bits: tuple | None = None
    must_refuse: str = ""
    kinds: set = field(default_factory=set)
    tiles: dict | None = None

    def hdu(self, cards, primary):
        """Return the bytes of the HDU."""
        cards = [*self.cards, *cards]
        if self.tiles is None or primary:
            return plain_hdu(self.stored, cards, primary)
        return tiled_hdu(self.stored, cards, **self.tiles)


def draw_noise(rng, shape, unit, unknown):
    """Return a plane that says the noise of the background."""
    name = str(rng.choice(list(POWERS)))
    power = POWERS[name]
    noise = rng.uniform(2.0, 4.0, shape)
    plane = _in_a_unit(rng, Plane(name, None, noise), power, unit, unknown)
    dtype = str(rng.choice(["f4", "f8"]))
    plane.stored = plane.stored.astype(dtype)
    plane.bad = np.zeros(shape, bool)
    if rng.random() < 0.6:
        some = rng.random(shape) < 0.03
        values = np.array(WITHOUT_WEIGHT[power])
        plane.stored[some] = values[rng.integers(len(values), size=int(some.sum()))]
        plane.bad = some
        plane.kinds.add("D")
    if rng.random() < 0.2:
        plane.tiles = {"compression_type": "GZIP_2", "quantize_level": 0.0}
    return plane


def draw_error(rng, shape, unit, unknown):
    """Return the total error of each pixel."""
    plane = _in_a_unit(rng, Plane("error", None, rng.uniform(2.0, 6.0, shape)), 1, unit, unknown)
    plane.stored = plane.stored.astype("f4")
    return plane


def draw_mask(rng, shape):
    """Return a mask, or a plane of bits."""
    dtype = str(rng.choice(["u1", "i2", "i4", "f4"]))
    some = rng.random(shape) < 0.05
    stored = np.zeros(shape, dtype)
    stored[some] = (2 ** rng.integers(0, 6, int(some.sum()))).astype(dtype)
    plane = Plane("mask", stored, stored != 0)
    if dtype != "f4" and rng.random() < 0.4:
        plane.bits = tuple(sorted({int(bit) for bit in rng.integers(0, 6, 2)}))
        plane.values = (stored & sum(1 << bit for bit in plane.bits)) != 0
    if dtype in ("i2", "i4") and rng.random() < 0.4:
        blank = int(np.iinfo(dtype).min)
        where = rng.random(shape) < 0.02
        stored[where] = blank
        plane.values = plane.values | where
        plane.cards.append(("BLANK", blank))
        plane.kinds.add("E")
    if dtype in ("u1", "i2", "i4") and rng.random() < 0.2:
        plane.tiles = {"compression_type": str(rng.choice(["RICE_1", "GZIP_1", "GZIP_2"]))}
    return plane


def _in_a_unit(rng, plane, power, unit, unknown):
    """Give a plane a unit, and the values that it has in it."""
    noise = plane.values
    plane.stored = noise**power
    draw = rng.random()
    text = None if unit is None else str(unit)
    if unknown and draw < 0.3:
        plane.cards, plane.must_refuse = [("BUNIT", "Jy" if power == 1 else f"(Jy)**{power}")], (
            "is not known"
        )  # fmt: skip
        plane.kinds = {"I"}
    elif text in OTHERS and draw < 0.5:
        other, factor = OTHERS[text]
        plane.stored = (noise / factor) ** power
        plane.cards = [("BUNIT", other if power == 1 else f"({other})**{power}")]
        plane.kinds = {"I"}
    elif text in OTHERS and draw < 0.65:  # the unit of another power
        wrong = {1: 2, 2: -2, -2: 2}[power]
        plane.cards = [("BUNIT", f"({OTHERS[text][0]})**{wrong}")]
        plane.must_refuse = "must be"
        plane.kinds = {"D"}
    elif text in OTHERS and draw < 0.75 and power == 1:
        plane.cards, plane.must_refuse, plane.kinds = [("BUNIT", "K")], "must be in", {"I"}
    elif unit is not None and draw < 0.85 and power != 1:  # copied from the image
        plane.cards = [("BUNIT", text.replace(" ", ""))]
    return plane
