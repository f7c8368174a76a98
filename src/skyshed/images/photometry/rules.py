"""The registry of rules, and what they say together."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from skyshed.images.cards import Cards
from skyshed.images.doubted import warn_of_image
from skyshed.images.photometry.calibration import Calibration
from skyshed.images.photometry.evidence import ContradictionError, Doubt, Evidence

__all__ = [
    "RULES",
    "ContradictionError",
    "Rule",
    "calibration_of",
    "check_agreement",
    "photometric_cards",
    "rule",
    "warn_of_no_calibration",
]

Function = TypeVar("Function", bound=Callable[[Evidence], Calibration | None])

#: What two cards may differ by and still be said to agree: a tenth is 0.1 mag. Calibrations of an
#: image differ by less; a factor that was left over by a program differs by more.
AGREEMENT = 0.1


class Rule(NamedTuple):
    """One way in which headers say what a unit is.

    Attributes
    ----------
    name : str
        The name of the function.
    cards : tuple of str
        The cards that it reads.
    meaning : str
        What they mean, for the documentation.
    cite : str
        Who says so.
    find : callable
        Returns the `Calibration` of some `Evidence`, or `None` where the rule does not apply.
    """

    name: str
    cards: tuple[str, ...]
    meaning: str
    cite: str
    find: Callable[[Evidence], Calibration | None]


#: Every rule, by its name; where several apply and agree, the first counts.
RULES: dict[str, Rule] = {}


def rule(*cards: str, meaning: str, cite: str) -> Callable[[Function], Function]:
    """Register a function of `Evidence` as a rule.

    Parameters
    ----------
    *cards : str
        The cards that it reads. A rule is given no others.
    meaning, cite
        As for `Rule`.

    Raises
    ------
    ValueError
        If there is a rule of that name.

    Notes
    -----
    The function returns `None` unless the header says all that is needed: nothing is guessed. It
    raises `ContradictionError` where cards disagree.
    """

    def register(function: Function) -> Function:
        name = function.__name__
        if name in RULES:
            raise ValueError(f"there is a rule called {name!r}: give the function another name")
        RULES[name] = Rule(name, cards, meaning, cite, function)
        return function

    return register


def photometric_cards(cards: Cards | None) -> dict[str, Any]:
    """Return the cards of an image that rules read; a `Doubt` where it is not known what one is.

    Examples
    --------
    >>> from skyshed.images.cards import Cards
    >>> from skyshed.images.photometry import photometric_cards
    >>> photometric_cards(Cards({"PHOTFLAM": 1e-19}, {"NAXIS": 0, "EXPTIME": 90.0}))
    {'EXPTIME': 90.0, 'PHOTFLAM': 1e-19}
    """
    if cards is None:
        return {}
    found: dict[str, Any] = {}
    for name in sorted({card for each in RULES.values() for card in each.cards}):
        doubt = cards.doubt(name)
        value = cards.value(name) if doubt is None else Doubt(doubt)
        if value is not None:
            found[name] = value
    if "BEAM" in str(cards.value("BUNIT")).upper() and "BMAJ" not in found:
        from skyshed.images.photometry.aips import beam_in_history

        first, *others = (beam_in_history(part.own) for part in cards.parts)
        differ = Doubt("the beam in HISTORY differs between the parts of the image")
        found |= first if all(each == first for each in others) else {"BMAJ": differ}
    return found


def calibration_of(
    evidence: Evidence, label: str = "image", known: Calibration | None = None
) -> Calibration | None:
    """Return what the unit of an image is by all that is known of it; `None` where it is not said.

    Parameters
    ----------
    evidence : Evidence
        What is known.
    label : str, optional
        What messages call the image.
    known : Calibration, optional
        What the product says that the image is. It goes before the rules if they agree with it.

    Warns
    -----
    ImageWarning
        If cards contradict each other: then nothing is said.

    Examples
    --------
    >>> import astropy.units as u
    >>> from skyshed.images.photometry import Evidence, calibration_of
    >>> calibration_of(Evidence(u.nJy))
    Calibration(microjansky=0.001, source='BUNIT: nJy in a pixel')
    >>> calibration_of(Evidence(u.DN, {"MAGZERO": 25.0})) is None  # AB or Vega, nobody knows
    True
    """
    found = [] if known is None else [known]
    try:
        for each in RULES.values():
            calibration = each.find(_only(evidence, each.cards))
            if calibration is not None:
                found.append(calibration)
        for other in found[1:]:
            _check_agreement(found[0], other)
    except ContradictionError as error:
        warn_of_no_calibration(label, str(error))
        return None
    return found[0] if found else None


def warn_of_no_calibration(label: str, why: str) -> None:
    """Warn that an image has no flux densities, because of what its header says."""
    warn_of_image(
        f"{label}: {why}; flux densities and AB magnitudes are left out: give zero_point and "
        "zero_point_system (--zero-point, --zero-point-system), or calibrate=False "
        "(--no-calibrate)"
    )


def check_agreement(first: float, other: float, what: str) -> None:
    """Raise a `ContradictionError`, which says ``what``, unless two numbers agree."""
    if not 1 - AGREEMENT <= other / first <= 1 + AGREEMENT:
        raise ContradictionError(what)


def _check_agreement(first: Calibration, other: Calibration) -> None:
    check_agreement(
        first.microjansky, other.microjansky,
        f"the header contradicts itself: one unit is {first.microjansky:.4g} uJy by "
        f"{first.source}, and {other.microjansky:.4g} uJy by {other.source}",
    )  # fmt: skip


def _only(evidence: Evidence, cards: tuple[str, ...]) -> Evidence:
    """Return evidence with the cards that a rule declares."""
    kept = {name: evidence.cards[name] for name in cards if name in evidence.cards}
    return replace(evidence, cards=kept)
