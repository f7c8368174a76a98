"""The cards of an image's header that are asked for by their names."""

from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

from skyshed.images.pixels import RefusedError
from skyshed.images.twice import given_twice

__all__ = ["Card", "Cards", "SharedCards", "cards_of"]


class Card(NamedTuple):
    """A card: its value, and which HDU it is in."""

    value: Any
    where: str


@dataclass(frozen=True, eq=False)
class Cards:
    """The header of an image, and that of the file.

    Attributes
    ----------
    own : Header
        That of the image.
    primary : Header or None
        That of a primary HDU without an image, which says what all images of the file have in
        common: instrument, exposure time, gain.
    label : str
        What messages call the image.
    """

    own: Any
    primary: Any = None
    label: str = "the image"

    def find(self, name: str) -> Card | None:
        """Return a card, the image's own before that of the file; `None` if there is none."""
        if name in self.own:
            return Card(self.own[name], self.label)
        if self.primary is not None and name in self.primary:
            return Card(self.primary[name], f"the primary header of {self.label}")
        return None

    def given_twice(self, name: str) -> str | None:
        """Say that a card is there with different values; `None` if it is not."""
        headers = [each for each in (self.own, self.primary) if each is not None and name in each]
        return given_twice(headers[0], [name]) if headers else None

    def text(self, name: str) -> str:
        """Return the text of a card in capitals; empty if there is none."""
        card = self.find(name)
        return "" if card is None else str(card.value).strip().upper()

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
        card = self.find(name)
        asked = f"{argument} is asked for by the name of a card, {name}"
        if card is None:
            raise RefusedError(
                f"{asked}, and the header of {self.label} has no such card: give a number, or the "
                "name of a card that is there"
            )
        twice = self.given_twice(name)
        if twice is not None:
            raise RefusedError(f"{asked}, and {twice}: correct the header, or give a number")
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
    parts : tuple of Cards
        Those of each part that has any.
    """

    parts: tuple[Cards, ...] = ()

    def given_twice(self, name: str) -> str | None:
        """Say that a card is there with different values in a part; `None` if it is in none."""
        found = (part.given_twice(name) for part in self.parts)
        return next((each for each in found if each is not None), None)

    def text(self, name: str) -> str:
        """Return the text of a card in capitals; empty if it is not the same in all parts."""
        texts = {part.text(name) for part in self.parts}
        return texts.pop() if len(texts) == 1 else ""

    def find(self, name: str) -> Card | None:
        """Return a card that is the same in all parts.

        Raises
        ------
        ValueError
            If they differ.
        """
        found = [(part.label, part.find(name)) for part in self.parts]
        label, first = found[0]
        for other, card in found[1:]:
            one, two = (None if each is None else each.value for each in (first, card))
            if one != two:
                raise RefusedError(
                    f"{name} differs between the parts of the image: it is {one!r} in {label} and "
                    f"{two!r} in {other}; bring the parts to one scale first, or give a number"
                )
        return first


def cards_of(hdus: Any, number: int, label: str) -> Cards:
    """Return the cards of an HDU of a list."""
    apart = number > 0 and not hdus[0].header.get("NAXIS", 0)
    return Cards(hdus[number].header, hdus[0].header if apart else None, label)
