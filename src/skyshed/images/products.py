"""Which product of an observatory an image is: a cheap look at a few cards, then the registry.

The registry is imported only where a header has a card that it goes by: most files are none of it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from astropy.io.fits.verify import VerifyError

from skyshed.images.hdu_facts import HduFacts, images_of
from skyshed.images.inherited import header_of
from skyshed.images.source import ImageSource

__all__ = [
    "PLAIN", "SIGNS", "Said", "Structure", "product_as", "product_of", "signs_of", "structure_of",
    "take",
]  # fmt: skip

#: What ``--as`` calls a file that is read without any profile.
PLAIN = "plain"

#: Cards of which every profile has one among its signs.
SIGNS = (
    "TELESCOP", "INSTRUME", "ORIGIN", "BMAJ", "AR_HDU", "JSONADDR", "DES_EXT", "LEGPIPEV",
    "FPA.TELESCOPE", "UNW_VER", "COADDID", "ZPAPPROX",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a run says of the product that its image is.

    Attributes
    ----------
    record : mapping of str to str
        For the run record: the profile, the planes and what they are, what is not used.
    parameters : mapping of str to object
        Parameters of the chain that the header says.
    """

    record: Mapping[str, str]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Structure:
    """What a profile may ask of the file that an image is in.

    Attributes
    ----------
    number : int
        The HDU of the image.
    header, primary : Header
        The header of the image with what it inherits, and that of the file.
    images : callable
        Returns all images of the file.
    header_of : callable
        Returns the header of an HDU.
    file : str
        The path of the file; empty for HDUs in memory.
    """

    number: int
    header: Any
    primary: Any
    images: Callable[[], Sequence[HduFacts]]
    header_of: Callable[[int], Any]
    file: str = ""

    def find(self, card: str) -> Any:
        """Return the value of a card, that of the image first; `None` if there is none."""
        for header in (self.header, self.primary):
            if card in header:
                return header[card]
        return None

    def number_of(self, card: str) -> float | None:
        """Return the number that a card holds; `None` if it holds none."""
        value = self.find(card) if card else None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return None
        return float(value)


def structure_of(hdus: Any, number: int, file: str = "") -> Structure:
    """Return what there is to know of an image in a list of HDUs."""
    return Structure(
        number, header_of(hdus, number), hdus[0].header, lambda: images_of(hdus),
        lambda other: hdus[other].header, file,
    )  # fmt: skip


def signs_of(header: Any, primary: Any) -> dict[str, str]:
    """Return the cards of an image that products are recognised by, as texts."""
    found = {}
    for card in SIGNS:
        where = next((each for each in (header, primary) if card in each), None)
        if where is not None:
            with suppress(VerifyError):  # a card that cannot be read says nothing
                found[card] = str(where[card]).strip()
    return found


def product_of(structure: Structure) -> Any:
    """Return which product an image is, `None` if it is none that is known.

    Returns
    -------
    product : `~skyshed.images.profiles.product.Product` or None
        The profile, and what of it this file has.
    """
    if not signs_of(structure.header, structure.primary):
        return None
    from skyshed.images.profiles.registry import recognise

    return recognise(structure)


def product_as(name: str | None, image: ImageSource, given: Any) -> Any:
    """Return which product an image is: by its headers, or as the user says.

    Parameters
    ----------
    name : str or None
        A profile, ``"plain"`` for none, or `None` for that of the headers.
    image : ImageSource
        The image.
    given : object
        What the user gave as the image.

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
    if name == PLAIN or (name is None and not image.signs):
        return None
    from skyshed.images.profiles.taking import product_in

    return product_in(name, image, given)


def take(
    product: Any, image: ImageSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Any:
    """Open the planes of a product; see `skyshed.images.profiles.taking.take`."""
    from skyshed.images.profiles.taking import take as take_planes

    return take_planes(product, image, given, user, mask_bits)
