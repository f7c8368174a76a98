"""What FITS headers say about an image: its HDU, unit and WCS."""

import os
import re
import warnings
from typing import Any

import astropy.units as u

from skyshed.exceptions import ImageWarning
from skyshed.images.pixels import RefusedError
from skyshed.messages import find_stack_level, one_line

__all__ = ["celestial_wcs", "find_hdu", "split_path", "unit_of"]

#: What instruments write into BUNIT that FITS does not define -> the unit meant.
UNIT_SPELLINGS = {
    "counts": "count",
    "cts": "count",
    "dn": "DN",
    "electrons": "electron",
    "e-": "electron",
    "photons": "photon",
    "sec": "s",
}


def split_path(path: str | os.PathLike[str]) -> tuple[str, str | None]:
    """Split ``file.fits[SCI]`` into the file and the HDU.

    Examples
    --------
    >>> from skyshed.images.headers import split_path
    >>> split_path("deep.fits[SCI,2]"), split_path("deep.fits")
    (('deep.fits', 'SCI,2'), ('deep.fits', None))
    """
    text = os.fspath(path)
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    return match[1], match[2]


def find_hdu(hdus: Any, wanted: int | str | None, file: str) -> int:
    """Return the number of an HDU.

    Parameters
    ----------
    hdus : HDUList
        The HDUs of a file.
    wanted : int, str or None
        The number, the name, or ``NAME,VERSION``; `None` for the first that holds an image.
    file : str
        What messages call the file.

    Raises
    ------
    ValueError
        If there is no such HDU; the message lists those there are.
    """
    if wanted is None:
        for number, hdu in enumerate(hdus):
            if _holds_image(hdu):
                return number
        raise RefusedError(f"{file} holds no image: it has {_listed(hdus)}")
    name, _, version = str(wanted).strip().partition(",")
    try:
        if name.lstrip("-").isdigit():
            number = int(name)
            return int(hdus.index_of(hdus[number] if number >= 0 else name))
        return int(hdus.index_of((name, int(version)) if version else name))
    except (KeyError, IndexError, ValueError):
        raise RefusedError(f"{file} has no HDU {wanted}: it has {_listed(hdus)}") from None


def _holds_image(hdu: Any) -> bool:
    shape = getattr(hdu, "shape", ()) or ()
    return getattr(hdu, "is_image", False) and len(shape) >= 2 and 0 not in shape


def _listed(hdus: Any) -> str:
    """Return the HDUs of a file in one line."""
    return ", ".join(
        f"{number} {hdu.name or '(no name)'} "
        f"({' x '.join(str(n) for n in hdu.shape) if _holds_image(hdu) else 'no image'})"
        for number, hdu in enumerate(hdus)
    )


def unit_of(text: Any, label: str) -> u.UnitBase | None:
    """Return the unit that BUNIT spells, `None` (with a warning) where it is unknown."""
    if not isinstance(text, str) or not text.strip():
        return None
    plain = text.strip()
    spelled = re.sub(
        r"[A-Za-z]+-?", lambda word: UNIT_SPELLINGS.get(word[0].lower(), word[0]), plain
    )
    if plain.isupper():  # not siemens, but a header all in capitals
        spelled = spelled.lower()
    for spelling in (plain, spelled, spelled.lower()):
        for form in ("fits", None):
            try:
                return u.Unit(spelling, format=form)
            except (ValueError, TypeError):
                continue
    _warn(f"{label}: the unit BUNIT = {plain!r} is not known; fluxes are given without a unit")
    return None


def celestial_wcs(header: Any, hdus: Any, label: str) -> Any:
    """Return the celestial WCS of a header, `None` where it has none or it cannot be used."""
    from astropy.wcs import WCS

    try:
        wcs = WCS(header, fobj=hdus)
        return wcs.celestial if wcs.has_celestial else None
    except Exception as error:  # wcslib raises many kinds; an image without WCS is still an image
        _warn(
            f"{label}: the WCS cannot be used ({one_line(error)}); positions on the sky are left "
            "out"
        )
        return None


def _warn(message: str) -> None:
    warnings.warn(message, ImageWarning, stacklevel=find_stack_level())
