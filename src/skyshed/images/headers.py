"""What FITS headers say about an image: its HDU, unit and WCS."""

import os
import re
from collections.abc import Container
from typing import Any

import astropy.units as u
from astropy.io.fits.verify import VerifyError

from skyshed.images.astropy_says import heard, pass_on
from skyshed.images.cube_planes import split_plane
from skyshed.images.doubted import warn_of_image
from skyshed.images.hdu_facts import HduFacts, holds_image, images_of, listed, shape_of
from skyshed.images.hdu_names import PLANES, SCIENCE, Wanted, names_several, select, wanted_hdus
from skyshed.images.pixels import RefusedError
from skyshed.images.products import product_of
from skyshed.images.structure import structure_of
from skyshed.images.twice import given_twice
from skyshed.images.unit_texts import is_unit, parsed_unit
from skyshed.images.wcs_cards import (
    is_of_iraf,
    is_polynomial,
    left_over_sip,
    no_equinox,
    no_numbers,
    rejected_cards,
    usable_frame,
    why_not,
    without_sip,
    zero_scale,
)
from skyshed.messages import one_line

__all__ = [
    "celestial_wcs", "find_hdu", "read_celestial", "split_path", "unit_of", "unknown_unit",
]  # fmt: skip

#: What the names of the cards of a WCS begin with, where there is one at all, in any of its forms.
ABOUT_WCS = (
    "CTYPE", "CRVAL", "CRPIX", "CDELT", "CROTA", "CUNIT", "CD", "PC", "PV", "WCS", "WAT", "A_ORDER",
)  # fmt: skip


def split_path(path: str | os.PathLike[str]) -> tuple[str, str | None]:
    """Split ``file.fits[SCI]`` into the file and the HDU, which may have a plane, ``DATA[1]``.

    Examples
    --------
    >>> from skyshed.images.headers import split_path
    >>> split_path("deep.fits[SCI,2]"), split_path("deep.fits")
    (('deep.fits', 'SCI,2'), ('deep.fits', None))
    >>> split_path("cube.fits[DATA][1]")
    ('cube.fits', 'DATA[1]')
    """
    text = os.fspath(path)
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    whole, plane = split_plane(text)
    if plane is not None and not os.path.exists(whole):
        file, hdu = split_path(whole)
        if hdu is not None:
            return file, f"{hdu}[{match[2]}]"
    return match[1], match[2]


def find_hdu(hdus: Any, wanted: Any, file: str) -> int:
    """Return the number of an HDU.

    Parameters
    ----------
    hdus : HDUList
        The HDUs of a file.
    wanted : int, str, tuple or None
        The number, the name, ``NAME,VERSION`` or ``(NAME, VERSION)``; a pattern that one image has;
        `None` for the first that holds an image.
    file : str
        What messages call the file.

    Raises
    ------
    ValueError
        If there is no such HDU, or several are meant; the message lists those there are.

    Warns
    -----
    ImageWarning
        If there are several images and none is wanted, or several have the name.
    """
    if wanted is None:
        images = images_of(hdus)
        if images:
            product = product_of(structure_of(hdus, images[0].number))
            _tell_of_others(images, file, None if product is None else product.images)
            return images[0].number
        raise RefusedError(f"{file} holds no image: it has {_listed(hdus)}")
    if names_several(wanted):
        return _only_one(hdus, wanted, file)
    (one,) = wanted_hdus(wanted)
    try:
        if one.numbers is not None:
            return int(hdus.index_of(hdus[one.numbers[0]]))
        version = None if one.versions is None else one.versions[0]
        number = int(hdus.index_of(one.name if version is None else (one.name, version)))
    except (KeyError, IndexError, ValueError):
        raise _no_such(hdus, one.text, file) from None
    _tell_of_same(hdus, one, number, file)
    return number


def _only_one(hdus: Any, wanted: Any, file: str) -> int:
    """Return the number of the one image that is meant by what may be several."""
    found = select(images_of(hdus), wanted)
    images = [each for each in found if isinstance(each, HduFacts)]
    if len(found) == len(images) == 1:
        return images[0].number
    if not images:
        raise _no_such(hdus, wanted, file)
    raise RefusedError(
        f"hdu = {wanted!r} names {len(found)} images of {file}, and one is worked on here: name "
        f"one, such as {images[0].key}, or take each by skyshed.extract_each({file!r}, "
        f"hdu={wanted!r}) or skyshed extract --each"
    )


def _no_such(hdus: Any, wanted: Any, file: str) -> RefusedError:
    last = wanted_hdus(wanted)[-1]
    hint = ""
    if last.name and last.versions is not None:
        hint = f"; {last.versions[0]} is a version of {last.name} here: put numbers of HDUs first"
    return RefusedError(f"{file} has no HDU {wanted}: it has {_listed(hdus)}{hint}")


def _tell_of_same(hdus: Any, one: Wanted, number: int, file: str) -> None:
    """Say that several images have the name, and version, that one is asked for by."""
    same = [each for each in images_of(hdus) if one.matches(each)]
    if len(same) > 1 and same[0].number == number:
        warn_of_image(
            f"{file}: {one.text} names {len(same)} images, {listed(same)}, of which HDU {number} "
            "is taken; name one by its number, or take each of them by skyshed.extract_each(..., "
            f"hdu='{one.name},*') or skyshed extract --each"
        )


