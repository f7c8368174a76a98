"""All profiles there are, and which of them a file matches."""

import importlib
import pkgutil
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

from skyshed.exceptions import ImageWarning
from skyshed.images.cards import Cards
from skyshed.images.hdu_facts import HduFacts, listed
from skyshed.images.profiles import families
from skyshed.images.profiles.declared import Profile
from skyshed.images.profiles.product import Product, is_image, made_product, matches
from skyshed.images.said import PLAIN
from skyshed.images.structure import SIGNS, Structure
from skyshed.messages import find_stack_level

__all__ = ["check_name", "forced", "may_be_known", "nearly", "profiles", "recognise"]


@cache
def profiles() -> dict[str, Profile]:
    """Return all profiles by name: those that the files of `families` declare."""
    found: dict[str, Profile] = {}
    for module in pkgutil.iter_modules(families.__path__):
        family = importlib.import_module(f"{families.__name__}.{module.name}")
        found.update({each.name: each for each in family.PROFILES})
    return found


def may_be_known(cards: Cards | None) -> bool:
    """Whether an image may match a profile, going by those of its cards that are in `SIGNS`."""
    return cards is not None and any(
        all(matches(cards.sign(card), text) for card, text in each.signs.items() if card in SIGNS)
        for each in profiles().values()
    )


def recognise(structure: Structure) -> Product | None:
    """Return which product an image is, `None` if it is none; of several, the strictest."""
    name = str(structure.cards.own.get("EXTNAME", "")).strip()
    able = [
        each for each in profiles().values() if is_image(each, name) and _has_signs(each, structure)
    ]
    if not able:  # the other headers of the file need not be read
        return None
    images = structure.images()
    found = [each for each in able if all(_holds(hdu, images) for hdu in each.hdus)]
    if not found or all(each.number != structure.number for each in images):
        return None
    strictest = max(each.conditions for each in found)
    best = [each for each in found if each.conditions == strictest]
    if len(best) > 1:
        names = " and ".join(each.name for each in best)
        warnings.warn(
            f"{structure.file or 'the image'} matches the profiles {names}, of which none is "
            "used: name one as profile (--as)",
            ImageWarning,
            stacklevel=find_stack_level(),
        )
        return None
    return made_product(best[0], structure, images, _why(best[0], structure))


def nearly(structure: Structure) -> str:
    """Say of an image that is no product which it would be if other HDUs were there, or nothing."""
    name = str(structure.cards.own.get("EXTNAME", "")).strip()
    able = [
        each for each in profiles().values() if is_image(each, name) and _has_signs(each, structure)
    ]
    images = structure.images() if able else ()
    lacking = [
        f"{each.name} without {' and '.join(hdu for hdu in each.hdus if not _holds(hdu, images))}"
        for each in able if not all(_holds(hdu, images) for hdu in each.hdus)
    ]  # fmt: skip
    if not lacking:
        return ""
    where = structure.file or ("the HDU alone" if len(images) < 2 else "the HDUList")
    return f"{where} would be {' or '.join(lacking)}"


def forced(name: str, structure: Structure) -> Product:
    """Return an image as the product that the user says it is.

    Raises
    ------
    ValueError
        If there is no such profile, or the file lacks what it is about.
    """
    check_name(name)
    profile = profiles()[name]
    images = structure.images()
    mine = next(each for each in images if each.number == structure.number)
    what = structure.file or "the HDUList"
    if not is_image(profile, mine.name):
        raise ValueError(
            f"profile is given as {name!r}, whose image is called "
            f"{profile.image or 'otherwise'}, and image is HDU {mine} of {listed(images)} of "
            f"{what}: name another HDU, or leave profile (--as) out"
        )
    lacking = [each for each in profile.hdus if not _holds(each, images)]
    if lacking:
        raise ValueError(
            f"profile is given as {name!r}, and {what} has no HDU {' nor '.join(lacking)}: it has "
            f"{listed(images)}; leave profile (--as) out"
        )
    return made_product(profile, structure, images, "the argument profile")


def check_name(name: Any) -> None:
    """Refuse what is no name of a profile."""
    known = (PLAIN, *sorted(profiles()))
    if name not in known:
        raise ValueError(f"profile must be one of {', '.join(known)}; got {name!r}")


def _has_signs(profile: Profile, structure: Structure) -> bool:
    """Whether the cards of a file are those of a profile."""
    if not all(matches(structure.cards.sign(card), text) for card, text in profile.signs.items()):
        return False
    return all(structure.cards.sign(card) is None for card in profile.absent)


def _holds(pattern: str, images: Sequence[HduFacts]) -> bool:
    return any(matches(each.name, pattern) for each in images)


def _why(profile: Profile, structure: Structure) -> str:
    """Say by what a file was recognised."""
    cards = [f"{card} = {structure.cards.sign(card)}" for card in profile.signs]
    return ", ".join([*cards, *(f"HDU {each}" for each in profile.hdus)])
