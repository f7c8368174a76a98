"""Alternate WCS: cards of one in the place of the primary (FITS standard 4.0, section 8.2.1)."""

import re
from string import ascii_uppercase
from typing import Any

__all__ = ["celestial_alternate"]

#: Cards of a WCS, without and with the letter of an alternate.
OF_WCS = re.compile(
    r"(C(?:TYPE|UNIT|RVAL|RPIX|DELT|ROTA|NAME|RDER|SYER)\d+|(?:CD|PC)\d+_\d+|P[VS]\d+_\d+|"
    r"LONPOLE|LATPOLE|EQUINOX|EPOCH|RADESYS|RADECSYS|WCSAXES|WCSNAME)([A-Z]?)"
)
#: Beginnings of CTYPE of the longitudes that positions are given for.
LONGITUDES = ("RA--", "GLON", "ELON", "SLON")


def celestial_alternate(header: Any) -> tuple[Any, str] | None:
    """Return a header whose primary WCS is an alternate on the sky, and its letter.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.alternate import celestial_alternate
    >>> header = fits.Header({"CTYPE1": "X", "CRVAL1": 7.0, "CTYPE1S": "RA---TAN", "CRVAL1S": 10.0})
    >>> changed, letter = celestial_alternate(header)
    >>> letter, changed["CTYPE1"], changed["CRVAL1"]
    ('S', 'RA---TAN', 10.0)
    """
    letters = [
        letter
        for letter in ascii_uppercase
        for axis in (1, 2)
        if str(header.get(f"CTYPE{axis}{letter}", "")).startswith(LONGITUDES)
    ]
    if not letters:
        return None
    changed = header.copy()
    for name in [each for each in header if (match := OF_WCS.fullmatch(each)) and not match[2]]:
        del changed[name]
    for name in header:
        match = OF_WCS.fullmatch(name)
        if match is not None and match[2] == letters[0]:
            changed[match[1]] = header[name]
    return changed, letters[0]
