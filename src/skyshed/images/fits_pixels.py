"""Where the pixels of an HDU are: at which byte of its file, and in which section."""

import os
from typing import Any

import numpy as np
from astropy.io import fits

from skyshed.images.cube_planes import first_pixel
from skyshed.images.pixels import native

__all__ = ["begin_of", "ends_early", "section_of", "without_blank"]


def begin_of(hdu: Any, first: tuple[int, ...], begin: int) -> int | None:
    """Return the byte at which the numbers of a plane begin; None if they are compressed.

    ``first`` says where on each axis of the HDU its first pixel is, ``begin`` from which byte of
    the file on it was read.
    """
    if isinstance(hdu, fits.CompImageHDU) or hdu.fileinfo()["file"].compression:
        return None
    before = first_pixel(hdu.shape, first) * abs(int(hdu.header["BITPIX"])) // 8
    return begin + int(hdu.fileinfo()["datLoc"]) + before


def ends_early(hdu: Any, file: str, begin: int) -> bool:
    """Whether a file, which was read from a byte on, ends before the data of an HDU do."""
    where = hdu.fileinfo()
    return bool(begin + where["datLoc"] + hdu.size > os.path.getsize(file))


def section_of(
    hdu: Any, axes: tuple[int, int], first: tuple[int, ...], window: tuple[slice, slice]
) -> Any:
    """Return the pixels of a window, in native byte order; lengths of 1 may be anywhere."""
    where: list[Any] = list(first)
    where[axes[0]], where[axes[1]] = window
    return native(np.asarray(hdu.section[tuple(where)]))


def without_blank(hdu: Any) -> Any:
    """Return an HDU of integers, none of which is blank, without a BLANK that none can be.

    astropy reads floats for its sake or, where tiles are compressed, writes it into them, and
    stumbles.
    """
    headers = [hdu.header]
    if isinstance(hdu, fits.CompImageHDU):
        headers.append(hdu._bintable.header)
    for header in headers:
        for name in ("BLANK", "ZBLANK"):
            header.remove(name, ignore_missing=True)
    hdu._blank = None  # `fits.open(ignore_blank=True)` leaves it where a header has the card
    return hdu
