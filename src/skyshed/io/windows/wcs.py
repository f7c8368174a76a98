"""The WCS of a region of an image, exactly."""

from typing import Any

__all__ = ["moved_wcs", "region_wcs"]


def moved_wcs(wcs: Any, dy: int, dx: int, shape: tuple[int, int] | None = None) -> Any:
    """Return a FITS WCS for pixels that are counted from elsewhere.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        A celestial WCS; it is left as it is.
    dy, dx : int
        What is added to the coordinates of a pixel.
    shape : tuple of int, optional
        The shape of the image that the new one is for.

    Returns
    -------
    moved : `~astropy.wcs.WCS`
        CRPIX, and where its distortions are, are moved; nothing is rounded on the way.

    Examples
    --------
    >>> from astropy.wcs import WCS
    >>> from skyshed.io.windows.wcs import moved_wcs
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.crpix = [10.5, 20.25]
    >>> moved_wcs(wcs, 100, -3).wcs.crpix
    array([  7.5 , 120.25])
    """
    from astropy.wcs import Sip

    moved = wcs.deepcopy()
    moved.wcs.crpix = wcs.wcs.crpix + (dx, dy)
    if wcs.sip is not None:
        sip = wcs.sip
        moved.sip = Sip(sip.a, sip.b, sip.ap, sip.bp, sip.crpix + (dx, dy))
    for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        table = getattr(moved, name)
        if table is not None:  # crval is the pixel that the table's own crpix is at
            x, y = table.crval
            table.crval = (x + dx, y + dy)
    moved.pixel_shape = None if shape is None else shape[::-1]
    return moved


def region_wcs(wcs: Any, y0: int, y1: int, x0: int, x1: int) -> Any:
    """Return the WCS of a region of an image; None of None.

    Raises
    ------
    ValueError
        If ``wcs`` is of a kind that cannot be sliced.

    Examples
    --------
    >>> from astropy.wcs import WCS
    >>> from skyshed.io.windows.wcs import region_wcs
    >>> region_wcs(WCS(naxis=2), 5, 9, 2, 4).pixel_shape
    (2, 4)
    """
    from astropy.wcs import WCS
    from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper, SlicedLowLevelWCS

    if wcs is None:
        return None
    if isinstance(wcs, WCS):
        return moved_wcs(wcs, -y0, -x0, (y1 - y0, x1 - x0))
    low = getattr(wcs, "low_level_wcs", wcs)
    if not isinstance(low, BaseLowLevelWCS):
        kind = f"{type(wcs).__module__.partition('.')[0]}.{type(wcs).__name__}"
        raise ValueError(f"the WCS, a {kind}, cannot be sliced: give the image without it")
    return HighLevelWCSWrapper(SlicedLowLevelWCS(low, (slice(y0, y1), slice(x0, x1))))
