"""Where on the sky sources are, by HEALPix in nested order, and how the sky is partitioned."""

from typing import Any, NamedTuple

import numpy as np

from skyshed.optional import need

__all__ = ["COLUMN", "FINEST", "ORDER", "Pixel", "count", "index_of", "partitions"]

#: The column of the index, its order, and the order of the smallest partitions: those of HATS.
COLUMN = "_healpix_29"
ORDER = 29
FINEST = 10


class Pixel(NamedTuple):
    """A pixel of HEALPix: its order, and its number in nested order."""

    order: int
    number: int

    @property
    def bounds(self) -> tuple[int, int]:
        """The first index (`index_of`) in the pixel, and the first behind it."""
        shift = 2 * (ORDER - self.order)
        return self.number << shift, (self.number + 1) << shift


def index_of(ra: Any, dec: Any) -> Any:
    """Return the HEALPix pixel of order 29 of each position (Gorski et al. 2005), as HATS has it.

    Parameters
    ----------
    ra, dec : array of float64, shape (n,)
        ICRS, in degrees; finite.

    Returns
    -------
    index : array of int64, shape (n,)

    Raises
    ------
    ImportError
        If cdshealpix is not installed.
    """
    # The library by which hats and LSDB find pixels, so that both always agree to the bit.
    cdshealpix = need("cdshealpix", "a catalog that is partitioned by sky", "survey")
    from astropy.coordinates import Latitude, Longitude

    longitude, latitude = Longitude(ra, unit="deg"), Latitude(dec, unit="deg")
    # On this thread: it would start others anew at each call.
    index = cdshealpix.lonlat_to_healpix(longitude, latitude, ORDER, num_threads=1)
    return np.asarray(index).astype(np.int64)


def count(index: Any) -> tuple[Any, Any]:
    """Return the smallest partitions that sources lie in, ascending, and how many in each.

    Examples
    --------
    >>> from skyshed.surveys.sky import count
    >>> count([0, 1, 1 << 38])
    (array([0, 1]), array([2, 1]))
    """
    return np.unique(np.asarray(index) >> (2 * (ORDER - FINEST)), return_counts=True)


def partitions(pixels: Any, counts: Any, most: int) -> list[Pixel]:
    """Return the largest pixels that hold at most so many sources, as far as they can be split.

    Parameters
    ----------
    pixels, counts : array of int, shape (n,)
        Pixels of the order `FINEST`, each once, and the sources in them.
    most : int
        The sources of a partition. A pixel of the order `FINEST` is one whatever it holds.

    Returns
    -------
    partitions : list of Pixel
        They do not overlap, and hold all sources; in the order of the sky.

    Examples
    --------
    >>> from skyshed.surveys.sky import partitions
    >>> partitions([0, 1, 5 << 20], [6, 6, 3], 10)  # 2^20 of these make one of the first order
    [Pixel(order=10, number=0), Pixel(order=10, number=1), Pixel(order=0, number=5)]
    """
    pixels, counts = np.asarray(pixels, np.int64), np.asarray(counts, np.int64)
    found: list[Pixel] = []
    for order in range(FINEST + 1):
        if pixels.size == 0:
            break
        parents, inverse = np.unique(pixels >> (2 * (FINEST - order)), return_inverse=True)
        sums = np.bincount(inverse, counts).astype(np.int64)
        small = (sums <= most) | (order == FINEST)
        found += [Pixel(order, int(parent)) for parent in parents[small]]
        left = ~small[inverse]
        pixels, counts = pixels[left], counts[left]
    return sorted(found, key=lambda pixel: pixel.bounds)
