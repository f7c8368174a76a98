"""Which product of an observatory an image is: a cheap look at a few cards, then the registry.

The registry is imported only where a header has a card that it goes by: most files are none of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.images.cards import Cards, cards_of
from skyshed.images.hdu_facts import HduFacts, images_of
from skyshed.images.hdu_index import SomeHdus, known_index
from skyshed.images.photometry.calibration import Calibration
from skyshed.images.source import ImageSource

__all__ = [
    "NOT_USED", "PLAIN", "SIGNS", "Said", "Structure", "has_signs", "product_of", "structure_in",
    "structure_of", "taken_as",
]  # fmt: skip

#: What ``--as`` calls a file that is read without any profile.
PLAIN = "plain"

#: Cards of which every profile has one among its signs.
SIGNS = (
    "TELESCOP", "INSTRUME", "ORIGIN", "BMAJ", "AR_HDU", "JSONADDR", "DES_EXT", "LEGPIPEV",
    "FPA.TELESCOPE", "UNW_VER", "COADDID", "ZPAPPROX",
)  # fmt: skip

#: What the run record calls that which a file has and a run does not use.
NOT_USED = "profile_not_used"
#: Numbers of a product: the parameters that each is, and what the run record calls it.
NUMBERS = {
    "zero_point": (("zero_point", "zero_point_system"), "profile_zero_point"),
    "effective_gain": (("effective_gain",), "profile_gain"),
}


@dataclass(frozen=True)
class Said:
    """What a run says of the product that its image is.

    Attributes
    ----------
    record : mapping of str to str
        For the run record: the profile, the planes and what they are, what is not used.
    parameters : mapping of str to object
        Parameters of the chain that the header says.
    doubt : str
        Why the zero point is not known, where the header says several.
    """

    record: Mapping[str, str]
    parameters: Mapping[str, Any]
    doubt: str = ""

    @property
    def calibration(self) -> Calibration | None:
        """What the AB zero point of the product says; `None` if it has none."""
        if self.parameters.get("zero_point_system") != "AB":
            return None
        return Calibration.of_zero_point(
            self.parameters["zero_point"], self.record["profile_zero_point"]
        )

    def without(self, name: str, why: str) -> "Said":
        """Return the same where a number, ``zero_point`` or ``effective_gain``, is not used."""
        names, card = NUMBERS[name]
        record = dict(self.record)
        passed = [record.pop(NOT_USED, ""), f"{record.pop(card)} ({why})"]
        record[NOT_USED] = "; ".join(filter(None, passed))
        left = {each: value for each, value in self.parameters.items() if each not in names}
        return replace(self, record=record, parameters=left)


@dataclass(frozen=True)
class Structure:
    """What a profile may ask of the file that an image is in.

    Attributes
    ----------
    number : int
        The HDU of the image.
    cards : Cards
        The header of the image, and that of the file.
    images : callable
        Returns all images of the file.
    header_of : callable
        Returns the header of an HDU.
    file : str
        The path of the file; empty for HDUs in memory.
    """

    number: int
    cards: Cards
    images: Callable[[], Sequence[HduFacts]]
    header_of: Callable[[int], Any]
    file: str = ""

    def number_of(self, card: str) -> float | None:
        """Return the number that a card holds; `None` if it holds none, or is in doubt."""
        value = self.cards.value(card) if card else None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return None
        return float(value)


def structure_of(
    hdus: Any, number: int, file: str = "", images: Sequence[HduFacts] | None = None
) -> Structure:
    """Return what there is to know of an image in a list of HDUs; ``images`` if they are known."""
    return Structure(
        number, cards_of(hdus, number, file or "the HDUList"),
        lambda: images_of(hdus) if images is None else images,
        lambda other: hdus[other].header, file,
    )  # fmt: skip


@contextmanager
def structure_in(file: str, number: int) -> Iterator[Structure]:
    """Give what there is to know of an image in a file, whose headers are read once, if at all."""
    known = known_index(file)
    with quiet(), ExitStack() as stack:
        if known is not None and known.begins:
            some = stack.enter_context(closing(SomeHdus(file, known)))
            yield structure_of(some, number, file, known.images)
        else:
            hdus = stack.enter_context(fits.open(file, memmap=False))
            yield structure_of(hdus, number, file)


def has_signs(cards: Cards | None) -> bool:
    """Whether an image has any of the cards that products are recognised by."""
    return cards is not None and any(cards.sign(name) is not None for name in SIGNS)


def product_of(structure: Structure) -> Any:
    """Return which product an image is, `None` if it is none that is known.

    Returns
    -------
    product : `~skyshed.images.profiles.product.Product` or None
        The profile, and what of it this file has.
    """
    if not has_signs(structure.cards):
        return None
    from skyshed.images.profiles.registry import recognise

    return recognise(structure)


def taken_as(
    name: str | None, image: ImageSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Any:
    """Return what is taken of the product that an image is: by its headers, or as the user says.

    Parameters
    ----------
    name : str or None
        A profile, ``"plain"`` for none, or `None` for that of the headers.
    image : ImageSource
        The image.
    given : object
        What the user gave as the image.
    user : mapping of str to object
        What they gave as companions.
    mask_bits : tuple or None
        The bits of the mask that they named.

    Returns
    -------
    taken : `~skyshed.images.profiles.taking.Taken` or None
        `None` of an image that is none, and has no signs of one.

    Raises
    ------
    ValueError
        If there is no such profile, or the image cannot be it.
    TypeError
        If ``name`` is no text.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(
            f"profile must be the name of one, {PLAIN!r} or None, got {type(name).__name__}"
        )
    parts = (image.header,) if image.header is None else image.header.parts
    if name == PLAIN or (name is None and not any(map(has_signs, parts))):
        return None
    from skyshed.images.profiles.parts import taken_in

    return taken_in(name, image, given, user, mask_bits)
