"""The WCS of a region of an image, and in another process, exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ExactWCS", "moved_wcs", "region_wcs"]

#: The numbers of a FITS WCS besides its matrix.
NUMBERS = ("crpix", "crval", "lonpole", "latpole")


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
    >>> from skyshed.images.wcs import moved_wcs
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
    >>> from skyshed.images.wcs import region_wcs
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


@dataclass(frozen=True, eq=False)
class ExactWCS:
    """A WCS to be pickled: astropy's own go through a FITS header, which rounds their numbers.

    Attributes
    ----------
    wcs : object or None
        Any WCS; of those that are astropy's, all bits arrive.

    Examples
    --------
    >>> import pickle
    >>> from astropy.wcs import WCS
    >>> from skyshed.images.wcs import ExactWCS
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.crpix = [1 / 3, 2 / 3]
    >>> bool(pickle.loads(pickle.dumps(wcs)).wcs.crpix[0] == 1 / 3)
    False
    >>> bool(pickle.loads(pickle.dumps(ExactWCS(wcs))).wcs.wcs.crpix[0] == 1 / 3)
    True
    """

    wcs: Any

    def __getstate__(self) -> dict[str, Any]:
        from astropy.wcs import WCS

        if not isinstance(self.wcs, WCS):
            return {"wcs": self.wcs}
        wcs = self.wcs.deepcopy()
        inner, sip = wcs.wcs, wcs.sip
        inner.set()
        # Headers have CD as PC, with a CDELT of 1.
        names = NUMBERS if inner.has_cd() else (*NUMBERS, "cdelt")
        return {
            "wcs": wcs,
            "numbers": {name: np.copy(getattr(inner, name)) for name in names},
            "matrix": np.copy(inner.cd if inner.has_cd() else inner.get_pc()),
            "pv": inner.get_pv(),
            "sip": sip and (sip.a, sip.b, sip.ap, sip.bp, np.copy(sip.crpix)),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        from astropy.wcs import Sip

        wcs = state["wcs"]
        if "numbers" in state:
            inner = wcs.wcs
            for name, value in state["numbers"].items():
                setattr(inner, name, value if value.ndim else float(value))
            setattr(inner, "cd" if inner.has_cd() else "pc", state["matrix"])
            if state["pv"]:
                inner.set_pv(state["pv"])
            if state["sip"]:
                wcs.sip = Sip(*state["sip"])
            inner.set()
        self.__dict__["wcs"] = wcs
