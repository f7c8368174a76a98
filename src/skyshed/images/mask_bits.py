"""Bits of a quality plane by their names: those that its header says, or that are documented.

Headers say them in three ways:

- ``MP_SAT = 1``, the name and the number of the bit: Rubin and HSC
  (``lsst.afw.image.Mask``, "mask plane dictionary").
- ``MBIT_2 = 'SATUR_G'``, ``BIT02 = 'SAT'``: the number and the name.
- ``BIT02 = 2 / HIGH SIGNAL (SATURATION)``: the number twice, and the name as the comment.

Those of JWST and HST are in documents only; which of these counts is told by TELESCOP, INSTRUME and
DETECTOR of the plane or of its image.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from skyshed.images.cards import Cards, SharedCards
from skyshed.images.pixels import RefusedError
from skyshed.images.source import ImageSource

__all__ = ["bits_of", "names_of_bits"]

#: Cards that name a bit in their keyword, and hold its number.
BY_NAME = re.compile(r"MP_(.+)")
#: Cards that number a bit in their keyword, and name it in their value or comment.
BY_NUMBER = re.compile(r"(?:MASK|MSK|M)?_?BITS?_?(\d{1,2})")
#: Bits from 0, those without a meaning empty.
#: jwst-pipeline.readthedocs.io, "Data Quality Flags".
JWST = (
    "DO_NOT_USE", "SATURATED", "JUMP_DET", "DROPOUT", "OUTLIER", "PERSISTENCE", "AD_FLOOR",
    "CHARGELOSS", "UNRELIABLE_ERROR", "NON_SCIENCE", "DEAD", "HOT", "WARM", "LOW_QE", "RC",
    "TELEGRAPH", "NONLINEAR", "BAD_REF_PIXEL", "NO_FLAT_FIELD", "NO_GAIN_VALUE", "NO_LIN_CORR",
    "NO_SAT_CHECK", "UNRELIABLE_BIAS", "UNRELIABLE_DARK", "UNRELIABLE_SLOPE", "UNRELIABLE_FLAT",
    "OPEN", "ADJ_OPEN", "FLUX_ESTIMATED", "MSA_FAILED_OPEN", "OTHER_BAD_PIXEL", "REFERENCE_PIXEL",
)  # fmt: skip
#: ACS Data Handbook, "Data Quality Flags", under the names of CALACS (acsdq.h).
ACS = (
    "SOFTERR", "DATALOST", "DETECTORPROB", "DATAMASKED", "HOTPIX", "LARGEBLEM", "", "OVERSCAN",
    "SATPIXEL", "CALIBDEFECT", "SMALLBLEM", "ATODSAT", "", "DATAREJECT",
)  # fmt: skip
#: WFC3 Data Handbook, "Data Quality Array", under the names of CALWF3 (wf3dq.h).
UVIS = (
    "SOFTERR", "DATALOST", "DETECTORPROB", "DATAMASKED", "HOTPIX", "CTETAIL", "WARMPIX", "BADBIAS",
    "SATPIXEL", "BADFLAT", "TRAP", "ATODSAT", "", "DATAREJECT", "CROSSTALK",
)  # fmt: skip
IR = (
    "SOFTERR", "DATALOST", "DETECTORPROB", "BADZERO", "HOTPIX", "UNSTABLE", "WARMPIX", "BADBIAS",
    "SATPIXEL", "BADFLAT", "SPIKE", "ZEROSIG", "", "DATAREJECT", "HIGH_CURVATURE",
)  # fmt: skip
#: Instruments whose bits are documented: the beginnings of TELESCOP, INSTRUME and DETECTOR.
DOCUMENTED = (
    (("JWST", "", ""), "JWST's documentation", JWST),
    (("HST", "ACS", ""), "the documentation of ACS", ACS),
    (("HST", "WFC3", "UVIS"), "the documentation of WFC3/UVIS", UVIS),
    (("HST", "WFC3", "IR"), "the documentation of WFC3/IR", IR),
)


def bits_of(
    wanted: Sequence[int | str] | None, mask: ImageSource | None, image: ImageSource
) -> tuple[tuple[int, ...] | None, dict[str, int]]:
    """Return the numbers of bits, some of which are given by name.

    Parameters
    ----------
    wanted : sequence of int or str, or None
        The bits; `None` for all.
    mask : ImageSource or None
        The plane that they are of.
    image : ImageSource
        The image that it goes with.

    Returns
    -------
    bits : tuple of int or None
        All of them, ascending.
    named : dict of str to int
        Those that were given by name.

    Raises
    ------
    ValueError
        If a name is not known; the message lists those that are.
    """
    if wanted is None:
        return None, {}
    names = [each for each in wanted if isinstance(each, str)]
    numbers = {each for each in wanted if not isinstance(each, str)}
    if not names:
        return tuple(sorted(numbers)), {}
    if mask is None:
        raise RefusedError(f"mask_bits names {names[0]}, and no mask is given: give one as mask")
    known, source = names_of_bits(mask.header, image.header)
    named = {}
    for name in names:
        if name.upper() not in known:
            listed = ", ".join(f"{each} = {bit}" for each, bit in sorted(known.items(), key=_bit))
            what = f"those of {source} are {listed}" if known else "its header names none"
            raise RefusedError(
                f"mask_bits: {name!r} is no bit of mask ({mask.label}): {what}; give one of them, "
                "or the number of a bit"
            )
        named[name.upper()] = known[name.upper()]
    return tuple(sorted({*numbers, *named.values()})), named


def names_of_bits(mask: Cards | None, image: Cards | None) -> tuple[dict[str, int], str]:
    """Return the bits that have a name, and what says so.

    Examples
    --------
    >>> from skyshed.images.cards import Cards
    >>> from skyshed.images.mask_bits import names_of_bits
    >>> names_of_bits(Cards({"MP_BAD": 0, "MP_SAT": 1}), None)
    ({'BAD': 0, 'SAT': 1}, 'its header')
    """
    found = _said_by(mask)
    if found:
        return found, "its header"
    for cards in (mask, image):
        if cards is not None:
            for instrument, source, names in DOCUMENTED:
                of = ("TELESCOP", "INSTRUME", "DETECTOR")
                here = [(cards.sign(name) or "").upper() for name in of]
                if all(one.startswith(two) for one, two in zip(here, instrument, strict=True)):
                    return {name: bit for bit, name in enumerate(names) if name}, source
    return {}, ""


def _said_by(mask: Cards | None) -> dict[str, int]:
    """Return the bits that the header of a mask names, or else that of its file.

    Raises
    ------
    ValueError
        If the mask is made of parts whose headers name other bits.
    """
    if isinstance(mask, SharedCards):
        first, *others = (_said_by(part) for part in mask.parts)
        for part, other in zip(mask.parts[1:], others, strict=True):
            if other != first:
                raise RefusedError(
                    f"mask_bits: the header of {part.label} names other bits than that of "
                    f"{mask.label}, with which it is one mask: bring the masks to the same bits "
                    "first, or give numbers of bits that mean the same in both"
                )
        return first
    headers = () if mask is None else mask.headers
    return next((found for header in headers if header and (found := _said(header))), {})


def _said(header: Mapping[str, Any]) -> dict[str, int]:
    """Return the bits that the cards of a header name."""
    found: dict[str, int] = {}
    for keyword in header:
        by_name, by_number = BY_NAME.fullmatch(keyword), BY_NUMBER.fullmatch(keyword)
        if by_name is not None and _is_bit(header[keyword]):
            found[by_name[1].upper()] = header[keyword]
        elif by_number is not None:
            bit, value = int(by_number[1]), header[keyword]
            comments: Any = getattr(header, "comments", {})
            name = value if isinstance(value, str) else comments[keyword] if value == bit else ""
            # Names have commas between them where they are asked for.
            name = name.strip().upper()
            if name and _is_bit(bit):
                found[name.partition(",")[0].strip()] = bit
    return found


def _is_bit(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 64


def _bit(named: tuple[str, int]) -> int:
    return named[1]
