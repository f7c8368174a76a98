"""Zarr arrays, in folders or in memory."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.arguments import is_path
from skyshed.cached import cached_property
from skyshed.images.fingerprint import sample_digest, zarr_facts
from skyshed.images.headers import celestial_wcs, split_path, unit_of
from skyshed.images.open import OpenedImage, register
from skyshed.images.pixels import image_axes, native, reading_errors
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.messages import one_line

__all__ = ["ZarrSource", "is_in_zarr", "open_zarr", "open_zarr_array"]

#: What the folders of Zarr are called.
ENDING = ".zarr"


@dataclass(frozen=True, eq=False)
class ZarrSource(ImageSource):
    """An image in Zarr.

    Each process opens a folder once, when it first reads.

    Attributes
    ----------
    stored : str or Zarr array
        The folder of the array, which may be within that of a group; an array that is in memory, or
        wherever else its store keeps it.
    called : str
        What messages call the image: the folder, if it has one.
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
    >>> from skyshed.images import Window, open_image
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.zarr"
    >>> _ = zarr.create_array(path, data=np.arange(12).reshape(3, 4), attributes={"unit": "Jy"})
    >>> source = open_image(path).image
    >>> source.read(Window(2, 3, 0, 4)), source.unit
    (array([[ 8,  9, 10, 11]]), Unit("Jy"))
    """

    stored: Any
    called: str
    shape: tuple[int, int]
    axes: tuple[int, int]
    dtype: np.dtype
    unit: Any = None

    @cached_property
    def array(self) -> Any:
        """The array, opened to be read."""
        return _array_at(self.stored) if self._in_folder else self.stored

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the FITS cards in the attribute ``wcs``, None where there is none.

        Segmentation images that skyshed writes have such an attribute.
        """
        from astropy.io import fits

        cards = self.array.attrs.get("wcs")
        if not isinstance(cards, list):
            return None
        header = fits.Header.fromstring("\n".join(map(str, cards)), sep="\n")
        return celestial_wcs(header, None, self.label)

    @property
    def label(self) -> str:
        """What messages call the image."""
        return self.called

    @property
    def _in_folder(self) -> bool:
        return isinstance(self.stored, str)

    def read(self, window: Window) -> Any:
        """Return the pixels of a window as a new NumPy array; see `ImageSource.read`."""
        with reading_errors(self.label, window):
            where: list[Any] = [0] * self.array.ndim
            where[self.axes[0]], where[self.axes[1]] = window.slices
            return native(np.asarray(self.array[tuple(where)]))

    def origin(self) -> dict[str, Any]:
        """Return the folder, if there is one; see `ImageSource.origin`."""
        return {"input": self.stored if self._in_folder else "array"}

    def fingerprint(self) -> dict[str, Any]:
        """Return what describes a folder and when it was last written, or a checksum of pixels."""
        if self._in_folder:
            return {**zarr_facts(Path(self.stored)), **self.description()}
        return {"sha256": sample_digest(self), **self.description()}

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in self.__dict__.items() if name not in ("array", "wcs")
        }


def is_in_zarr(given: Any) -> bool:
    """Whether something is the path of a Zarr folder, or of something within one.

    A FITS file may lie in a folder of that name.

    Examples
    --------
    >>> from skyshed.images.zarr import is_in_zarr
    >>> is_in_zarr("deep.zarr/r/image"), is_in_zarr("deep.zarr.fits")
    (True, False)
    """
    if not is_path(given):
        return False
    within = any(part.endswith(ENDING) for part in Path(given).parts)
    return within and not os.path.isfile(split_path(given)[0])


@register(is_in_zarr)
def _open_path(given: str | os.PathLike[str], name: str) -> OpenedImage:
    """Open the Zarr array in a folder."""
    return OpenedImage(open_zarr(given))


def open_zarr(path: str | os.PathLike[str]) -> ZarrSource:
    """Return the Zarr array in a folder, or at a path within it."""
    folder = os.path.abspath(path)
    array = _array_at(folder)
    source = _source_of(array, folder, folder)
    source.__dict__["array"] = array
    return source


def open_zarr_array(array: Any, name: str) -> ZarrSource:
    """Return a Zarr array as an image: one in a folder as the folder."""
    root = getattr(array.store, "root", None)
    if isinstance(root, Path):
        return open_zarr(root / array.path)
    return _source_of(array, array, f"{name} (a Zarr array)")


def _source_of(array: Any, stored: Any, label: str) -> ZarrSource:
    """Return the image of an array."""
    shape = tuple(int(length) for length in array.shape)
    axes = image_axes(shape, label)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{label} must hold real numbers, got dtype {array.dtype}")
    return ZarrSource(
        stored, label, (shape[axes[0]], shape[axes[1]]), axes,
        np.dtype(array.dtype).newbyteorder("="), unit_of(array.attrs.get("unit"), label),
    )  # fmt: skip


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
        array = zarr.open(path, mode="r")
    except Exception as error:  # whatever damaged metadata cause
        raise OSError(f"{path}: cannot be read as Zarr ({one_line(error)})") from error
    if isinstance(array, zarr.Group):
        names = ", ".join(sorted(array.array_keys())) or "none"
        raise ValueError(
            f"{path} is a group of Zarr, not an array; give the path of one of its arrays: {names}"
        )
    return array
