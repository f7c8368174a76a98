"""Windows of whatever is given as an image."""

import os
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.images.arrays import ArrayWindows
from skyshed.images.fits import FitsWindows, open_fits
from skyshed.images.joined import JoinedWindows, join
from skyshed.images.read import split_path
from skyshed.images.region import CutWindows
from skyshed.images.zarr import ZarrWindows, is_zarr_path, open_zarr

__all__ = ["Windows", "open_windows"]

Windows = ArrayWindows | FitsWindows | ZarrWindows | JoinedWindows | CutWindows


def open_windows(image: Any, hdu: int | str | None = None) -> Windows:
    """Return an image that can be read window by window.

    Parameters
    ----------
    image : path, list of paths, or array, shape (ny, nx)
        - A FITS file: ``deep.fits``, or ``deep.fits[SCI]`` for one of its HDUs. Only headers and
          one pixel are read here.
        - A Zarr array: ``deep.zarr``, or ``deep.zarr/path/in/group``.
        - A list of such paths whose images abut in one grid of pixels, such as the tiles of a
          survey or the chips of a camera. They lie where their celestial WCS says or, if none has
          one, where DETSEC in their headers says. Gaps between them are NaN.
        - An array that can be sliced: NumPy, a memory map, Zarr, Dask.
        - Windows, which are returned as they are.
    hdu : int or str, optional
        The HDU of a file: number, name or ``NAME,VERSION``; the first image if `None`.

    Returns
    -------
    windows : ArrayWindows, FitsWindows, ZarrWindows or JoinedWindows
        With ``shape``, ``dtype``, ``unit``, ``wcs`` and ``read(y0, y1, x0, x1)``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If there is no such HDU, it is no 2-D image, or the file is gzipped as a whole; if the parts
        of a list do not abut, or it is not known where they lie.
    ImportError
        If a Zarr array is given and zarr is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import open_windows
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int16).reshape(3, 4))
    >>> open_windows(path).read(1, 3, 2, 4)
    array([[ 6,  7],
           [10, 11]], dtype=int16)
    """
    named = isinstance(image, str | os.PathLike)
    # A FITS file may lie in a folder of that name.
    if named and not (is_zarr_path(image) and not os.path.isfile(split_path(image)[0])):
        return open_fits(image, hdu)
    if hdu is not None:
        what = "no FITS file" if named else "no file"
        raise ValueError(f"hdu is given as {hdu!r}, but image is {what}: leave hdu out")
    if named:
        return open_zarr(image)
    if isinstance(image, Windows):
        return image
    if isinstance(image, list | tuple) and all(isinstance(x, str | os.PathLike) for x in image):
        return join([open_windows(path) for path in image])
    return _of_array(image)


def _of_array(image: Any) -> ArrayWindows | ZarrWindows:
    """Return windows of an array."""
    if len(getattr(image, "shape", ())) != 2:
        raise ValueError(
            "image must be a 2-D array, the path of a FITS file or Zarr array, or a list of paths, "
            f"got {type(image).__name__}"
            + (f" of shape {image.shape}" if hasattr(image, "shape") else "")
        )
    if isinstance(image, np.ma.MaskedArray):
        raise ValueError("image must not be a masked array: give its data, and mask beside it")
    if isinstance(image, u.Quantity):
        return ArrayWindows(image.value, image.unit)
    folder = _folder_of(image)
    return ArrayWindows(image) if folder is None else open_zarr(folder)


def _folder_of(array: Any) -> Path | None:
    """Return where on disk a Zarr array is, None for other arrays and stores."""
    if type(array).__module__.partition(".")[0] != "zarr":
        return None
    root = getattr(getattr(array, "store", None), "root", None)
    return root / array.path if isinstance(root, Path) else None
