"""A celestial WCS as FITS has it: cards, and tables of distortions beside them."""

import os
import warnings
from typing import Any

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level

__all__ = ["wcs_hdus"]


def wcs_hdus(
    wcs: Any, path: str | os.PathLike[str], tables: bool = True
) -> tuple[list[Any], list[Any]]:
    """Return the cards of a WCS, and the extensions that hold its look-up tables of distortions.

    Parameters
    ----------
    wcs : object or None
        A celestial WCS.
    path : path
        The file, for messages.
    tables : bool, optional
        Whether the file can hold extensions. Without them a WCS that has such tables is another.

    Returns
    -------
    cards : list of Card
        Several may have the same keyword. None, with a warning, for a WCS that the file can't hold.
    extensions : list of ImageHDU
        WCSDVARR and D2IMARR, which cards refer to.
    """
    if wcs is None:
        return [], []
    if not hasattr(wcs, "to_header"):
        kind = f"{type(wcs).__module__.partition('.')[0]}.{type(wcs).__name__}"
        return _none(path, f"a {kind} fits no FITS header")
    if not _has_tables(wcs):
        return list(wcs.to_header(relax=True).cards), []
    if not tables:
        return _none(path, "its tables of distortions fit no attribute of Zarr")
    first, *others = wcs.to_fits(relax=True)
    own = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND")  # of the HDU, not of the WCS
    return [card for card in first.header.cards if card.keyword not in own], others


def _has_tables(wcs: Any) -> bool:
    """Whether a WCS has look-up tables of distortions."""
    names = ("cpdis1", "cpdis2", "det2im1", "det2im2")
    return any(getattr(wcs, name, None) is not None for name in names)


def _none(path: str | os.PathLike[str], reason: str) -> tuple[list[Any], list[Any]]:
    """Return no cards, and say why."""
    warnings.warn(
        f"{os.fspath(path)} is written without a WCS, because {reason}; the positions in the "
        "catalog come from it",
        ImageWarning,
        stacklevel=find_stack_level(),
    )
    return [], []
