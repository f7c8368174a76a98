"""Files of the structures that observatories write, with stars of known places."""

import numpy as np
from astropy.io import fits

#: Where the stars are, along both axes, and the sum of the pixels of each.
PLACES = (20, 60, 100)
FLUX = 60 * 8 * np.pi


def stars(shape=(120, 120), level=10.0, noise=1.0, seed=1):
    """Return nine stars on a background."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.random.default_rng(seed).normal(level, noise, shape)
    for row in PLACES:
        for column in PLACES:
            image += 60 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 8)
    return image.astype(np.float32)


def tan(**cards):
    """Return the cards of a sound WCS, some of them changed; `None` takes one away."""
    header = fits.Header(
        {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
            "CRPIX1": 60.5, "CRPIX2": 60.5, "CDELT1": -2e-4, "CDELT2": 2e-4,
        }
    )  # fmt: skip
    for name, value in cards.items():
        if value is None:
            header.remove(name, ignore_missing=True)
        else:
            header[name] = value
    return header
