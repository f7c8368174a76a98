"""Images that go with another one and have a mask of their own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skyshed.images.made_of import MadeOfAnother
from skyshed.images.open import OpenedImage
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, like

__all__ = ["MaskedSource", "with_own_mask"]


@dataclass(frozen=True, eq=False)
class MaskedSource(MadeOfAnother):
    """An image that has one value where it is masked.

    Attributes
    ----------
    source : ImageSource
        The image as it is.
    mask : ImageSource
        True, or not 0, for pixels that are masked.
    value : float or int
        What is read there; integers become float64 where it is NaN. Of integers and booleans, -1
        is the value that has all bits.
    """

    source: ImageSource
    mask: ImageSource
    value: float

    @property
    def other(self) -> ImageSource:
        """The image as it is."""
        return self.source

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """That of the image, or float64."""
        own = self.source.dtype
        return np.dtype(np.float64) if np.isnan(self.value) and own.kind != "f" else own

    @property
    def held_bytes(self) -> int:
        """The bytes of this process's memory that both take."""
        return self.source.held_bytes + self.mask.held_bytes

    def read(self, window: Window) -> Any:
        """Return the pixels of a window; see `ImageSource.read`."""
        pixels = self.source.read(window)
        xp = array_namespace(image=pixels)
        lost = xp.asarray(like(self.mask.read(window), pixels)) != 0
        pixels = pixels.astype(self.dtype, copy=False)
        value = np.array(self.value).astype(self.dtype)[()]
        return xp.where(lost, value, pixels) if bool(xp.any(lost)) else pixels

    def as_integers(self) -> ImageSource:
        """Return the same of the image's integers; see `ImageSource.as_integers`."""
        return replace(self, source=self.source.as_integers())

    def as_bits(self) -> ImageSource:
        """Return the same of the image's bits; see `ImageSource.as_bits`."""
        return replace(self, source=self.source.as_bits())

    def fingerprint(self) -> dict[str, Any]:
        """Return that of the image with that of its mask; see `ImageSource.fingerprint`."""
        return {**self.source.fingerprint(), "own_mask": str(self.mask.fingerprint())}


def with_own_mask(opened: OpenedImage, name: str, value: float = np.nan) -> ImageSource:
    """Return an image that has a value where it is masked itself.

    Parameters
    ----------
    opened : OpenedImage
        The image, with its mask if it has one.
    name : str
        What messages call it.
    value : float or int, optional
        See `MaskedSource`.

    Raises
    ------
    ValueError
        If its mask has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> from skyshed.images.masked import with_own_mask
    >>> opened = open_image(np.ma.array([[1.0, 2.0]], mask=[[False, True]]))
    >>> with_own_mask(opened, "weight").read(Window(0, 1, 0, 2))
    array([[ 1., nan]])
    """
    image, mask = opened.image, opened.mask
    if mask is None:
        return image
    if mask.shape != image.shape:
        raise ValueError(
            f"the mask of {name} must have its shape: {name} has {image.shape}, its mask "
            f"{mask.shape}"
        )
    return MaskedSource(image, mask, value)