def _tell_of_others(images: list[HduFacts], file: str, known: Container[int] | None) -> None:
    """Say that a file holds several images, unless it is plain which of them is meant.

    ``known`` are the numbers of those that are images, and no planes of one, where that is known.
    """
    first, *others = images
    others = [
        each for each in others
        if (each.number in known if known is not None else not each.name.startswith(PLANES))
    ]  # fmt: skip
    plain = first.name in SCIENCE and all(each.name != first.name for each in others)
    if others and not plain:
        warn_of_image(
            f"{file} holds {len(images)} images, and none is named: the first, HDU {first}, is "
            f"taken of {listed(images)}; name one, such as {file}[{others[0].key}], or as hdu, or "
            "take each of them by skyshed.extract_each(..., hdu='all') or skyshed extract --each "
            "--hdu all"
        )


def _listed(hdus: Any) -> str:
    """Return the HDUs of a file in one line."""
    return ", ".join(
        f"{number} {hdu.name or '(no name)'} "
        f"({' x '.join(str(n) for n in shape_of(hdu)) if holds_image(hdu) else 'no image'})"
        for number, hdu in enumerate(hdus)
    )


def unit_of(text: Any, label: str) -> u.UnitBase | None:
    """Return the unit that BUNIT spells, `None` (with a warning) where it is unknown."""
    if not is_unit(text):
        return None
    unit = parsed_unit(text.strip())
    if unit is None:
        warn_of_image(
            f"{label}: the unit BUNIT = {text.strip()!r} is not known; fluxes are given without a "
            "unit"
        )
    return unit


def unknown_unit(text: Any) -> str:
    """Return what BUNIT spells, if it is a unit that is not known; empty if it is, or is none."""
    return text.strip() if is_unit(text) and parsed_unit(text.strip()) is None else ""


def celestial_wcs(header: Any, hdus: Any, label: str, kept: tuple[int, ...] | None = None) -> Any:
    """Return the celestial WCS of a header, `None` where it has none or it cannot be used.

    Parameters
    ----------
    header : Header
        The cards of an image.
    hdus : HDUList or None
        Where tables of distortions are.
    label : str
        What messages call the image.
    kept : tuple of int, optional
        The numbers that the two axes of the image have in FITS; 1 and 2 if `None`.

    Warns
    -----
    ImageWarning
        If there is one that cannot be used; the card is named.
    """
    wcs, reason, said = read_celestial(header, hdus, kept)
    if reason is not None:
        warn_of_image(
            f"{label}: the WCS cannot be used ({reason}); positions on the sky are left out"
        )
        return None
    if wcs is not None:
        sip = left_over_sip(header)
        if sip is not None:
            warn_of_image(f"{label}: {sip}")
        pass_on([each for each in said if not rejected_cards([each])], label)
    return wcs


def read_celestial(
    header: Any, hdus: Any = None, kept: tuple[int, ...] | None = None
) -> tuple[Any, str | None, list[Any]]:
    """Return the celestial WCS of a header, why it cannot be used, and what astropy said of it.

    The arguments are those of `celestial_wcs`. Without any WCS, there is no reason either.
    """
    if not any(name.startswith(ABOUT_WCS) for name in header):
        return None, None, []  # and `astropy.wcs` need not be imported
    with heard() as said:
        wcs, reason = _read_wcs(header, hdus, said, kept)
    return wcs if reason is None else None, reason, said


def _read_wcs(
    header: Any, hdus: Any, said: list[Any], kept: tuple[int, ...] | None
) -> tuple[Any, str | None]:
    """Return the celestial WCS of a header, and why it cannot be used."""
    from astropy.wcs import WCS

    try:
        if is_of_iraf(header):
            from skyshed.images.tnx import as_tpv

            header, reason = as_tpv(header)
            if reason is not None:
                return None, reason
        cards = header if left_over_sip(header) is None else without_sip(header)
        polynomial = is_polynomial(cards)
        if polynomial:
            from skyshed.images.tpv import with_cd
            from skyshed.images.tpv_terms import with_linear_terms

            cards = with_linear_terms(with_cd(cards))
        # Distortions are of two axes, which astropy and wcslib want to be all.
        distorted = "A_ORDER" in cards or polynomial
        on_two = set(kept or (1, 2)) == {1, 2}
        two = {"naxis": 2} if on_two and distorted else {}
        try:
            wcs = WCS(cards, fobj=hdus, **two)
        except Exception:  # of velocities without a rest frequency, and the like
            if two or not on_two:
                raise
            said.clear()
            wcs = WCS(cards, fobj=hdus, naxis=2)
        if not wcs.has_celestial:
            return _read_alternate(header, hdus, said, kept)
        reason = why_not(header, wcs, said, kept)
        if reason is not None:
            return None, reason
        celestial = wcs.celestial
        reason = no_numbers(celestial) or no_equinox(header, wcs)
        return celestial, reason or usable_frame(celestial)
    except Exception as error:  # wcslib raises many kinds; an image without WCS is still an image
        return None, "; ".join(filter(None, [*_named(header, said, kept), one_line(error)]))


def _named(header: Any, said: list[Any], kept: tuple[int, ...] | None) -> list[str | None]:
    """Return which cards are at fault where a WCS cannot be read at all."""
    try:
        twice = given_twice(header, ("CTYPE1", "CTYPE2"))
        return [*rejected_cards(said).values(), zero_scale(header, kept or (1, 2)), twice]
    except VerifyError:  # a card that cannot be read; the error is about it
        return []


def _read_alternate(
    header: Any, hdus: Any, said: list[Any], kept: tuple[int, ...] | None
) -> tuple[Any, str | None]:
    """Return the first alternate WCS on the sky, of a header whose primary one is elsewhere."""
    from skyshed.images.alternate import celestial_alternate

    other = celestial_alternate(header)
    if other is None:
        return None, None
    wcs, reason = _read_wcs(other[0], hdus, said, kept)
    return wcs, None if reason is None else f"{reason}, in the alternate WCS {other[1]}"
