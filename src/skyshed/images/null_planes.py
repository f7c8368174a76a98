"""Planes of one value that a header says in place of pixels, as HST's pipelines write them.

An IMAGE extension with NAXIS = 0 and the cards NPIX1, NPIX2 and PIXVALUE stands for a plane of that
size, each pixel of which is PIXVALUE (ACS Data Handbook, "ACS File Structure").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skyshed.images.cards import Cards
from skyshed.images.hdu_facts import HduFacts, facts_of, null_shape
from skyshed.images.headers import celestial_wcs, unit_of, unknown_unit
from skyshed.images.source import ImageSource
from skyshed.images.window import Window

__all__ = ["ConstantSource", "null_source"]

#: BITPIX -> what pixels are.
DTYPES = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}


@dataclass(frozen=True, eq=False)
class ConstantSource(ImageSource):
    """An image whose pixels all have one value.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    dtype : dtype
        Of the pixels.
    value : float
        That of each pixel.
    called : str
        What messages call it.
    unit, wcs, came_from, hdu, unknown_unit, header
        As of `skyshed.images.arrays.ArraySource`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window
    >>> from skyshed.images.null_planes import ConstantSource
    >>> ConstantSource((30, 40), np.dtype("i2"), 3, "dq").read(Window(0, 1, 0, 3))
    array([[3, 3, 3]], dtype=int16)
    """

    shape: tuple[int, int]
    dtype: np.dtype
    value: float
    called: str
    unit: Any = None
    wcs: Any = None
    came_from: Mapping[str, Any] = field(default_factory=lambda: {"input": "array"})
    hdu: HduFacts | None = None
    unknown_unit: str = ""
    header: Cards | None = None

    unit_from_header = True

    @property
    def label(self) -> str:
        """What messages call the image."""
        return self.called

    def read(self, window: Window) -> Any:
        """Return the pixels of a window; see `ImageSource.read`."""
        return np.full(window.shape, self.value, self.dtype)

    def origin(self) -> dict[str, Any]:
        """Return where the image comes from; see `ImageSource.origin`."""
        return dict(self.came_from)

    def fingerprint(self) -> dict[str, Any]:
        """Return the value, and the file; see `ImageSource.fingerprint`."""
        return {**self.came_from, "value": self.value, **self.description()}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "header": None}


def null_source(
    hdu: Any, number: int, label: str, came_from: Mapping[str, Any] | None = None
) -> ConstantSource:
    """Return a null plane as an image.

    Parameters
    ----------
    hdu : HDU
        That of the plane.
    number : int
        Its number.
    label : str
        What messages call it.
    came_from : mapping, optional
        What `ImageSource.origin` returns.
    """
    header, shape = hdu.header, null_shape(hdu.header)
    value, dtype = header["PIXVALUE"], np.dtype(DTYPES[header["BITPIX"]])
    if dtype.kind != "f" and not float(value).is_integer():
        dtype = np.dtype("f4")
    text = header.get("BUNIT")
    return ConstantSource(
        (shape[0], shape[1]), dtype, value, label, unit_of(text, label),
        celestial_wcs(header, None, label), came_from or {"input": "array"}, facts_of(hdu, number),
        unknown_unit(text), Cards(header, None, label),
    )  # fmt: skip
