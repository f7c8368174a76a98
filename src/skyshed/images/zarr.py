"""Windows of Zarr arrays in folders."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.images.read import _unit_of, _wcs_of
from skyshed.images.reading import image_axes, native, reason, window_errors

__all__ = ["ZarrWindows", "is_zarr_path", "open_zarr"]

#: What the folders of Zarr are called.
ENDING = ".zarr"


@dataclass(frozen=True)
class ZarrWindows:
    """An image in a Zarr folder.

    Each process opens the folder once, when it first reads.

    Attributes
    ----------
    path : str
        The folder of the array, which may be within that of a group.
    shape : tuple of int
        The shape of the image, axes of length 1 left out.
    axes : tuple of int
        Which axes of the array the image has.
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        Of the pixels, after the attribute ``unit``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, zarr
    >>> from skyshed.images import open_windows
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.zarr"
    >>> _ = zarr.create_array(path, data=np.arange(12).reshape(3, 4), attributes={"unit": "Jy"})
    >>> windows = open_windows(path)
    >>> windows.read(2, 3, 0, 4), windows.unit
    (array([[ 8,  9, 10, 11]]), Unit("Jy"))
    """

    path: str
    shape: tuple[int, int]
    axes: tuple[int, int]
    dtype: np.dtype
    unit: Any = None

    @cached_property
    def array(self) -> Any:
        """The array, opened to be read."""
        return _array_at(self.path)

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the FITS cards in the attribute ``wcs``, None where there is none.

        `skyshed.output.segmentation_map.write_map` writes such an attribute.
        """
        from astropy.io import fits

        cards = self.array.attrs.get("wcs")
        if not isinstance(cards, list):
            return None
        header = fits.Header.fromstring("\n".join(map(str, cards)), sep="\n")
        return _wcs_of(header, None, self.path)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array in native byte order.

        Raises
        ------
        OSError
            If a chunk cannot be read; the message names the window.
        """
        with window_errors(self.path, y0, y1, x0, x1):
            where: list[Any] = [0] * self.array.ndim
            where[self.axes[0]], where[self.axes[1]] = slice(y0, y1), slice(x0, x1)
            return native(np.asarray(self.array[tuple(where)]))

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in self.__dict__.items() if name not in ("array", "wcs")
        }


def is_zarr_path(path: str | os.PathLike) -> bool:
    """Whether a path is that of a Zarr folder, or of something within one.

    Examples
    --------
    >>> from skyshed.images.zarr import is_zarr_path
    >>> is_zarr_path("deep.zarr/r/image"), is_zarr_path("deep.zarr.fits")
    (True, False)
    """
    return any(part.endswith(ENDING) for part in Path(path).parts)


def open_zarr(path: str | os.PathLike) -> ZarrWindows:
    """Return a Zarr array by windows; see `skyshed.images.open_windows`."""
    found = os.path.abspath(path)
    array = _array_at(found)
    shape = tuple(int(length) for length in array.shape)
    axes = image_axes(shape, found)
    windows = ZarrWindows(
        found, (shape[axes[0]], shape[axes[1]]), axes, np.dtype(array.dtype).newbyteorder("="),
        _unit_of(array.attrs.get("unit"), found),
    )  # fmt: skip
    windows.__dict__["array"] = array
    return windows


def _array_at(path: str) -> Any:
    """Open the array of a folder."""
    try:
        import zarr
    except ImportError:
        raise ImportError(
            f"{path} needs zarr, which is not installed: pip install 'skyshed[mosaic]'"
        ) from None
    if not os.path.isdir(path):
        raise FileNotFoundError(f"{path}: there is no such folder")
    try:
        found = zarr.open(path, mode="r")
    except Exception as error:  # whatever damaged metadata cause
        raise OSError(f"{path}: cannot be read as Zarr ({reason(error)})") from error
    if isinstance(found, zarr.Group):
        names = ", ".join(sorted(found.array_keys())) or "none"
        raise ValueError(
            f"{path} is a group of Zarr, not an array; give the path of one of its arrays: {names}"
        )
    return found
