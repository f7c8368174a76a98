"""What a profile of a product can declare: signs, planes, bits, zero points, gains."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "ERROR", "ERROR_VARIANCE", "MASK", "NO_DATA", "RELATIVE_WEIGHT", "ROLES", "VARIANCE", "WEIGHT",
    "Elsewhere", "Gain", "Plane", "Profile", "Unused", "ZeroPoint",
]  # fmt: skip

#: What a plane of a product is, and the argument of `skyshed.extract` that it becomes.
ROLES = {
    "error": "error", "variance of the whole flux": "error",
    "variance of the background": "variance", "inverse variance of the background": "weight",
    "relative weight": "weight", "mask": "mask", "exposure": "mask",
}  # fmt: skip
ERROR, ERROR_VARIANCE, VARIANCE, WEIGHT, RELATIVE_WEIGHT, MASK, NO_DATA = ROLES


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A plane that is used.

    Attributes
    ----------
    hdu : str
        Pattern of its EXTNAME. ``{name}`` stands for a group of the pattern of the image's.
    role : str
        One of `ROLES`.
    bits : mapping of str to int
        Of a mask, its bits by name.
    names : str
        Where the bits have their names from the header of the plane: what the cards begin with,
        whose values are the bits (``MP_`` for ``MP_BAD = 0``).
    bad : tuple of str
        Names of the bits that reject a pixel; empty for all.
    optional : bool
        Whether the product may be without it.
    """

    hdu: str
    role: str
    bits: Mapping[str, int] = field(default_factory=dict)
    names: str = ""
    bad: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Unused:
    """A plane, or a card, that is deliberately not used, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Elsewhere:
    """A plane that is in another file: the option that it belongs to, and which file it is."""

    option: str
    what: str


@dataclass(frozen=True, kw_only=True)
class ZeroPoint:
    """How the header says the magnitude of a flux of one unit of the pixels.

    Attributes
    ----------
    system : str
        ``AB`` or ``Vega``, as the observatory says.
    rule : str
        One of `skyshed.images.profiles.rules.ZERO_POINTS`.
    cards : tuple of str
        The cards that the rule takes.
    offset : float
        What is added to what the rule says.
    units : tuple of str
        The units of pixels that it holds for; empty for any.
    when : mapping of str to str
        Cards that must be there, and the patterns of their values.
    """

    system: str
    rule: str
    cards: tuple[str, ...] = ()
    offset: float = 0.0
    units: tuple[str, ...] = ()
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How the header says the electrons of one unit of the pixels.

    Attributes
    ----------
    rule : str
        One of `skyshed.images.profiles.rules.GAINS`.
    cards : tuple of str
        The cards that the rule takes.
    units : tuple of str
        The units of pixels that it holds for; empty for any.
    when : mapping of str to str
        Cards that must be there, and the patterns of their values.
    """

    rule: str
    cards: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is known of a product of an observatory.

    Attributes
    ----------
    name : str
        What ``--as`` calls it.
    about : str
        What it is, in a few words.
    signs : mapping of str to str
        Cards of the image or the primary header by which it is recognised, and the pattern that
        the value of each matches as a whole, in any case.
    absent : tuple of str
        Cards that neither header has.
    image : str
        Pattern of the EXTNAME of the image; empty for any.
    hdus : tuple of str
        Patterns of EXTNAME of other images that the file must hold.
    planes : tuple of Plane
        The planes of the same file that are used.
    unit : str
        The unit of the pixels where the header has none; empty if that is not documented.
    zero_points : tuple of ZeroPoint
        The first that the header has is used.
    gains : tuple of Gain
        The same, for Poisson noise where no plane says the error.
    saturation : str
        The card that says from which value on pixels are saturated.
    exposure : str
        The card that says the exposure time in seconds.
    elsewhere : tuple of Elsewhere
        Planes in other files, which the user is told of.
    unused : tuple of Unused
        What is not used, and why.
    sources : tuple of str
        The documents that all this is from.
    checked : str
        What it was checked against when it was written: the documents, headers of real files;
        empty where only memory of them was at hand.
    """

    name: str
    about: str
    signs: Mapping[str, str]
    absent: tuple[str, ...] = ()
    image: str = ""
    hdus: tuple[str, ...] = ()
    planes: tuple[Plane, ...] = ()
    unit: str = ""
    zero_points: tuple[ZeroPoint, ...] = ()
    gains: tuple[Gain, ...] = ()
    saturation: str = ""
    exposure: str = ""
    elsewhere: tuple[Elsewhere, ...] = ()
    unused: tuple[Unused, ...] = ()
    sources: tuple[str, ...] = ()
    checked: str = ""

    @property
    def conditions(self) -> int:
        """How much the profile asks of a file: of several that match, the strictest counts."""
        return len(self.signs) + len(self.absent) + len(self.hdus) + bool(self.image)
