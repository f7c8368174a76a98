"""A checksum of a WCS, which tells two that give other positions apart."""

import hashlib
from typing import Any

import numpy as np

from skyshed.images.wcs import ExactWCS

__all__ = ["wcs_digest"]

#: Pixels along each axis whose positions stand for a WCS of another kind than FITS.
SAMPLE = 17
#: The tables of distortions of a FITS WCS.
TABLES = ("cpdis1", "cpdis2", "det2im1", "det2im2")


def wcs_digest(wcs: Any, shape: tuple[int, int]) -> str | None:
    """Return the SHA-256 of what a WCS is made of.

    Parameters
    ----------
    wcs : WCS or None
        Any WCS of two axes. Of astropy's own, cards, exact numbers and distortions count; of
        others, the positions of some pixels.
    shape : tuple of int
        The shape of the image.

    Returns
    -------
    digest : str or None
        `None` if there is no WCS.

    Examples
    --------
    >>> from astropy.wcs import WCS
    >>> from skyshed.images.wcs_digest import wcs_digest
    >>> one, other = WCS(naxis=2), WCS(naxis=2)
    >>> other.wcs.lonpole = 120.0
    >>> wcs_digest(one, (8, 8)) == wcs_digest(other, (8, 8)), wcs_digest(None, (8, 8))
    (False, None)
    """
    if wcs is None:
        return None
    from astropy.wcs import WCS

    digest = hashlib.sha256()
    for part in _of_fits(wcs) if isinstance(wcs, WCS) else _of_positions(wcs, shape):
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _of_fits(wcs: Any) -> list[Any]:
    """Return cards, numbers with all their bits, and tables."""
    state = ExactWCS(wcs).__getstate__()
    parts: list[Any] = [wcs.wcs.to_header(relax=True), state["pv"]]
    parts += [
        part for name in sorted(state["numbers"]) for part in _of_array(state["numbers"][name])
    ]
    parts += _of_array(state["matrix"])
    for array in state["sip"] or ():
        parts += _of_array(array)
    for name in TABLES:
        table = getattr(wcs, name)
        if table is not None:
            parts += [name, table.crpix, table.crval, table.cdelt, *_of_array(table.data)]
    return parts


def _of_array(array: Any) -> list[Any]:
    array = np.asarray(array)
    return [array.shape, array.tobytes()]


def _of_positions(wcs: Any, shape: tuple[int, int]) -> list[Any]:
    """Return the positions of some pixels, and what they are."""
    low = getattr(wcs, "low_level_wcs", wcs)
    x, y = np.meshgrid(*(np.linspace(0, side - 1, SAMPLE) for side in shape[::-1]))
    world = low.pixel_to_world_values(x, y)
    kinds = [list(low.world_axis_physical_types), list(low.world_axis_units)]
    return [*kinds, repr(low.world_axis_object_classes), *_of_array(world)]
