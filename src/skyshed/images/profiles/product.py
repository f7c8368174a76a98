"""A product that was recognised: the profile, and what of it a file has."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import astropy.units as u

from skyshed.images.hdu_facts import HduFacts
from skyshed.images.profiles.declared import MASK, Gain, Plane, Profile, ZeroPoint
from skyshed.images.profiles.rules import GAINS, ZERO_POINTS
from skyshed.images.structure import Structure
from skyshed.images.unit_texts import is_unit, parsed_unit

__all__ = ["FoundPlane", "Number", "Product", "is_image", "made_product", "matches"]


@dataclass(frozen=True)
class FoundPlane:
    """A plane of a profile that a file has.

    Attributes
    ----------
    plane : Plane
        What the profile says of it.
    number : int
        Its HDU.
    name : str
        What its HDU is called.
    bits : mapping of str to int
        Of a mask, the bits that reject a pixel, by name; empty for all.
    """

    plane: Plane
    number: int
    name: str
    bits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Number:
    """A number that a header says, how and, of a zero point, in which system: AB or Vega."""

    value: float
    how: str
    system: str = ""


@dataclass(frozen=True)
class Product:
    """An image of a file as a profile knows it.

    Attributes
    ----------
    profile : Profile
        The profile.
    file : str
        The file; empty for HDUs in memory.
    number : int
        The HDU of the image.
    name : str
        What that is called.
    images : tuple of int
        All HDUs of the file that are images by this profile.
    why : str
        By what it was recognised.
    planes : tuple of FoundPlane
        The planes of this image.
    lacking : mapping of str to str
        Planes that should be there and are not, or cannot be used, and why.
    unit : str
        The unit of the pixels, where the header has none and the profile knows it.
    zero_point, gain, saturation, exposure : Number or None
        What the header says.
    doubts : mapping of str to str
        Which of these is not known, because the header says two things, and which card it is.
    """

    profile: Profile
    file: str
    number: int
    name: str
    images: tuple[int, ...]
    why: str
    planes: tuple[FoundPlane, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    zero_point: Number | None = None
    gain: Number | None = None
    saturation: Number | None = None
    exposure: Number | None = None
    doubts: Mapping[str, str] = field(default_factory=dict)


def made_product(
    profile: Profile, structure: Structure, images: Sequence[HduFacts], why: str
) -> Product:
    """Put together what a file has of a profile; ``images`` are those of the file."""
    mine = next(each for each in images if each.number == structure.number)
    text = structure.cards.own.get("BUNIT")
    own = is_unit(text)
    unit = parsed_unit(text.strip() if own else profile.unit) if own or profile.unit else None
    found, lacking = [], {}
    for plane in profile.planes:
        facts = _hdu_of(plane, profile, mine, images)
        if facts is None:
            if not plane.optional:
                lacking[plane.role] = f"no HDU {plane.hdu} of its shape belongs to the image"
            continue
        bits = _bits(plane, structure.header_of(facts.number))
        if plane.bad and not bits:
            lacking[plane.role] = f"HDU {facts} names none of the bits {', '.join(plane.bad)}"
        else:
            found.append(FoundPlane(plane, facts.number, facts.key, bits))
    numbers: dict[str, Number | None] = {}
    doubts = {}
    for name, declared, rules in (
        ("zero_point", profile.zero_points, ZERO_POINTS), ("gain", profile.gains, GAINS),
    ):  # fmt: skip
        try:
            numbers[name] = _said(declared, rules, structure, unit)
        except _DoubtError as error:
            doubts[name] = str(error)
    return Product(
        profile, structure.file, mine.number, mine.key,
        tuple(each.number for each in images if is_image(profile, each.name)),
        why, tuple(found), lacking, "" if own else profile.unit,
        saturation=_number(profile.saturation, structure),
        exposure=_number(profile.exposure, structure),
        doubts=doubts,
        **numbers,
    )  # fmt: skip


def is_image(profile: Profile, name: str) -> bool:
    """Whether an HDU is, by its name, an image of the product and no plane that goes with one."""
    if profile.image:
        return matches(name, profile.image)
    return not any(matches(name, plane.hdu) for plane in profile.planes)


def _hdu_of(
    plane: Plane, profile: Profile, mine: HduFacts, images: Sequence[HduFacts]
) -> HduFacts | None:
    """Return the HDU of a plane: by its name, and of several with that, by its version."""
    pattern = plane.hdu
    match = re.fullmatch(profile.image, mine.name, re.IGNORECASE) if profile.image else None
    for key, value in ({} if match is None else match.groupdict()).items():
        pattern = pattern.replace(f"{{{key}}}", re.escape(value or ""))
    named = [
        each for each in images
        if matches(each.name, pattern) and each.shape == mine.shape
        and (None in (each.version, mine.version) or each.version == mine.version)
    ]  # fmt: skip
    if len(named) > 1:  # EXTVER is 1 where it is left out (FITS standard 4.0, section 4.4.2.6)
        named = [each for each in named if (each.version or 1) == (mine.version or 1)]
    return named[0] if len(named) == 1 else None


def _bits(plane: Plane, header: Any) -> dict[str, int]:
    """Return the bits of a mask that reject a pixel, by name."""
    if plane.role != MASK:
        return {}
    bits: Mapping[str, Any] = plane.bits
    if plane.names:
        bits = dict(
            _named_bit(card.upper().removeprefix(plane.names), value)
            for card, value in header.items()
            if card.upper().startswith(plane.names)
        )
    return {name: bits[name] for name in plane.bad if bits.get(name, -1) >= 0}


def _named_bit(rest: str, value: Any) -> tuple[str, int]:
    """Return a bit of a card, ``MP_SAT = 1`` or ``MSKN0001 = 'SAT'``, whose beginning is left."""
    if rest.isdigit():
        return str(value).strip().upper(), int(rest)
    return rest, value if isinstance(value, int) else -1


class _DoubtError(ValueError):
    """A card that is there with different values."""


def _said(
    declared: Sequence[ZeroPoint] | Sequence[Gain], rules: Any, structure: Structure, unit: Any
) -> Number | None:
    """Return the number that the first of some rules finds in the headers.

    Raises
    ------
    _DoubtError
        If it is not known which of two values a card of the rule has.
    """
    for each in declared:
        if each.units and not _is_one_of(unit, each.units):
            continue
        if not all(matches(structure.cards.value(card), text) for card, text in each.when.items()):
            continue
        doubt = next(filter(None, map(structure.cards.doubt, each.cards)), None)
        if doubt is not None:
            raise _DoubtError(doubt)
        numbers = [_number(card, structure) for card in each.cards]
        known = [number for number in numbers if number is not None]
        value = None
        if len(known) == len(numbers):
            value = rules[each.rule]([number.value for number in known], unit)
        if value is None:
            continue
        system, unit_of_value = "", " electrons"
        if isinstance(each, ZeroPoint):
            value += each.offset
            system, unit_of_value = each.system, f" mag ({each.system})"
        cards = [number.how for number in known]
        cards += [f"{card} = {structure.cards.value(card)}" for card in each.when]
        how = ", ".join(cards) or f"the unit, {unit}"
        return Number(float(value), f"{value:.6g}{unit_of_value}, by {how}", system)
    return None


def matches(value: Any, pattern: str) -> bool:
    """Whether the value of a card, or a name, is as a pattern, as a whole and in any case."""
    return (
        value is not None and re.fullmatch(pattern, str(value).strip(), re.IGNORECASE) is not None
    )


def _is_one_of(unit: Any, units: Sequence[str]) -> bool:
    return unit is not None and any(unit == u.Unit(each) for each in units)


def _number(card: str, structure: Structure) -> Number | None:
    """Return the number that a card holds."""
    value = structure.number_of(card)
    return None if value is None else Number(value, f"{card} = {value:g}")
