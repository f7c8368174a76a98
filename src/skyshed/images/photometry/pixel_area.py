"""The solid angle of a pixel, by the WCS of its image."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["SQUARE_ARCSECOND", "PixelArea", "pixel_area"]

#: Steradian of a square arcsecond.
SQUARE_ARCSECOND = float(np.deg2rad(1 / 3600) ** 2)


class PixelArea(NamedTuple):
    """The solid angle of the pixel in the middle of an image.

    Attributes
    ----------
    steradian : float
        The solid angle.
    variation : float
        By what share of it those of the pixels at the corners differ, at most.
    """

    steradian: float
    variation: float

    @property
    def square_arcseconds(self) -> float:
        """The same in square arcseconds."""
        return self.steradian / SQUARE_ARCSECOND


def pixel_area(wcs: Any, shape: tuple[int, int]) -> PixelArea | None:
    """Return the solid angle of a pixel; `None` where the middle of the image is not on the sky.

    Parameters
    ----------
    wcs : WCS
        A celestial WCS.
    shape : tuple of int
        Rows and columns.

    Examples
    --------
    >>> from astropy.wcs import WCS
    >>> from skyshed.images.photometry.pixel_area import pixel_area
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    >>> wcs.wcs.cdelt = -0.2 / 3600, 0.2 / 3600
    >>> wcs.wcs.crpix = 5.5, 5.5
    >>> f"{pixel_area(wcs, (10, 10)).square_arcseconds:.6f}"
    '0.040000'
    """
    ny, nx = shape
    x = np.array([(nx - 1) / 2, 0, nx - 1, 0, nx - 1])
    y = np.array([(ny - 1) / 2, 0, 0, ny - 1, ny - 1])
    # From one edge of a pixel to the other, along both axes.
    by_x = _unit_vectors(wcs, x + 0.5, y) - _unit_vectors(wcs, x - 0.5, y)
    by_y = _unit_vectors(wcs, x, y + 0.5) - _unit_vectors(wcs, x, y - 0.5)
    areas = np.linalg.norm(np.cross(by_x, by_y, axis=0), axis=0)
    if not (np.isfinite(areas[0]) and areas[0] > 0):
        return None
    variation = np.abs(areas[1:] / areas[0] - 1)
    known = variation[np.isfinite(variation)]
    return PixelArea(float(areas[0]), float(known.max()) if known.size else 0.0)


def _unit_vectors(wcs: Any, x: Any, y: Any) -> Any:
    """Return the directions of pixels, shape (3, n)."""
    from astropy.coordinates import UnitSphericalRepresentation

    where = wcs.pixel_to_world(x, y).represent_as(UnitSphericalRepresentation)
    return np.asarray(where.to_cartesian().xyz.value)
