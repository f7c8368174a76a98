"""Headers of images, and images whose WCS has more digits than a pickled one keeps."""

import numpy as np
from astropy.io import fits

from skyshed.images import open_image
from tests.pipeline_field import make_wcs

__all__ = ["header_at", "sky_of", "with_wcs"]


def with_wcs(path, distorted=False):
    """Open an image whose header has more digits than a pickled WCS keeps."""
    header = make_wcs().to_header()
    header["CRVAL1"] = 150.12345678901234
    header["CDELT1"] = -1 / 17999.3
    if distorted:
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
        header.update({"A_ORDER": 2, "A_2_0": 1.1e-5, "B_ORDER": 2, "B_1_1": -2.3e-5})
    fits.writeto(path, np.zeros((40, 50), np.float32), header)
    return open_image(path).image


def sky_of(wcs, y=7.0, x=3.0):
    """Return where on the sky a pixel is, in degrees."""
    sky = wcs.pixel_to_world(x, y)
    return sky.ra.deg, sky.dec.deg


def header_at(y0, x0, **changes):
    """Return the header of a part whose first pixel is pixel ``(y0, x0)`` of the whole."""
    header = make_wcs().to_header()
    header["CRPIX1"] -= x0
    header["CRPIX2"] -= y0
    header.update(changes)
    return header
