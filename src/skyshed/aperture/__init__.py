"""Apertures, and what they hold: `photutils.aperture`'s names, in one pass over all positions.

An aperture has one shape and any number of positions. Sums are those of photutils 3.1.1 to 1e-12 of
the sum of the absolute terms, on NumPy and CuPy images alike; photutils is not needed.
"""

from skyshed.aperture.base import Aperture, PixelAperture, SkyAperture
from skyshed.aperture.circle import (
    CircularAnnulus,
    CircularAperture,
    SkyCircularAnnulus,
    SkyCircularAperture,
)
from skyshed.aperture.ellipse import (
    EllipticalAnnulus,
    EllipticalAperture,
    SkyEllipticalAnnulus,
    SkyEllipticalAperture,
)
from skyshed.aperture.flags import APERTURE_FLAGS, decode_aperture_flags
from skyshed.aperture.mask import ApertureMask
from skyshed.aperture.photometry import AperturePhotometry, aperture_photometry
from skyshed.aperture.rectangle import (
    RectangularAnnulus,
    RectangularAperture,
    SkyRectangularAnnulus,
    SkyRectangularAperture,
)
from skyshed.aperture.stats import ApertureStats
from skyshed.segmentation import BoundingBox

__all__ = [
    "APERTURE_FLAGS",
    "Aperture",
    "ApertureMask",
    "AperturePhotometry",
    "ApertureStats",
    "BoundingBox",
    "CircularAnnulus",
    "CircularAperture",
    "EllipticalAnnulus",
    "EllipticalAperture",
    "PixelAperture",
    "RectangularAnnulus",
    "RectangularAperture",
    "SkyAperture",
    "SkyCircularAnnulus",
    "SkyCircularAperture",
    "SkyEllipticalAnnulus",
    "SkyEllipticalAperture",
    "SkyRectangularAnnulus",
    "SkyRectangularAperture",
    "aperture_photometry",
    "decode_aperture_flags",
]
