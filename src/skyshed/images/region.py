"""A region of an image, as an image."""

from dataclasses import dataclass, replace
from typing import Any

from skyshed.cached import cached_property
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.source import ImageSource
from skyshed.images.wcs import region_wcs
from skyshed.images.window import Window

__all__ = ["RegionSource", "as_region", "cut"]


@dataclass(frozen=True, eq=False)
class RegionSource(MadeOfAnother):
    """A region of an image.

    Attributes
    ----------
    whole : ImageSource
        The image.
    region : Window
        The region in it.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, cut, open_image
    >>> region = cut(open_image(np.arange(12).reshape(3, 4)).image, Window(1, 3, 2, 4))
    >>> region.shape, region.read(Window(0, 1, 0, 2))
    ((2, 2), array([[6, 7]]))
    """

    whole: ImageSource
    region: Window

    @property
    def other(self) -> ImageSource:
        """The whole image."""
        return self.whole

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """The shape of the region."""
        return self.region.shape

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the region; its reference pixel is moved exactly."""
        return region_wcs(self.whole.wcs, self.region)

    def read(self, window: Window) -> Any:
        """Return the pixels of a window of the region; see `ImageSource.read`."""
        return self.whole.read(window.moved(*self.region.origin))

    def read_marked(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return the pixels, and which are not finite; see `ImageSource.read_marked`."""
        return self.whole.read_marked(window.moved(*self.region.origin), device)

    def as_integers(self) -> ImageSource:
        """Return the region of the image as integers; see `ImageSource.as_integers`."""
        return replace(self, whole=self.whole.as_integers())

    def as_bits(self) -> ImageSource:
        """Return the region of the image as bits; see `ImageSource.as_bits`."""
        return replace(self, whole=self.whole.as_bits())

    def as_mask(self) -> ImageSource:
        """Return the region of the image as a mask; see `ImageSource.as_mask`."""
        return replace(self, whole=self.whole.as_mask())

    def lacks(self, window: Window) -> str:
        """Say why a window of the region cannot be read; see `ImageSource.lacks`."""
        return self.whole.lacks(window.moved(*self.region.origin))

    def origin(self) -> dict[str, Any]:
        """Return where the image comes from, and the region."""
        y0, y1, x0, x1 = self.region.bounds
        return {**self.whole.origin(), "region": f"{y0}:{y1},{x0}:{x1}"}

    @property
    def files(self) -> list[str]:
        """Those of the image; see `ImageSource.files`."""
        return self.whole.files

    def fingerprint(self) -> dict[str, Any]:
        """Return that of the image, and the region."""
        return {**self.whole.fingerprint(), "region": list(self.region.bounds)}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


def cut(source: ImageSource, region: Window) -> RegionSource:
    """Return a region of an image.

    Raises
    ------
    ValueError
        If the region has no pixel or is not in the image.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, cut, open_image
    >>> cut(open_image(np.zeros((30, 40))).image, Window(10, 20, 5, 40)).shape
    (10, 35)
    """
    ny, nx = source.shape
    y0, y1, x0, x1 = region.bounds
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        raise ValueError(
            f"the region must be in the image of {ny} x {nx} pixels and have a pixel, got rows "
            f"{y0} to {y1}, columns {x0} to {x1} (half open)"
        )
    if isinstance(source, RegionSource):
        return RegionSource(source.whole, region.moved(*source.region.origin))
    return RegionSource(source, region)


def as_region(region: Any, shape: tuple[int, int] | None = None) -> Window:
    """Return a region as a window, if it lies in an image of that shape, or in any.

    Parameters
    ----------
    region : str or sequence of 4 int
        ``"y0:y1,x0:x1"`` or ``(y0, y1, x0, x1)``, half-open ranges of pixels.
    shape : tuple of int, optional
        The shape of the image.

    Raises
    ------
    ValueError
        If it does not, or is no region.

    Examples
    --------
    >>> from skyshed.images.region import as_region
    >>> as_region("0:10,5:20")
    Window(y0=0, y1=10, x0=5, x1=20)
    >>> as_region((0, 10, 5, 20), shape=(10, 20)).shape
    (10, 15)
    """
    bounds = region
    if isinstance(region, str):
        halves = [part.split(":") for part in region.split(",")]
        bounds = [number for half in halves for number in half]
    try:
        y0, y1, x0, x1 = (int(bound) for bound in bounds)
    except (TypeError, ValueError):
        y0 = y1 = x0 = x1 = 0
    ny, nx = (y1, x1) if shape is None else shape
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        within = "" if shape is None else f", which has the shape {shape}"
        raise ValueError(
            "region must be 'y0:y1,x0:x1' or four integers, half-open ranges of pixels in the "
            f"image{within}; got {region!r}"
        )
    return Window(y0, y1, x0, x1)
