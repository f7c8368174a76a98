"""What observatories write into BUNIT -> the unit meant, before astropy's parser sees it.

FITS has units in the spelling of the IAU, where case counts (standard 4.0, section 4.3). Headers in
capitals are older than that: ``DN/S`` are numbers per second there, not per siemens.
"""

import re
from typing import Any

import astropy.units as u

from skyshed.images.astropy_says import quiet

__all__ = ["is_unit", "parsed_unit"]

#: Texts that say that there is no unit, in capitals.
NO_UNIT = {"", "N/A", "NA", "NONE", "UNKNOWN", "UNITLESS", "DIMENSIONLESS", "S/N", "SNR", "NULL"}
#: Words in small letters -> the unit as astropy spells it.
WORDS = {
    "ct": "ct", "cts": "count", "count": "count", "counts": "count", "dn": "DN", "dns": "DN",
    "adu": "adu", "e": "electron", "e-": "electron", "electron": "electron",
    "electrons": "electron", "photon": "photon", "photons": "photon", "ph": "photon",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "jy": "Jy", "njy": "nJy", "ujy": "uJy", "jansky": "Jy", "maggy": "maggy", "maggies": "mgy",
    "nanomaggy": "nanomaggy", "nanomaggies": "nmgy", "mag": "mag",
    "beam": "beam", "pixel": "pix", "pixels": "pix", "pix": "pix", "spaxel": "pix", "sr": "sr",
    "erg": "erg", "ergs": "erg", "ang": "Angstrom", "angstrom": "Angstrom",
    "angstroms": "Angstrom", "hz": "Hz", "arcsec": "arcsec", "arcmin": "arcmin", "deg": "deg",
    "micron": "um", "microns": "um", "kelvin": "K",
}  # fmt: skip
#: Words that mean another unit in small letters, as they are.
AS_THEY_ARE = {"mJy", "MJy", "Jy", "E", "DN", "Angstrom", "K", "Hz"}
#: Single letters of texts in capitals, which are units that keep theirs.
CAPITALS = {"K", "W", "J", "V", "A"}
#: What a number per ``S`` counts.
COUNTED = re.compile(r"(?:count|DN|adu|electron|photon|ct) *(?:/|s\*\*-1| ) *$")
#: A power of everything, which astropy does not take.
POWER = re.compile(r"\(((?:[^()]|\([^()]*\))+)\) *(?:\*\*|\^)? *\(?([-+]?\d+)\)?")
#: Radio maps summed over velocity, which astropy divides by.
MOMENT = re.compile(r"(.*/ *beam) *[ .*] *(k?m) */ *s", re.IGNORECASE)
WORD = re.compile(r"(?<![0-9.A-Za-z])[A-Za-z]+-?(?![A-Za-z])|(?<=[0-9]\))[A-Za-z]+")


def is_unit(text: Any) -> bool:
    """Whether BUNIT holds a unit at all."""
    return isinstance(text, str) and text.strip().upper() not in NO_UNIT


def parsed_unit(text: str) -> u.UnitBase | None:
    """Return the unit that a text spells, `None` where it is unknown.

    Examples
    --------
    >>> from skyshed.images.unit_texts import parsed_unit
    >>> [str(parsed_unit(text)) for text in ("DN/S", "JY/BEAM", "e-/s", "MJY/SR")]
    ['DN / s', 'Jy / beam', 'electron / s', 'MJy / sr']
    """
    power = POWER.fullmatch(text)
    if power is not None:
        base = parsed_unit(power[1])
        return None if base is None else base ** int(power[2])
    spelled = _spelled(text)
    with quiet():  # several slashes are discouraged, and usual
        for spelling in (spelled, text, spelled.lower()):
            for form in ("fits", None):
                try:
                    return u.Unit(spelling, format=form)
                except (ValueError, TypeError):
                    continue
    return None


def _spelled(text: str) -> str:
    """Return a text with its words in astropy's spelling."""
    in_capitals = text.isupper()
    moment = MOMENT.fullmatch(text)
    if moment is not None:
        text = f"{moment[2].lower()} {moment[1]}/s"
    # Of surface brightness, M is mega: nobody writes milli; of beams it may be either.
    text = re.sub(r"\bMJY *(/ *SR|SR\*\*-1|SR-1)", r"MJy\1", text)
    done = ""
    last = 0
    for match in WORD.finditer(text):
        done += text[last : match.start()]
        done += _word(match[0], in_capitals, done)
        last = match.end()
    return re.sub(r"\) *\^ *", ")**", done + text[last:])


def _word(word: str, in_capitals: bool, before: str) -> str:
    """Return one word in astropy's spelling; ``before`` is what stands before it."""
    if word in AS_THEY_ARE:
        return word
    if word == "A" and "erg" in before.lower():
        return "Angstrom"
    if word == "S" and (in_capitals or COUNTED.search(before)):
        return "s"
    found: Any = WORDS.get(word.lower())
    if found is not None:
        return str(found)
    return word.lower() if in_capitals and word not in CAPITALS else word
