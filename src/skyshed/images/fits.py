"""Windows of FITS files, without mapping the files into memory."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from skyshed.images.read import (
    ImageWarning,
    _find_hdu,
    _RefusedError,
    _unit_of,
    _wcs_of,
    split_path,
)
from skyshed.images.reading import image_axes, native, reason, window_errors

__all__ = ["FitsWindows", "open_fits"]


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
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        Of the pixels, after BUNIT.
    detsec : str or None
        Where on the detector the image is, as the header says.
    begins : int or None
        Where in the file the pixels begin, if they are stored as they are: not scaled, not
        compressed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import open_windows
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int16).reshape(3, 4))
    >>> windows = open_windows(path)
    >>> windows.shape, windows.dtype, windows.number
    ((3, 4), dtype('int16'), 0)
    """

    path: str
    number: int
    shape: tuple[int, int]
    axes: tuple[int, int]
    dtype: np.dtype
    unit: Any = None
    detsec: str | None = None
    begins: int | None = None

    @property
    def label(self) -> str:
        """What messages call the image."""
        return f"{self.path}[{self.number}]"

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS, None where the header has none.

        Every process reads it from the header: a pickled WCS loses digits.
        """
        with _opened(self.path) as hdus:
            warnings.simplefilter("ignore", ImageWarning)  # it was said when the file was opened
            return _wcs_of(hdus[self.number].header, hdus, self.label)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array in native byte order.

        Raises
        ------
        OSError
            If the file cannot be read there; the message names the window.
        """
        with window_errors(self.label, y0, y1, x0, x1):
            if self.begins is not None:
                return self._read_rows(self.begins, y0, y1, x0, x1)
            with _opened(self.path) as hdus:
                pixels = _section(hdus[self.number], self.axes, (slice(y0, y1), slice(x0, x1)))
            # Sections keep some of the axes that an integer indexes.
            if pixels.size != (y1 - y0) * (x1 - x0):
                raise ValueError(f"got {pixels.shape}: the file is cut off or has changed")
            return pixels.reshape(y1 - y0, x1 - x0)

    def _read_rows(self, begins: int, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of pixels that are stored as they are.

        astropy's sections come to the same by some ten Python calls for each row, in which only one
        thread can be at a time: a third of the time of a tile.
        """
        stored = self.dtype.newbyteorder(">")
        pixels = np.empty((y1 - y0, x1 - x0), stored)
        lines = pixels if pixels.shape[1] < self.shape[1] else pixels.reshape(1, -1)
        with open(self.path, "rb", buffering=0) as file:
            for k, line in enumerate(lines):
                file.seek(begins + ((y0 + k) * self.shape[1] + x0) * stored.itemsize)
                left = memoryview(line).cast("B")
                while left:
                    got = file.readinto(left)
                    if not got:
                        raise ValueError("the file is cut off or has changed")
                    left = left[got:]
        if stored.isnative:
            return pixels
        return pixels.byteswap(inplace=True).view(self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Give the HDUs of a file; headers that break a rule are daily bread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        # Mapped pages count as memory of the process.
        with fits.open(path, memmap=False) as hdus:
            yield hdus


def open_fits(image: str | os.PathLike, hdu: int | str | None = None) -> FitsWindows:
    """Return the image of an HDU, by windows; see `skyshed.images.open_windows`."""
    file, named = split_path(image)
    if named is not None and hdu is not None and str(hdu) != named:
        raise ValueError(f"the HDU is given twice: as hdu={hdu!r} and in {os.fspath(image)!r}")
    if file.endswith(".gz"):
        raise ValueError(
            f"image {file!r} is gzipped as a whole and can't be read in windows: unpack it, or "
            "compress it by tiles (fpack)"
        )
    wanted = named if hdu is None else hdu
    try:
        return _described(file, wanted)
    except (_RefusedError, MemoryError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: there is no such file") from None
    except Exception as error:  # whatever a damaged file makes astropy stumble over
        raise OSError(f"{file}: cannot be read as FITS ({reason(error)})") from error


def _described(file: str, wanted: int | str | None) -> FitsWindows:
    """Read the headers, and one pixel for the dtype that scaling leads to."""
    with _opened(file) as hdus:
        number = _find_hdu(hdus, wanted, file)
        found = hdus[number]
        label = f"{file}[{number}]"
        if not getattr(found, "is_image", False):
            raise _RefusedError(f"{label} holds no image")
        shape = tuple(int(length) for length in found.shape)
        axes = image_axes(shape, label)
        detsec = found.header.get("DETSEC")
        windows = FitsWindows(
            os.path.abspath(file), number, (shape[axes[0]], shape[axes[1]]), axes,
            _section(found, axes, (slice(0, 1), slice(0, 1))).dtype,
            _unit_of(found.header.get("BUNIT"), label),
            detsec if isinstance(detsec, str) else None, _begin(found),
        )  # fmt: skip
        windows.__dict__["wcs"] = _wcs_of(found.header, hdus, label)
    return windows


def _begin(hdu: Any) -> int | None:
    """Return where in its file an image begins, None if it is scaled, compressed or has blanks."""
    plain = not isinstance(hdu, fits.CompImageHDU)
    altered = hdu.header.get("BSCALE", 1) != 1 or hdu.header.get("BZERO", 0) != 0
    if not plain or altered or "BLANK" in hdu.header:
        return None
    return int(hdu.fileinfo()["datLoc"])


def _section(hdu: Any, axes: tuple[int, int], window: tuple[slice, slice]) -> Any:
    """Return the pixels of a window, in native byte order; lengths of 1 may be anywhere."""
    where: list[Any] = [0] * len(hdu.shape)
    where[axes[0]], where[axes[1]] = window
    return native(np.asarray(hdu.section[tuple(where)]))
