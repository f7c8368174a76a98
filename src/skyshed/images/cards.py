"""The cards of an image's header that are asked for by their names."""

from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

from astropy.io.fits.verify import VerifyError

from skyshed.cached import cached_property
from skyshed.images.inherited import header_of
from skyshed.images.pixels import RefusedError
from skyshed.images.twice import given_twice

__all__ = ["Card", "Cards", "SharedCards", "cards_of"]


class Card(NamedTuple):
    """A card: its value, and which HDU it is in."""

    value: Any
    where: str


@dataclass(frozen=True, eq=False)
class Cards:
    """The header of an image and that of its file, with one rule for what they say of the image.

    A card of the image's own counts before one of the primary header. That counts for images of
    which it is not the header where its HDU has no pixels, so that what it says is about all images
    of the file, unless INHERIT is F (FITS standard 4.0, section 4.4.2.6).

    Attributes
    ----------
    own : Header or mapping
        That of the image, with the unit and WCS that it inherits.
    primary : Header or None
        That of the primary HDU, where the image is in another.
    label : str
        What messages call the image.
    """

    own: Any
    primary: Any = None
    label: str = "the image"

    @cached_property
    def headers(self) -> tuple[Any, ...]:
        """The headers that count, the first that has a card before the others."""
        primary = self.primary
        if primary is None or primary.get("NAXIS", 0) or _read(self.own, "INHERIT") is False:
            return (self.own,)
        return (self.own, primary)

    @property
    def parts(self) -> "tuple[Cards, ...]":
        """The cards of each part of an image of several files; itself of any other."""
        return (self,)

    def _holder(self, name: str) -> Any:
        """Return the header whose card of a name counts; `None` if none has it."""
        return next((each for each in self.headers if name in each), None)

    def find(self, name: str) -> Card | None:
        """Return a card; `None` if there is none."""
        for header, where in zip(
            self.headers, (self.label, f"the primary header of {self.label}"), strict=False
        ):
            if name in header:
                return Card(_read(header, name), where)
        return None

    def value(self, name: str) -> Any:
        """Return the value of a card; `None` where it is not there, cannot be read, or in doubt."""
        header = self._holder(name)
        if header is None or self.doubt(name) is not None:
            return None
        return _read(header, name)

    def comment(self, name: str) -> str:
        """Return what a card says of its value; empty where it says nothing."""
        header = self._holder(name)
        comments = getattr(header, "comments", None)
        try:
            return "" if comments is None else str(comments[name]).strip()
        except VerifyError:
            return ""

    def sign(self, name: str) -> str | None:
        """Return the text of a card that says what a file is; `None` if there is none.

        Such a card is about the file, so that one of the primary header counts whatever that holds.
        """
        values = (_read(each, name) for each in (self.own, self.primary) if each is not None)
        value = next((each for each in values if each is not None), None)
        return None if value is None else str(value).strip()

    def doubt(self, name: str) -> str | None:
        """Say why it is not known what a card is: it is there twice; `None` if it is known."""
        header = self._holder(name)
        try:
            return None if header is None else given_twice(header, [name])
        except VerifyError:  # astropy reads a card when it is asked for
            return None

    def number(self, name: str, argument: str) -> Card:
        """Return a card that must be a number.

        Parameters
        ----------
        name : str
            That of the card.
        argument : str
            What it is needed for.

        Raises
        ------
        ValueError
            If there is no such card, or it is no number; the message names it.

        Examples
        --------
        >>> from skyshed.images.cards import Cards
        >>> Cards({"MAGZERO": 25.3}).number("MAGZERO", "zero_point").value
        25.3
        """
        asked = f"{argument} is asked for by the name of a card, {name}"
        twice = self.doubt(name)
        if twice is not None:
            raise RefusedError(f"{asked}, and {twice}: correct the header, or give a number")
        card = self.find(name)
        if card is None:
            apart = any(
                part.primary is not None and name in part.primary and len(part.headers) == 1
                for part in self.parts
            )
            other = " (that of the primary HDU is not of it, by NAXIS or INHERIT)" if apart else ""
            raise RefusedError(
                f"{asked}, and the header of {self.label} has no such card{other}: give a number, "
                "or the name of a card that is there"
            )
        value = card.value
        if not isinstance(value, Real) or isinstance(value, bool) or not isfinite(value):
            raise RefusedError(
                f"{asked}, and {card.where} has {name} = {value!r}, which is no number: correct "
                f"the card, or give {argument} as a number"
            )
        return Card(float(value), card.where)


@dataclass(frozen=True, eq=False)
class SharedCards(Cards):
    """The cards that the parts of an image have in common.

    Attributes
    ----------
    of_parts : tuple of Cards
        Those of each part.
    """

    of_parts: tuple[Cards, ...] = ()

    @property
    def parts(self) -> tuple[Cards, ...]:
        """Those of each part."""
        return self.of_parts

    def doubt(self, name: str) -> str | None:
        """Say why it is not known what a card is: it is there twice in a part, or parts differ."""
        first = self.parts[0]
        for part in self.parts:
            twice = Cards.doubt(part, name)
            if twice is not None:
                return f"{twice} in {part.label}"
            one, two = first.value(name), part.value(name)
            if one != two and repr(one) != repr(two):  # NaN is no other than NaN
                return (
                    f"{name} differs between the parts of the image: it is {one!r} in "
                    f"{first.label} and {two!r} in {part.label}"
                )
        return None

    def find(self, name: str) -> Card | None:
        """Return a card that is the same in all parts; `None` if there is none, or it is not."""
        return None if self.doubt(name) is not None else self.parts[0].find(name)

    def value(self, name: str) -> Any:
        """Return the value of a card that is the same in all parts, or else `None`."""
        return None if self.doubt(name) is not None else self.parts[0].value(name)

    def comment(self, name: str) -> str:
        """Return what a card says of its value, in the first part."""
        return self.parts[0].comment(name)

    def sign(self, name: str) -> str | None:
        """Return the text of a card that says what a file is, if all parts have the same."""
        found = {part.sign(name) for part in self.parts}
        return found.pop() if len(found) == 1 else None


def cards_of(hdus: Any, number: int, label: str, header: Any = None) -> Cards:
    """Return the cards of an HDU of a list; ``header`` with what it inherits, if that is known."""
    own = header_of(hdus, number) if header is None else header
    return Cards(own, hdus[0].header if number > 0 else None, label)


def _read(header: Any, name: str) -> Any:
    """Return the value of a card; `None` where there is none, or it cannot be read."""
    try:
        return header.get(name)
    except VerifyError:  # astropy reads a card when it is asked for
        return None
