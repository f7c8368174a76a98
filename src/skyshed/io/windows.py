"""Images that are read window by window, without mapping their files into memory."""

import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from skyshed.io.read import _find_hdu, _unit_of, _wcs_of, split_path

__all__ = ["ArrayWindows", "FitsWindows", "open_windows"]


@dataclass(frozen=True, eq=False)
class ArrayWindows:
    """A 2-D array that is sliced: NumPy, a memory map, Zarr or Dask.

    Attributes
    ----------
    array : array-like, shape (ny, nx)
        Anything with ``shape``, ``dtype`` and slices that NumPy can take.
    """

    array: Any
    unit: Any = None
    wcs: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return tuple(self.array.shape)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array in native byte order."""
        return _native(np.asarray(self.array[y0:y1, x0:x1]))


@dataclass(frozen=True)
class FitsWindows:
    """An image of a FITS file, plain, scaled or compressed by tiles.

    The file is opened for each window, so that objects can be sent to other processes and used
    from several threads.

    Attributes
    ----------
    path : str
        The file.
    number : int
        The HDU's.
    shape : tuple of int
        The shape of the image, axes of length 1 left out.
    axes : tuple of int
        Which axes of the HDU the image has.
    """

    path: str
    number: int
    shape: tuple[int, int]
    axes: tuple[int, int]
    unit: Any = None
    wcs: Any = None

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array in native byte order.

        Raises
        ------
        OSError
            If the file cannot be read there; the message names the window.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", AstropyWarning)
                # Mapped pages count as memory of the process.
                with fits.open(self.path, memmap=False) as hdus:
                    hdu = hdus[self.number]
                    where: list[Any] = [0] * len(hdu.shape)
                    where[self.axes[0]], where[self.axes[1]] = slice(y0, y1), slice(x0, x1)
                    pixels = _native(np.asarray(hdu.section[tuple(where)]))
        except Exception as error:  # whatever a damaged file makes astropy stumble over
            reason = " ".join(str(error).split()) or type(error).__name__
            raise OSError(
                f"{self.path}[{self.number}]: rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1} "
                f"cannot be read ({reason})"
            ) from error
        # Sections keep some of the axes that an integer indexes.
        if pixels.size == (y1 - y0) * (x1 - x0):
            pixels = pixels.reshape(y1 - y0, x1 - x0)
        else:
            raise OSError(
                f"{self.path}[{self.number}]: rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1} "
                f"cannot be read (got {pixels.shape}: the file is cut off or has changed)"
            )
        return pixels


def open_windows(image: Any, hdu: int | str | None = None) -> ArrayWindows | FitsWindows:
    """Return an image that can be read window by window.

    Parameters
    ----------
    image : path or array, shape (ny, nx)
        A FITS file (``deep.fits``, ``deep.fits[SCI]``), or an array that can be sliced: NumPy, a
        memory map, Zarr, Dask. Of a FITS file only headers are read here.
    hdu : int or str, optional
        The HDU of a file: number, name or ``NAME,VERSION``; the first image if `None`.

    Returns
    -------
    windows : ArrayWindows or FitsWindows
        With ``shape``, ``unit``, ``wcs`` and ``read(y0, y1, x0, x1)``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If there is no such HDU, it is no 2-D image, or the file is gzipped as a whole.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.io.windows import open_windows
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int16).reshape(3, 4))
    >>> open_windows(path).read(1, 3, 2, 4)
    array([[ 6,  7],
           [10, 11]], dtype=int16)
    """
    if not isinstance(image, str | os.PathLike):
        if hdu is not None:
            raise ValueError(f"hdu is given as {hdu!r}, but image is no file: leave hdu out")
        if len(getattr(image, "shape", ())) != 2:
            raise ValueError(
                f"image must be a 2-D array or the path of a FITS file, got {type(image).__name__}"
                + (f" of shape {image.shape}" if hasattr(image, "shape") else "")
            )
        return ArrayWindows(image)
    file, named = split_path(image)
    if file.endswith(".gz"):
        raise ValueError(
            f"image {file!r} is gzipped as a whole and can't be read in windows: unpack it, or "
            "compress it by tiles (fpack)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        with fits.open(file, memmap=False) as hdus:
            number = _find_hdu(hdus, named if hdu is None else hdu, file)
            found = hdus[number]
            shape = tuple(found.shape)
            label = f"{file}[{number}]"
            axes = _image_axes(shape, label)
            unit = _unit_of(found.header.get("BUNIT"), label)
            wcs = _wcs_of(found.header, hdus, label)
    return FitsWindows(
        os.path.abspath(file), number, (shape[axes[0]], shape[axes[1]]), axes, unit, wcs
    )


def _image_axes(shape: tuple[int, ...], label: str) -> tuple[int, int]:
    """Return which axes are the image's: those longer than 1, or else the last two."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    if len(shape) < 2 or 0 in shape or len(long) > 2:
        raise ValueError(
            f"{label} must hold a 2-D image (besides axes of length 1), its shape is {shape}"
        )
    kept = long if len(long) == 2 else sorted({*long, *range(len(shape) - 2, len(shape))})[-2:]
    return kept[0], kept[1]


def _native(pixels: Any) -> Any:
    """Return the pixels in the machine's byte order."""
    return np.array(pixels, dtype=pixels.dtype.newbyteorder("="), order="C")
