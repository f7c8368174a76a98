"""What headers say about the sky, and where pixels are by it: sound, doubtful, or broken."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.images.random_files.projections import ZENITHAL, matrix_of, on_sky, sip, tpv
from tests.images.random_files.raw import Card

__all__ = ["Sky", "draw_sky", "sound_sky"]

#: Systems of coordinates -> the names of their axes, cards, and what astropy calls them.
FRAMES = {
    "ICRS": (("RA", "DEC"), [("RADESYS", "ICRS")], "icrs"),
    "nothing": (("RA", "DEC"), [], "icrs"),
    "FK5": (("RA", "DEC"), [("RADESYS", "FK5"), ("EQUINOX", 2000.0)], "fk5"),
    "old FK5": (("RA", "DEC"), [("RADECSYS", "FK5"), ("EQUINOX", 2000.0)], "fk5"),
    "an equinox": (("RA", "DEC"), [("EQUINOX", 2000.0)], "fk5"),
    "FK4": (("RA", "DEC"), [("RADESYS", "FK4"), ("EQUINOX", 1950.0)], "fk4"),
    "an old equinox": (("RA", "DEC"), [("EQUINOX", 1950.0)], "fk4"),
    "an epoch": (("RA", "DEC"), [("EPOCH", 2000.0)], "fk5"),
    "Galactic": (("GLON", "GLAT"), [], "galactic"),
    "Galactic, with a system": (("GLON", "GLAT"), [("RADESYS", "ICRS")], "galactic"),
}  # fmt: skip
#: Those that a reader may leave out, if it says so.
RARE_FRAMES = {
    "ecliptic": (("ELON", "ELAT"), [], "barycentricmeanecliptic"),
    "supergalactic": (("SLON", "SLAT"), [], "supergalactic"),
}
#: Those that nobody can place on the sky.
NO_FRAMES = {
    "solar": (("HPLN", "HPLT"), []),
    "a longitude of its own": (("ABLN", "ABLT"), []),
    "a system of its own": (("RA", "DEC"), [("RADESYS", "GAPPT")]),
    "an equinox of 0": (("RA", "DEC"), [("EQUINOX", 0.0)]),
    "an equinox of 0 in FK5": (("RA", "DEC"), [("RADESYS", "FK5"), ("EQUINOX", 0.0)]),
}


@dataclass
class Sky:
    """A WCS.

    Attributes
    ----------
    cards : list of (str, value)
        As they are written.
    where : callable or None
        ``where(x, y)``, of pixels that count from 0: longitude and latitude, in degrees.
    frame : str
        What astropy calls the system of these.
    verdict : {"sound", "doubtful", "void", "none"}
        Whether positions must be those of ``where``; may be left out, with a warning; must be left
        out, with a warning; or there is nothing to be said.
    name : str
        What it is.
    kinds : set of str
        The kinds of failures that it is of.
    scale : float
        Degrees per pixel.
    must_say : str
        Words of a warning that must be.
    """

    cards: list
    where: Callable | None = None
    frame: str = "icrs"
    verdict: str = "sound"
    name: str = ""
    kinds: set = field(default_factory=set)
    scale: float = 1e-4
    must_say: str = ""

    def replaced(self, **values):
        """Change cards; `None` takes one away."""
        self.cards = [
            (name, values.get(name, value))
            for name, value in self.cards
            if values.get(name, value) is not None
        ]
        present = {name for name, _ in self.cards}
        self.cards += [(n, v) for n, v in values.items() if n not in present and v is not None]


def draw_sky(rng, shape):
    """Return a random WCS."""
    draw = rng.random()
    if draw < 0.08:
        return Sky([], verdict="none", name="no WCS")
    if draw < 0.16:
        return _of_no_frame(rng, shape)
    frames = RARE_FRAMES if draw < 0.20 else FRAMES
    sky = _sound(rng, shape, *frames[str(rng.choice(list(frames)))])
    if frames is RARE_FRAMES:
        sky.verdict, sky.kinds = "doubtful", {"B", "F"}
        return sky
    if rng.random() < 0.45:
        ways = list(_WAYS)
        _WAYS[str(rng.choice(ways))](rng, sky)
        sky.kinds.add("B")
    return sky


def sound_sky(rng, shape, scale=None):
    """Return a WCS without fault, in any system, in the projection that all readers have."""
    sky = _sound(rng, shape, *FRAMES[str(rng.choice(list(FRAMES)))], scale=scale, plain=True)
    return sky


def _sound(rng, shape, axes, of_frame, frame, scale=None, plain=False):
    """Return a WCS without fault."""
    ny, nx = shape
    reference = float(rng.uniform(0, 360)), float(rng.uniform(-80, 80))
    pixel = float(rng.uniform(-nx, 2 * nx)), float(rng.uniform(-ny, 2 * ny))
    scale = float(10 ** rng.uniform(-5.5, -2.5) if scale is None else scale)
    swapped = not plain and rng.random() < 0.1
    # CROTA belongs to the latitude; where that is axis 1, headers do not agree on what it is.
    form = str(rng.choice(["CDELT", "PC", "CD", *([] if swapped else ["CROTA"])]))
    matrix, linear = matrix_of(form, (-scale, scale * float(rng.uniform(0.8, 1.2))),
                               float(rng.uniform(-180, 180)))  # fmt: skip
    projection = "TAN" if plain else str(rng.choice([*ZENITHAL, "TAN", "TAN", "TAN"]))
    names = [f"{axis}{'-' * (5 - len(axis))}{projection}" for axis in axes]
    values = list(reference)
    if swapped:
        names, values = names[::-1], values[::-1]

    def where(x, y, distort=lambda u, v: (u, v), bend=lambda xi, eta: (xi, eta)):
        u, v = distort(np.asarray(x) + 1 - pixel[0], np.asarray(y) + 1 - pixel[1])
        first, second = matrix[0, 0] * u + matrix[0, 1] * v, matrix[1, 0] * u + matrix[1, 1] * v
        xi, eta = bend(*((second, first) if swapped else (first, second)))
        return on_sky(projection, xi, eta, reference)

    cards = [
        ("CTYPE1", names[0]), ("CTYPE2", names[1]), ("CRVAL1", values[0]), ("CRVAL2", values[1]),
        ("CRPIX1", pixel[0]), ("CRPIX2", pixel[1]), *linear, *of_frame,
    ]  # fmt: skip
    if rng.random() < 0.3:
        cards += [("CUNIT1", "deg"), ("CUNIT2", "deg")]
    if rng.random() < 0.2:
        cards += [("LONPOLE", 180.0)]
    sky = Sky(cards, where, frame, "sound", f"{projection} by {form}", set(), scale)
    if rng.random() < 0.15 and projection == "TAN" and not plain:
        (_with_sip if rng.random() < 0.5 or swapped else _with_tpv)(rng, sky)
    return sky


def _with_sip(rng, sky):
    """Distort the pixels; whether it counts is in CTYPE."""
    a, b = ({(2, 0): rng.normal(0, 1e-4), (1, 1): rng.normal(0, 1e-4)} for _ in "AB")
    orders = [("A_ORDER", 2), ("B_ORDER", 2)]
    cards = [(f"{n}_{p}_{q}", each) for n, c in (("A", a), ("B", b)) for (p, q), each in c.items()]
    sky.cards += orders + cards
    if rng.random() < 0.5:  # left over
        sky.kinds.add("B")
        sky.must_say = "SIP"
        return
    plain = sky.where
    sky.where = lambda x, y: plain(x, y, distort=lambda u, v: (u + sip(a, u, v), v + sip(b, u, v)))
    types = dict(sky.cards)
    sky.replaced(CTYPE1=f"{types['CTYPE1']}-SIP", CTYPE2=f"{types['CTYPE2']}-SIP")


def _with_tpv(rng, sky):
    a, b = ({0: rng.normal(0, 1e-6), 1: 1 + rng.normal(0, 1e-3), 4: rng.normal(0, 1e-3)}
            for _ in "AB")  # fmt: skip
    sky.cards += [(f"PV1_{n}", value) for n, value in a.items()]
    sky.cards += [(f"PV2_{n}", value) for n, value in b.items()]
    plain = sky.where
    # Of the second axis, the terms have the coordinates the other way round.
    sky.where = lambda x, y: plain(
        x, y, bend=lambda xi, eta: (tpv(a, xi, eta), tpv(b, eta, xi))
    )  # fmt: skip
    types = dict(sky.cards)
    sky.replaced(CTYPE1=types["CTYPE1"][:5] + "TPV", CTYPE2=types["CTYPE2"][:5] + "TPV")


def _of_no_frame(rng, shape):
    name = str(rng.choice(list(NO_FRAMES)))
    sky = _sound(rng, shape, *NO_FRAMES[name], "none")
    sky.verdict, sky.name, sky.kinds = "void", name, {"F"}
    return sky


def _linear(sky):
    """Return the names of the cards that hold the scale."""
    return [name for name, _ in sky.cards if name.startswith(("CD", "PC", "CROTA"))]


def _missing(rng, sky):
    """Take away the reference, or the scale."""
    name = str(rng.choice(["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "scale"]))
    gone = [n for n in _linear(sky) if n != "CROTA2"] if name == "scale" else [name]
    sky.replaced(**dict.fromkeys(gone))
    sky.verdict = "void"


def _as_text(rng, sky):
    """Write numbers as texts, with points or commas, in degrees or sexagesimal."""
    names = ["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", *_linear(sky)]
    some = rng.choice(names, int(rng.integers(1, 4)), replace=False)
    form = str(rng.choice(["text", "comma in a text", "comma", "sexagesimal"]))
    values = dict(sky.cards)

    def spelled(value):
        text = repr(float(value))
        if form == "sexagesimal":
            return "10:00:00.5"
        if form == "comma":
            return Card(f"{text.replace('.', ','):>20s}")
        return text.replace(".", ",") if form == "comma in a text" else text

    sky.replaced(**{str(name): spelled(values[str(name)]) for name in some})
    sky.verdict = "void" if form == "sexagesimal" else "doubtful"


def _not_a_number(rng, sky):
    names = ["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", *_linear(sky)]
    value = (Card("NaN"), "NaN", Card("Infinity"), Card(f"{'NAN':>20s}"))[rng.integers(4)]
    sky.replaced(**{str(rng.choice(names)): value})
    sky.verdict = "void"


def _singular(rng, sky):
    """A matrix of zeros, with a row or a column of zeros, or with parallel axes."""
    a = sky.scale
    matrix = [(0, 0, 0, 0), (a, a, 0, 0), (0, 0, a, -a), (a, 0, a, 0), (a, a, a, a)]
    values = matrix[rng.integers(len(matrix))]
    sky.replaced(**dict.fromkeys(_linear(sky)))
    names = ("CD1_1", "CD1_2", "CD2_1", "CD2_2")
    sky.replaced(**{name: float(value) for name, value in zip(names, values, strict=True)})
    sky.verdict = "void"


def _doubled(rng, sky):
    """A card twice: with the same value, or with another."""
    names = ["CRVAL1", "CRVAL2", "CRPIX1", "CTYPE1", "CTYPE2", *_linear(sky)]
    name = str(rng.choice(names))
    value = dict(sky.cards)[name]
    if rng.random() < 0.4:
        sky.cards.append((name, value))
        return
    other = f"{'GLON' if name == 'CTYPE1' else 'GLAT'}-CAR" if name[1] == "T" else value + 1.0
    sky.cards.insert(int(rng.integers(0, len(sky.cards) + 1)), (name, other))
    sky.verdict = "void"


def _left_over_scale(rng, sky):
    """CDELT and CROTA beside a CD matrix, which makes them void."""
    if not any(name.startswith("CD1_") for name, _ in sky.cards):
        return
    sky.cards += [("CDELT1", 1.0), ("CDELT2", 1.0)]
    if rng.random() < 0.5:
        sky.cards += [("CROTA2", 33.0)]


def _other_systems_of_cards(rng, sky):
    """An alternate WCS that is broken, or none, beside a sound one."""
    sky.cards += [
        ("CTYPE1A", "LINEAR"), ("CTYPE2A", "LINEAR"), ("CRVAL1A", "text"), ("CRPIX1A", 1.0),
    ]  # fmt: skip


def _broken_equinox(rng, sky):
    """An equinox as text, which does not matter where the system has none."""
    sky.replaced(EQUINOX=str(rng.choice(["2000.0", "J2000"])))
    if sky.frame == "icrs" and "RADESYS" in dict(sky.cards):
        return
    sky.verdict = "sound" if sky.frame == "galactic" else "doubtful"
    if sky.frame == "galactic":
        sky.verdict = "doubtful"


def _no_latitude(rng, sky):
    """A longitude without a latitude: a spectrum along a slit."""
    sky.replaced(CTYPE2="LINEAR")
    sky.verdict = "void"


def _in_arcseconds(rng, sky):
    """CUNIT says what the numbers are in."""
    scaled = [n for n, _ in sky.cards if n.startswith(("CRVAL", "CD"))]
    values = dict(sky.cards)
    if any(name.startswith("PV") for name in values):
        return
    sky.replaced(**{n: values[n] * 3600 for n in scaled}, CUNIT1="arcsec", CUNIT2="arcsec")


def _in_small_letters(rng, sky):
    types = dict(sky.cards)
    sky.replaced(CTYPE1=types["CTYPE1"].lower(), CTYPE2=types["CTYPE2"].lower())
    sky.verdict = "doubtful"


def _without_a_value(rng, sky):
    """A comment in place of a value."""
    sky.replaced(CRVAL1=Card("/ not yet known"))
    sky.verdict = "void"


def _without_quotes(rng, sky):
    """A text that is none."""
    types = dict(sky.cards)
    sky.replaced(CTYPE1=Card(types["CTYPE1"]))
    sky.verdict = "doubtful"


_WAYS = {
    way.__name__: way
    for way in (
        _missing, _as_text, _not_a_number, _singular, _doubled, _left_over_scale,
        _other_systems_of_cards, _broken_equinox, _no_latitude, _in_arcseconds, _in_small_letters,
        _without_a_value, _without_quotes,
    )
}  # fmt: skip
