"""A region of an image, as an image."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.images.wcs import region_wcs

__all__ = ["CutWindows", "cut"]


@dataclass(frozen=True, eq=False)
class CutWindows:
    """A region of an image that is read by windows.

    Attributes
    ----------
    whole : Windows
        The image.
    region : tuple of int
        ``y0, y1, x0, x1`` in it, half open.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import cut, open_windows
    >>> region = cut(open_windows(np.arange(12).reshape(3, 4)), 1, 3, 2, 4)
    >>> region.shape, region.read(0, 1, 0, 2)
    ((2, 2), array([[6, 7]]))
    """

    whole: Any
    region: tuple[int, int, int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the region."""
        y0, y1, x0, x1 = self.region
        return y1 - y0, x1 - x0

    @property
    def dtype(self) -> np.dtype:
        """The dtype of what `read` returns."""
        return self.whole.dtype

    @property
    def unit(self) -> Any:
        """The unit of the pixels."""
        return self.whole.unit

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the region."""
        return region_wcs(self.whole.wcs, *self.region)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the region; see the image's own ``read``."""
        top, _, left, _ = self.region
        return self.whole.read(top + y0, top + y1, left + x0, left + x1)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


def cut(windows: Any, y0: int, y1: int, x0: int, x1: int) -> CutWindows:
    """Return a region of an image that is read by windows.

    Parameters
    ----------
    windows : Windows
        The image.
    y0, y1, x0, x1 : int
        The region, half open.

    Returns
    -------
    region : CutWindows
        Windows like any other; its WCS has CRPIX moved exactly.

    Raises
    ------
    ValueError
        If the region has no pixel or is not in the image.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import cut, open_windows
    >>> cut(open_windows(np.zeros((30, 40))), 10, 20, 5, 40).shape
    (10, 35)
    """
    ny, nx = windows.shape
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        raise ValueError(
            f"the region must be in the image of {ny} x {nx} pixels and have a pixel, got rows "
            f"{y0} to {y1}, columns {x0} to {x1} (half open)"
        )
    if isinstance(windows, CutWindows):
        top, _, left, _ = windows.region
        return CutWindows(windows.whole, (top + y0, top + y1, left + x0, left + x1))
    return CutWindows(windows, (int(y0), int(y1), int(x0), int(x1)))
