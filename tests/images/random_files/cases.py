"""A random structure as a whole: files, what is given, and all that is right."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

from tests.images.random_files.companions import NAMES, POWERS, draw_error, draw_mask, draw_noise
from tests.images.random_files.files import SCHEMES, Slot, compress, empty_primary, odd_slots, write
from tests.images.random_files.pixels import Pixels, draw_pixels
from tests.images.random_files.sky import Sky, draw_sky
from tests.images.random_files.units import draw_unit

__all__ = ["Case", "draw_case"]

#: Names that stand for the science image of a product, so that others beside it are its planes.
SCIENCE = "SCI"


@dataclass
class Case:
    """What is given, and what is right.

    Attributes
    ----------
    given : image
        What is given as the image.
    options : dict
        HDU, companions, mask_bits.
    pixels, sky, unit, unknown : Pixels, Sky, Unit or None, bool
        The image.
    planes : dict of str to Plane
        What goes with it.
    refusals, allowed : list of str
        Words of refusals one of which there must be, and of those that there may be.
    warnings : list of str
        Words of warnings that there must be.
    whole_only : bool
        Whether the file is compressed as a whole.
    kinds : set of str
        The kinds of failures that it is of.
    opened : list
        What is to be closed.
    """

    given: object = None
    options: dict = field(default_factory=dict)
    pixels: Pixels = None
    sky: Sky = None
    unit: object = None
    unknown: bool = False
    planes: dict = field(default_factory=dict)
    refusals: list = field(default_factory=list)
    allowed: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    whole_only: bool = False
    kinds: set = field(default_factory=set)
    opened: list = field(default_factory=list)

    @property
    def shape(self):
        """Rows and columns."""
        return self.pixels.values.shape

    @property
    def mask(self):
        """Where pixels are bad, by the image and all that goes with it."""
        bad = ~np.isfinite(self.pixels.values)
        for plane in self.planes.values():
            bad = bad | (plane.values if plane.name == "mask" else False)
            bad = bad | (False if plane.bad is None else plane.bad)
        return bad

    def close(self):
        """Close what was opened."""
        for each in self.opened:
            each.close()


class _Draw:
    """A case that comes to be."""

    def __init__(self, rng, folder):
        self.rng, self.folder, self.case = rng, folder, Case()
        self.shape = int(rng.integers(36, 56)), int(rng.integers(36, 56))
        self.scheme = str(rng.choice(list(SCHEMES)))
        self.n = int(rng.choice([1, 1, 1, 2, 3, 4]))
        self.taken = int(rng.integers(self.n))
        self.number = None

    def chance(self, probability):
        """Return True as often."""
        return self.rng.random() < probability

    def run(self):
        """Return the case."""
        self._image()
        self._files()
        self._companions()
        self._give()
        case = self.case
        for each in (case.pixels, *case.planes.values()):
            case.kinds |= each.kinds
            case.refusals += [each.must_refuse] if each.must_refuse else []
        case.kinds |= case.sky.kinds
        return case

    def _image(self):
        """Draw pixels, sky and unit of the image."""
        rng, case = self.rng, self.case
        primary = self.n == 1 and self.chance(0.4)
        case.pixels = draw_pixels(rng, self.shape, primary)
        case.sky = draw_sky(rng, self.shape)
        self.of_unit, case.unit, case.unknown = draw_unit(rng)
        if self.of_unit:
            case.kinds.add("I")
        self.primary = primary
        self._lay_axes()

    def _lay_axes(self):
        """Number the axes of the WCS as those of the pixels, or, of some, not."""
        case, shape = self.case, self.case.pixels.stored.shape
        if len(shape) < 3:
            return
        numbers = [len(shape) - axis for axis, length in enumerate(shape) if length > 1][::-1]
        if numbers != [1, 2]:
            # The WCS is of axes 1 and 2, of which one is not the image's; else it goes with them.
            if self.chance(0.5):
                case.sky.cards = [(_renumbered(name, numbers), v) for name, v in case.sky.cards]
                spare = next(n for n in (1, 2, 3) if n not in numbers)
                broken = [n for n, _ in case.sky.cards if n.startswith(("A_", "B_", "PV"))]
                if broken and case.sky.verdict == "sound":
                    case.sky.verdict, case.sky.must_say = "doubtful", ""
            else:
                spare = 3
                if case.sky.verdict != "none":
                    case.sky.verdict = "void"
        else:
            spare = 3
        if case.sky.cards:
            case.sky.cards += [
                (f"CTYPE{spare}", "FREQ"), (f"CRVAL{spare}", 1.4e9), (f"CRPIX{spare}", 1.0),
                (f"CDELT{spare}", 1e6),
            ]  # fmt: skip
            if case.sky.verdict == "sound" and any(n.startswith("CD1_") for n, _ in case.sky.cards):
                case.sky.verdict = "doubtful"  # a CD matrix with an axis that has only a CDELT

    def _cards(self, k):
        """Return the cards of CCD k besides those of its pixels."""
        if k == self.taken:
            return [*SCHEMES[self.scheme](k), *self.of_unit, *self.case.sky.cards]
        return [*SCHEMES[self.scheme](k), *self._sibling(k).cards]

    def _sibling(self, k):
        """Return the sky of another CCD: far from that of the image."""
        cards = [(n, v) for n, v in self.case.sky.cards if not n.startswith(("A_", "B_", "PV"))]
        return Sky([(n, 10.0 + k if n.startswith("CRVAL") and isinstance(v, float) else v)
                    for n, v in cards])  # fmt: skip

    def _files(self):
        """Write the file of the image; planes of its own are in it."""
        rng, case = self.rng, self.case
        self.same_file = []
        slots = []
        for k in range(self.n):
            pixels = case.pixels if k == self.taken else draw_pixels(
                rng, self.shape, False, simple=True)  # fmt: skip
            slots.append(Slot(lambda primary, p=pixels, k=k: p.hdu(self._cards(k), primary), k))
        inherits = self._inherits() if not self.primary else []
        if not self.primary:
            slots = [empty_primary(inherits), *slots]
        self.slots = slots + odd_slots(rng)
        fixed = 1
        rest = self.slots[fixed:]
        if self.scheme != "nothing":
            rng.shuffle(rest)
        self.slots = self.slots[:fixed] + rest
        self.packer, self.ending = compress(rng)
        case.whole_only = self.packer is not None
        if self.packer is not None:
            case.kinds.add("A")
        if self.packer in ("zstd", "lz4"):
            case.refusals.append(f"compressed by {self.packer}")

    def _inherits(self):
        """Move cards to the primary header; return them."""
        case = self.case
        if not self.chance(0.15) or len(case.pixels.stored.shape) > 2:
            return []
        case.kinds.add("B")
        cards = [*case.sky.cards, *self.of_unit]
        self.of_unit = []
        truth = self.chance(0.7)
        case.sky.cards = [("INHERIT", truth)]
        if not truth:
            if case.unknown or case.unit is not None:
                case.unit, case.unknown = None, False
            case.sky = Sky(case.sky.cards, verdict="none")
        return cards

    def _companions(self):
        """Draw what goes with the image."""
        rng, case = self.rng, self.case
        draws = [(0.45, lambda: draw_mask(rng, self.shape))]
        draws += [(0.45, lambda: draw_noise(rng, self.shape, case.unit, case.unknown))]
        draws += [(0.15, lambda: draw_error(rng, self.shape, case.unit, case.unknown))]
        self.places = {}
        for probability, draw in draws:
            if not self.chance(probability):
                continue
            plane = draw()
            if plane.name == "mask" and plane.bits is not None:
                case.options["mask_bits"] = plane.bits
            case.planes[plane.name] = plane
            self._place(plane)

    def _place(self, plane):
        """Put a companion somewhere."""
        places = ["file", "array", "camera", "camera"]
        if self.scheme != "nothing":
            places += ["beside", "beside"]
        place = str(self.rng.choice(places))
        if place == "array" and (plane.must_refuse or len(plane.cards)):
            place = "file"
        getattr(self, f"_in_{place}")(plane)

    def _in_array(self, plane):
        self.case.options[plane.name] = plane.stored

    def _in_file(self, plane):
        """In a file of its own, with or without a WCS, or of another shape."""
        path = self.folder / f"{plane.name}.fits"
        cards = self._plane_cards(plane)
        packer = str(self.rng.choice(["gzip", "bzip2"])) if self.chance(0.1) else None
        if self.chance(0.05):
            plane.stored = plane.stored[:-1]
            plane.must_refuse = _or(plane.must_refuse, "same shape")
            plane.kinds = plane.kinds | {"C"}
        elif self.chance(0.1) and self.case.sky.verdict == "sound" and _has_sky(cards):
            cards = [(n, 10.0 if n.startswith("CRVAL") else v) for n, v in cards]
            plane.must_refuse = _or(plane.must_refuse, "same pixels on the sky")
            plane.kinds = plane.kinds | {"C"}
        slots = [Slot(lambda primary: plane.hdu(cards, primary))]
        if self.chance(0.5):
            slots = [empty_primary(), *slots]
        write(path, slots, packer)
        self.case.options[plane.name] = str(path)

    def _in_beside(self, plane):
        """In another HDU of the file of the image, which is named."""
        named = [("EXTNAME", str(self.rng.choice(NAMES[plane.name])))] if self.chance(0.7) else []
        if self.scheme == "EXTVER" and named:
            named.append(("EXTVER", self.taken + 1))
        if named and plane.name in POWERS and self.chance(0.1):
            other = {"weight": "VAR", "rms": "WHT", "variance": "RMS"}[plane.name]
            named[0] = ("EXTNAME", other)
            plane.must_refuse = _or(plane.must_refuse, "must be")
            plane.kinds = plane.kinds | {"D"}
        cards = [*named, *self._plane_cards(plane)]
        slot = Slot(lambda primary: plane.hdu(cards, primary), plane.name)
        self.slots.insert(int(self.rng.integers(1, len(self.slots) + 1)), slot)
        self.places[plane.name] = slot
        plane.kinds = plane.kinds | {"C"}

    def _in_camera(self, plane):
        """In a file of planes of all CCDs, in another order, none of which is named."""
        rng, case = self.rng, self.case
        path = self.folder / f"{plane.name}.fits"
        named = self.scheme
        order = [int(k) for k in (range(self.n) if named == "nothing" else rng.permutation(self.n))]
        slots = []
        for k in order:
            if k == self.taken:
                cards = [*SCHEMES[named](k), *self._plane_cards(plane)]
                slots.append(Slot(lambda primary, c=cards: plane.hdu(c, primary)))
                continue
            other = np.roll(plane.stored[::-1], 7 + k, axis=1)
            cards = [*SCHEMES[named](k), *self._sibling(k).cards]
            slots.append(Slot(lambda primary, o=other, c=cards: plain_plane(o, c, primary)))
        first = [] if self.chance(0.3) else [empty_primary()]
        write(path, [*first, *slots, *odd_slots(rng)])
        if self.n > 1:
            plane.kinds = plane.kinds | {"C"}
            if named == "one name":
                plane.must_refuse = _or(plane.must_refuse, "not known which belongs")
        case.options[plane.name] = str(path)

    def _plane_cards(self, plane):
        """Return the WCS of a plane, which has two axes: that of the image, or none."""
        other_axes = self.case.pixels.stored.ndim > 2
        cards = [] if other_axes or self.chance(0.4) else list(self.case.sky.cards)
        return [card for card in cards if card[0] != "INHERIT"]

    def _give(self):
        """Write the file, and say what is given."""
        case, path = self.case, self.folder / f"image{self.ending}"
        size = write(path, self.slots, self.packer)
        images = [n for n, slot in enumerate(self.slots) if slot.about is not None]
        number = next(n for n in images if self.slots[n].about == self.taken)
        for name, slot in self.places.items():
            case.options[name] = f"{path}[{self.slots.index(slot)}]"
        self._cut_off(path, size, number)
        hdu = self._hdu(images, number)
        form = str(self.rng.choice(["text", "text", "path", "brackets", "HDUList", "HDU"]))
        broken = case.refusals or case.pixels.must_refuse or self.packer is not None
        if form in ("HDUList", "HDU") and (broken or "INHERIT" in dict(case.sky.cards)):
            form = "text"
        if form in ("HDUList", "HDU"):
            self._give_objects(form, path, hdu, number)
            return
        case.given = str(path) if form != "path" else Path(path)
        if form == "brackets" and hdu is not None:
            key = ",".join(map(str, hdu)) if isinstance(hdu, tuple) else hdu
            case.given = f"{path}[{key}]"
        elif hdu is not None:
            case.options["hdu"] = hdu

    def _give_objects(self, form, path, hdu, number):
        """Give what astropy has opened; it has no file by which CCDs without names are told."""
        case = self.case
        opened = fits.open(path, memmap=False)
        case.opened.append(opened)
        case.kinds.add("L")
        case.given = opened if form == "HDUList" else opened[number]
        if form == "HDUList" and hdu is not None:
            case.options["hdu"] = hdu
        if self.scheme in ("nothing",) and self.n > 1:
            case.allowed.append("not known which belongs")
        if case.pixels.stored.dtype == np.uint8 and ("BSCALE", 1) in case.pixels.cards:
            case.allowed.append("astropy cannot read its pixels")  # signed bytes with BLANK
        if form == "HDU":
            case.warnings.clear()

    def _hdu(self, images, number):
        """Return how the HDU is named; `None` if it is the first, and that must be said."""
        about = [self.slots[n].about for n in images]
        cards = dict(SCHEMES[self.scheme](self.taken))
        ways = ["number", "number as text"]
        if "EXTNAME" in cards and self.scheme.startswith("EXTNAME"):
            ways += ["name", "name"]
        if "EXTVER" in cards:
            ways += ["version", "tuple"]
        if images[0] == number:
            ways += ["none"] * 3
        way = str(self.rng.choice(ways))
        if way == "none":
            alone = self.scheme == "EXTVER" and self.n == 1
            planes = [a for a in about if isinstance(a, str)]
            unnamed = self.n > 1 or (planes and not alone)
            if unnamed and self.n > 1:
                self.case.warnings.append("holds .* images")
            self.case.kinds.add("C")
            return None
        if way in ("version", "tuple"):
            name = cards["EXTNAME"], cards["EXTVER"]
            self.case.kinds.add("L")
            return name if way == "tuple" else ",".join(map(str, name))
        return {"number": number, "number as text": str(number), "name": cards.get("EXTNAME")}[way]

    def _cut_off(self, path, size, number):
        """Take away the end of a file: of the pixels, or of what comes after them."""
        if not self.chance(0.03) or self.packer is not None or number != len(self.slots) - 1:
            return
        with open(path, "r+b") as file:
            file.truncate(size - 2880 - 100)
        self.case.kinds.add("L")
        self.case.refusals.append("cannot be read|cut off|truncated|no HDU|holds no image")


def plain_plane(stored, cards, primary):
    """Return a plane of another CCD."""
    from tests.images.random_files.raw import plain_hdu

    return plain_hdu(stored, cards, primary)


def _renumbered(name, numbers):
    """Return a card of axes 1 and 2 for two other axes."""
    if not name.startswith(("C", "P")) or not any(each.isdigit() for each in name):
        return name
    if name.startswith("PV"):
        return f"PV{numbers[int(name[2]) - 1]}{name[3:]}"
    return "".join(str(numbers[int(c) - 1]) if c in "12" else c for c in name)


def _or(*words):
    """Return what one of several messages says."""
    return "|".join(filter(None, words))


def _has_sky(cards):
    return any(name == "CRVAL1" for name, _ in cards)


def draw_case(seed, folder):
    """Write a random structure into a folder, and return it with all that is right."""
    return _Draw(np.random.default_rng(seed), Path(folder)).run()
