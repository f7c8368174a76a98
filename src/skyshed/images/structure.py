"""What can be known of the file that an image is in, and whether it may be a known product's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.images.cards import Cards, cards_of
from skyshed.images.hdu_facts import HduFacts, images_of
from skyshed.images.hdu_index import SomeHdus, known_index

__all__ = ["SIGNS", "Structure", "has_signs", "structure_in", "structure_of"]

#: Cards of which every profile has one among its signs.
SIGNS = (
    "TELESCOP", "INSTRUME", "ORIGIN", "BMAJ", "AR_HDU", "JSONADDR", "DES_EXT", "LEGPIPEV",
    "FPA.TELESCOPE", "UNW_VER", "COADDID", "ZPAPPROX",
)  # fmt: skip


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
