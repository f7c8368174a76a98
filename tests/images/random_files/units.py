"""Units as observatories spell them, and what they mean."""

import astropy.units as u

from tests.images.random_files.raw import Card

__all__ = ["SPELLINGS", "UNKNOWN", "draw_unit"]

#: What stands in BUNIT -> the unit in astropy's spelling; `None` for no unit.
SPELLINGS = {
    "Jy": "Jy", "JY": "Jy", "mJy": "mJy", "NJY": "nJy", "nJy": "nJy", "uJy": "uJy",
    "Jy/beam": "Jy / beam", "JY/BEAM": "Jy / beam", "Jy/Beam": "Jy / beam",
    "mJy/beam": "mJy / beam", "MJy/sr": "MJy / sr", "MJY/SR": "MJy / sr", "JY/PIXEL": "Jy / pix",
    "DN": "DN", "dn": "DN", "DN/s": "DN / s", "DN/S": "DN / s", "dn/S": "DN / s", "1/S": "1 / s",
    "ADU": "adu", "adu": "adu", "ADU/s": "adu / s", "counts": "ct", "COUNTS": "ct", "Count": "ct",
    "counts/s": "ct / s", "COUNTS/S": "ct / s", "cts/s": "ct / s", "ELECTRONS": "electron",
    "electron": "electron", "e-": "electron", "ELECTRONS/S": "electron / s",
    "e-/s": "electron / s", "e/s": "electron / s", "photons": "ph", "nanomaggy": "nmgy",
    "erg/s/cm2/Angstrom": "erg / (s cm2 Angstrom)", "ergs/s/cm2/Ang": "erg / (s cm2 Angstrom)",
    "1E-17 erg/s/cm^2/Angstrom/spaxel": "1e-17 erg / (s cm2 Angstrom pix)",
    "10**(-20)*erg/s/cm**2/Angstrom": "1e-20 erg / (s cm2 Angstrom)",
    "(MJy/sr)^2": "MJy2 / sr2", "W/m2": "W / m2", "K": "K",
    "N/A": None, "S/N": None, "none": None, "": None, "UNITLESS": None, "dimensionless": None,
}  # fmt: skip
#: Those that nobody can know.
UNKNOWN = ("MJY/BEAM", "furlong/fortnight", "counts per blink", "zorkmid")


def draw_unit(rng):
    """Return the cards of the unit, the unit, and whether there is one that nobody knows."""
    draw = rng.random()
    if draw < 0.3:
        return [], None, False
    if draw < 0.36:
        return [("BUNIT", str(rng.choice(UNKNOWN)))], None, True
    if draw < 0.38:  # which of the two it is cannot be known
        return [("BUNIT", "Jy"), ("BUNIT", "mJy")], None, True
    if draw < 0.4:  # a text without quotes
        return [("BUNIT", Card("furlong"))], None, True
    text = str(rng.choice(list(SPELLINGS)))
    unit = SPELLINGS[text]
    return [("BUNIT", text)], None if unit is None else u.Unit(unit), False
