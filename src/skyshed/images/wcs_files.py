"""A WCS from a file: headers as text, such as SCAMP writes, or those of FITS files."""

import os
from typing import Any

from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.images.hdu_facts import images_of
from skyshed.images.header_bytes import check_claims
from skyshed.images.headers import find_hdu, read_celestial, split_path
from skyshed.images.inherited import header_of
from skyshed.images.regular import check_file
from skyshed.images.source import ImageSource
from skyshed.messages import one_line

__all__ = ["wcs_of_file"]

#: How every FITS file begins; a header as text has line ends, and the same card may be its first.
FITS = b"SIMPLE  ="
#: The characters of a card.
CARD = 80
#: Texts for people, which may hold anything.
REMARKS = ("COMMENT", "HISTORY")


def wcs_of_file(path: str | os.PathLike[str], image: ImageSource, name: str = "wcs") -> Any:
    """Return the celestial WCS that a file gives an image.

    Parameters
    ----------
    path : path
        Headers as text, each ended by END: one, or as many as the file of the image has images, in
        the same order (``.head`` of SCAMP). Or a FITS file, which need not hold pixels (``.wcs`` of
        Astrometry.net): the header of the HDU that is named, or the only one with a celestial WCS.
    image : ImageSource
        The image.
    name : str, optional
        What messages call the argument.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no WCS that can be used, or it is not known which of several.
    """
    file, hdu = split_path(path)
    check_file(file, name)
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"{name}: {file or repr(file)}: there is no such file") from None
    if content.startswith(FITS) and b"\n" not in content[:CARD]:
        return _of_fits(file, hdu, name)
    headers = _headers(content.decode("latin-1"))
    if hdu is not None or not headers:
        what = "is no FITS file, so that no HDU of it can be named" if hdu else "holds no header"
        raise ValueError(f"{name}: {file} {what}: give a FITS file, or FITS cards as lines of text")
    place = 0 if len(headers) == 1 else _place(image, len(headers), name, file)
    return _usable(*read_celestial(headers[place])[:2], name, f"{file}, header {place + 1}")


def _headers(text: str) -> list[Any]:
    """Return the headers that a text holds."""
    found: list[Any] = []
    lines: list[str] = []
    for line in [*text.splitlines(), "END"]:
        if line.rstrip() == "END":
            if lines:
                found.append(fits.Header.fromstring("".join(lines)))
            lines = []
        elif "=" in line and not line.startswith(REMARKS):
            lines.append(line[:CARD].ljust(CARD))
    return found


def _place(image: ImageSource, n_headers: int, name: str, file: str) -> int:
    """Return which image of its file an image is, from 0."""
    origin, images = image.origin(), []
    if "input_hdu" in origin:
        with quiet(), fits.open(origin["input"], memmap=False) as hdus:
            images = [each.number for each in images_of(hdus)]
    if len(images) != n_headers or origin["input_hdu"] not in images:
        has = f"the file of image has {len(images)}" if images else "image is in no FITS file"
        raise ValueError(
            f"{name}: {file} has {n_headers} headers, and {has}: it is not known which belongs to "
            "image; give a file with that header alone"
        )
    return images.index(origin["input_hdu"])


def _of_fits(file: str, hdu: str | None, name: str) -> Any:
    """Return the WCS of a FITS file."""
    try:
        check_claims(file)
        with quiet(), fits.open(file, memmap=False) as hdus:
            numbers = range(len(hdus)) if hdu is None else [find_hdu(hdus, hdu, file)]
            read = {k: read_celestial(header_of(hdus, k), hdus)[:2] for k in numbers}
    except OSError as error:
        raise OSError(f"{name}: {file} cannot be read as FITS ({one_line(error)})") from error
    some = {k: each for k, each in read.items() if each != (None, None)}
    if len(some) > 1:
        listed = ", ".join(map(str, some))
        raise ValueError(
            f"{name}: {file} has a celestial WCS in several HDUs, {listed}: name one, such as "
            f"{file}[{next(iter(some))}]"
        )
    number, (wcs, reason) = next(iter(some.items()), (0 if hdu is None else hdu, (None, None)))
    return _usable(wcs, reason, name, f"{file}[{number}]")


def _usable(wcs: Any, reason: str | None, name: str, label: str) -> Any:
    """Return a WCS, or say why there is none."""
    if wcs is None:
        raise ValueError(
            f"{name} must be a celestial WCS, and {label} gives none: "
            f"{reason or 'it has no CTYPE of one'}"
        )
    return wcs
