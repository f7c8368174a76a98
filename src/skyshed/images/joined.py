"""Several files that are one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.images.grid import Rectangle, gaps, label_of, place
from skyshed.images.wcs import moved_wcs

__all__ = ["JoinedWindows", "join"]


@dataclass(frozen=True, eq=False)
class JoinedWindows:
    """Images that abut in one grid of pixels, as one image.

    Attributes
    ----------
    parts : tuple of Windows
        The images.
    places : tuple of tuple of int
        ``y0, y1, x0, x1`` of each in the whole, half open.
    shape : tuple of int
        The least that holds them all.
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        The unit of all of them.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import open_windows
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, where in (("a.fits", "[1:2,1:2]"), ("b.fits", "[4:5,1:2]")):
    ...     fits.writeto(folder / name, np.ones((2, 2)), fits.Header({"DETSEC": where}))
    >>> open_windows([folder / "a.fits", folder / "b.fits"]).read(0, 1, 0, 5)
    array([[ 1.,  1., nan,  1.,  1.]])
    """

    parts: tuple[Any, ...]
    places: tuple[Rectangle, ...]
    shape: tuple[int, int]
    dtype: np.dtype
    unit: Any = None

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the first part, for the pixels of the whole; None of None."""
        y0, _, x0, _ = self.places[0]
        wcs = self.parts[0].wcs
        return None if wcs is None else moved_wcs(wcs, y0, x0, self.shape)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array; NaN where there is no part.

        Raises
        ------
        OSError
            If one of the parts cannot be read; the message names it, and the window in it.
        """
        window = y0, y1, x0, x1
        common = [_common(place, window) for place in self.places]
        whole = np.empty((y1 - y0, x1 - x0), self.dtype)
        if gaps(common, whole.shape):
            whole.fill(np.nan)
        for part, (top, _, left, _), (a, b, c, d) in zip(
            self.parts, self.places, common, strict=True
        ):
            if a < b and c < d:
                pixels = part.read(a - top, b - top, c - left, d - left)
                whole[a - y0 : b - y0, c - x0 : d - x0] = pixels
        return whole

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


def join(parts: Sequence[Any]) -> JoinedWindows:
    """Return images that abut as one.

    Parameters
    ----------
    parts : sequence of Windows
        The images; see `skyshed.images.grid.place` for how it is known where they lie.

    Returns
    -------
    joined : JoinedWindows
        Integers are float64 if there are gaps, which are NaN.

    Raises
    ------
    ValueError
        If there is no part, units differ, or parts do not share a grid of pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import open_windows
    >>> from skyshed.images.joined import join
    >>> join([open_windows(np.zeros((3, 4)))]).shape
    (3, 4)
    """
    if not parts:
        raise ValueError("image is an empty list: give at least one file")
    for part in parts:
        if part.unit != parts[0].unit:
            raise ValueError(
                f"all parts must have the same unit: {label_of(parts[0])} has "
                f"{parts[0].unit or 'none'}, {label_of(part)} has {part.unit or 'none'}"
            )
    places = place(parts)
    ny, nx = (max(each[side] for each in places) for side in (1, 3))
    dtype = np.result_type(*(part.dtype for part in parts))
    if gaps(places, (ny, nx)) and dtype.kind != "f":
        dtype = np.dtype(np.float64)
    return JoinedWindows(tuple(parts), tuple(places), (ny, nx), dtype, parts[0].unit)


def _common(place: Rectangle, window: Rectangle) -> Rectangle:
    """Return the pixels that two rectangles share; one that is empty if there is none."""
    y0, x0 = max(place[0], window[0]), max(place[2], window[2])
    return y0, max(min(place[1], window[1]), y0), x0, max(min(place[3], window[3]), x0)
