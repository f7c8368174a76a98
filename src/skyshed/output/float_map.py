"""Images of floats that need not fit into memory, written as FITS by rows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from skyshed.output.atomic import whole_file
from skyshed.output.fits_parts import padding
from skyshed.output.fits_tables import extension_bytes, file_header
from skyshed.output.wcs_hdus import wcs_hdus

__all__ = ["write_image"]

#: Pixels that are in memory at a time (16 to 32 MB), if rows are not longer.
STRIPE = 1 << 22


def write_image(
    read: Callable[[int, int, int, int], Any],
    shape: tuple[int, int],
    dtype: Any,
    path: str | os.PathLike[str],
    record: dict[str, str],
    wcs: Any = None,
    step: int | None = None,
    unit: Any = None,
) -> None:
    """Write an image of which windows can be asked for, as the primary image of a FITS file.

    Parameters
    ----------
    read : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open; NaN where there is no value.
    shape : tuple of int
        The shape of the image.
    dtype : dtype
        float32 or float64.
    path : path
        The file, which takes its name when it is complete.
    record : dict of str
        Versions, date and input.
    wcs : object, optional
        The celestial WCS. One that the file can't hold is left out, with a warning.
    step : int, optional
        Rows that are read at a time.
    unit : Unit, optional
        Of the values.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.output.float_map import write_image
    >>> image, path = np.eye(3), pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> write_image(lambda y0, y1, x0, x1: image[y0:y1, x0:x1], (3, 3), np.float32, path, {})
    >>> fits.getdata(path)[1].tolist()
    [0.0, 1.0, 0.0]
    """
    path, dtype = Path(path), np.dtype(dtype)
    cards, tables = wcs_hdus(wcs, path)
    header = file_header(record)
    if unit is not None and str(unit):
        header["BUNIT"] = _word(unit)
    header.extend(cards, bottom=True)
    row = fits.PrimaryHDU(np.zeros((1, shape[1]), dtype), header)
    if tables:
        fits.HDUList([row, *tables]).update_extend()
    row.header["NAXIS2"] = shape[0]
    step = step or max(1, STRIPE // shape[1])
    with whole_file(path) as part, open(part, "wb") as file:
        file.write(row.header.tostring().encode("ascii"))
        for y in range(0, shape[0], step):
            values = read(y, min(y + step, shape[0]), 0, shape[1])
            file.write(np.ascontiguousarray(values, dtype.newbyteorder(">")).data)
        file.write(padding(dtype.itemsize * shape[0] * shape[1]))
        file.write(b"".join(map(extension_bytes, tables)))


def _word(unit: Any) -> str:
    """Return a unit as FITS spells it, or as astropy does where FITS has no word for it."""
    try:
        return str(unit.to_string("fits"))
    except ValueError:
        return str(unit)
