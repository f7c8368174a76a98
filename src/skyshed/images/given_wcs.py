"""A WCS that is an object: whether it gives positions on the sky is known before any work."""

import warnings
from typing import Any

from skyshed.exceptions import ImageWarning
from skyshed.images.headers import celestial_wcs, read_celestial
from skyshed.images.wcs_cards import usable_frame
from skyshed.messages import find_stack_level, one_line

__all__ = ["given_wcs", "own_wcs"]


def given_wcs(wcs: Any, shape: tuple[int, ...], name: str = "wcs") -> Any:
    """Return a WCS that gives positions on the sky for the pixels of an image.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`, other WCS, or `~astropy.io.fits.Header`
        The WCS. Of one of astropy's that has more axes, the celestial part counts.
    shape : tuple of int
        The shape of the image.
    name : str, optional
        What messages call it.

    Raises
    ------
    TypeError
        If it is no WCS.
    ValueError
        If it gives no positions on the sky.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.given_wcs import given_wcs
    >>> header = fits.Header({"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CDELT1": -1.0,
    ...     "CDELT2": 1.0, "CRVAL1": 30.0, "CRVAL2": 0.0, "CRPIX1": 1.0, "CRPIX2": 1.0})
    >>> given_wcs(header, (10, 10)).pixel_to_world(0, 0).to_string()
    '30 0'
    """
    if hasattr(wcs, "cards"):
        found, why, _ = read_celestial(wcs)
        if found is None:
            raise ValueError(
                f"{name} must be a celestial WCS: {why or 'the header has no CTYPE of one'}"
            )
        return celestial_wcs(wcs, None, name)  # with what there is to say of it
    if not hasattr(wcs, "pixel_to_world"):
        raise TypeError(
            f"{name} must be a WCS, such as astropy.wcs.WCS, a FITS header, or a file of one, got "
            f"{type(wcs).__module__.partition('.')[0]}.{type(wcs).__name__}"
        )
    usable = _celestial(wcs, name)
    _try(usable, shape, name)
    return usable


def own_wcs(wcs: Any, shape: tuple[int, ...], label: str) -> Any:
    """Return the WCS that an image brings; `None`, with a warning, if it cannot be used."""
    if wcs is None:
        return None
    try:
        return given_wcs(wcs, shape, f"the WCS of {label}")
    except (TypeError, ValueError) as error:
        warnings.warn(
            f"{one_line(error)}; positions on the sky are left out",
            ImageWarning,
            stacklevel=find_stack_level(),
        )
        return None


def _celestial(wcs: Any, name: str) -> Any:
    """Return the celestial part of a WCS; the same object where nothing has to be changed."""
    from astropy.wcs import WCS

    if not isinstance(wcs, WCS):
        return wcs
    try:
        celestial = wcs.has_celestial
    except Exception as error:  # wcslib raises many kinds
        raise ValueError(f"{name} cannot be used ({one_line(error)})") from error
    if not celestial:
        types = ", ".join(map(repr, wcs.wcs.ctype))
        raise ValueError(f"{name} must be a celestial WCS, its CTYPE are {types}")
    part = wcs if wcs.naxis == 2 else wcs.celestial
    named = part.deepcopy()
    why = usable_frame(named)
    if why is not None:
        raise ValueError(f"{name} must be a celestial WCS: {why}")
    same = named.wcs.radesys == part.wcs.radesys and list(named.wcs.ctype) == list(part.wcs.ctype)
    return part if same else named


def _try(wcs: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise a ValueError unless the middle of an image has a position on the sky."""
    from astropy.coordinates import SkyCoord

    ny, nx = shape
    try:
        place = wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2)
        if not isinstance(place, SkyCoord):
            raise ValueError(f"it gives a {type(place).__name__}, not a SkyCoord")
        _ = place.icrs
    except Exception as error:  # every library of WCS has its own kinds
        raise ValueError(
            f"{name} must give the position on the sky of a pixel (x, y), and of the middle of "
            f"image it does not ({one_line(error)})"
        ) from error
