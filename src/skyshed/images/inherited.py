"""Cards that an extension has from the primary header, by INHERIT (FITS standard 4.0, 4.4.2.6)."""

import re
from typing import Any

__all__ = ["header_of"]

#: Cards of a WCS, of any axis, and of its frame.
OF_WCS = re.compile(
    r"C(TYPE|UNIT|RVAL|RPIX|DELT|ROTA)\d|(CD|PC)\d_\d|P[VS]\d_\d+|[AB]P?_(ORDER|\d_\d)|"
    r"LONPOLE|LATPOLE|EQUINOX|EPOCH|RADESYS|RADECSYS|WCSAXES"
)
#: Cards that say what the frame of a WCS is, which are had together.
OF_FRAME = ("RADESYS", "RADECSYS", "EQUINOX", "EPOCH")
#: Cards without which an extension has no WCS of its own.
OWN = re.compile(r"C(TYPE|RVAL|RPIX)\d|CD\d_\d")


def header_of(hdus: Any, number: int) -> Any:
    """Return the header of an HDU, with the unit and WCS that it has from the primary one.

    They count where INHERIT is T, the primary HDU holds no data and the extension has none of its
    own. A WCS is had as a whole or not at all.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images.inherited import header_of
    >>> primary = fits.PrimaryHDU(header=fits.Header({"BUNIT": "nJy"}))
    >>> image = fits.ImageHDU(np.zeros((2, 2)), fits.Header({"INHERIT": True}))
    >>> header_of(fits.HDUList([primary, image]), 1)["BUNIT"]
    'nJy'
    """
    header = hdus[number].header
    if number == 0 or header.get("INHERIT") is not True or hdus[0].header.get("NAXIS", 0):
        return header
    primary = hdus[0].header
    whole = header.copy()
    names = set()
    if "BUNIT" not in header:
        names.add("BUNIT")
    if not any(name in header for name in OF_FRAME):
        names |= set(OF_FRAME)
    if not any(OWN.fullmatch(name) for name in header):
        names |= {name for name in primary if OF_WCS.fullmatch(name)}
    cards = [card for card in primary.cards if card.keyword in names]
    for name in {card.keyword for card in cards}:
        whole.remove(name, ignore_missing=True, remove_all=True)
    for card in cards:  # as they are written: what is wrong with one is seen when it is read
        whole.append(card.fromstring(card.image))
    return whole
