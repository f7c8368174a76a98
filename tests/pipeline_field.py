"""A small field for the tests of the chain, its files and its command."""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

SHAPE = (150, 190)


def make_field(seed=7, dtype=np.float32):
    """Return an image of 60 Gaussians on a tilted sky with noise of 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = 20 + 0.01 * x + 0.02 * y + rng.normal(0, 1, SHAPE)
    for x0, y0, flux, width in rng.uniform((0, 0, 60, 1.2), (190, 150, 900, 2.5), (60, 4)):
        shape = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * width**2))
        image += flux / (2 * np.pi * width**2) * shape
    return image.astype(dtype)


def make_wcs():
    """Return a tangential WCS across the celestial pole's meridian of 0 h."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [0.001, -0.002]
    wcs.wcs.crpix = [95.0, 75.0]
    wcs.wcs.cdelt = [-1 / 18000, 1 / 18000]
    return wcs


def same_tables(first, second):
    """Whether two tables have the same columns with the same bits (NaN equals NaN)."""
    if first.colnames != second.colnames:
        return False
    return all(np.array_equal(_bytes(first[name]), _bytes(second[name])) for name in first.colnames)


def dtype_of(column):
    """Return the dtype of a column in native byte order, None where it has none."""
    dtype = getattr(column, "dtype", None)
    return None if dtype is None else dtype.newbyteorder("=")


def _bytes(column):
    if isinstance(column, SkyCoord):
        column = np.column_stack([column.icrs.ra.deg, column.icrs.dec.deg])
    values = np.asarray(getattr(column, "value", column))
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return values.view(np.uint8) if values.dtype.kind != "U" else values


class PlainWCS:
    """A WCS that knows astropy's shared interface and no FITS headers, as gwcs' do."""

    def __init__(self):
        self.inner = make_wcs()

    def __getattr__(self, name):
        if name == "inner" or name.startswith("to_"):
            raise AttributeError(name)
        return getattr(self.inner, name)


def used(found):
    """Return the parameters of an extraction with the numbers that its file gave."""
    return found._run.parameters
