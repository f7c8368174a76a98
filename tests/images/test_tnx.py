"""IRAF's TNX is read as the TPV that is the same."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.polynomial import chebyshev, legendre, polynomial

from skyshed.exceptions import ImageWarning
from skyshed.images import open_image
from skyshed.images.headers import read_celestial
from tests.images.files import stars

#: What a surface of each kind is worth, by NumPy.
SURFACES = {1: chebyshev.chebval2d, 2: legendre.legval2d, 3: polynomial.polyval2d}
DOMAIN = (-0.32, 0.30, -0.15, 0.2)
CD = np.array([[1e-5, 7e-5], [7.1e-5, -1e-6]])
CRPIX = np.array([1000.0, 500.0])


def wat(axis, text):
    """Return a text as IRAF lays it over several cards."""
    return {f"WAT{axis}_{k // 68 + 1:03d}": text[k : k + 68] for k in range(0, len(text), 68)}


def header_of(kind, nx, ny, cross, seed=0):
    """Return a header with random polynomials, and their coefficients."""
    rng = np.random.default_rng(seed)
    header = fits.Header(
        {
            "CTYPE1": "RA---TNX", "CTYPE2": "DEC--TNX", "CRVAL1": 310.0, "CRVAL2": 20.0,
            "CRPIX1": CRPIX[0], "CRPIX2": CRPIX[1], "CD1_1": CD[0, 0], "CD1_2": CD[0, 1],
            "CD2_1": CD[1, 0], "CD2_2": CD[1, 1], "WCSDIM": 2, "WAT0_001": "system=image",
        }
    )  # fmt: skip
    surfaces = []
    for axis, words in ((1, "axtype=ra lngcor"), (2, "axtype=dec latcor")):
        coefficients, listed = np.zeros((nx, ny)), []
        for j in range(ny):  # by the IRAF's documentation: powers of xi first
            for i in range(nx):
                if (
                    cross == 1 or (cross == 0 and 0 in (i, j))
                    or (cross == 2 and i + j < max(nx, ny))
                ):  # fmt: skip
                    coefficients[i, j] = rng.normal(0, 1e-3)
                    listed.append(coefficients[i, j])
        numbers = [float(each) for each in (kind, nx, ny, cross, *DOMAIN, *listed)]
        text = f'wtype=tnx {words} = "{" ".join(map(repr, numbers))} "'
        header.update(wat(axis, text))
        surfaces.append(coefficients)
    return header, surfaces


def expected(kind, surfaces, x, y):
    """Return where pixels are by the definition: standard coordinates, corrected, on a plane."""
    xi, eta = CD @ (np.array([x + 1, y + 1]) - CRPIX[:, None])
    low, high, bottom, top = DOMAIN
    u_, v_ = xi, eta
    if kind != 3:
        u_, v_ = (2 * xi - low - high) / (high - low), (2 * eta - bottom - top) / (top - bottom)
    plane = WCS(naxis=2)
    plane.wcs.ctype, plane.wcs.crval = ("RA---TAN", "DEC--TAN"), (310, 20)
    plane.wcs.crpix, plane.wcs.cdelt = (1, 1), (1, 1)
    corrected = [c + SURFACES[kind](u_, v_, s) for c, s in zip((xi, eta), surfaces, strict=True)]
    return plane.pixel_to_world(*corrected)


@pytest.mark.parametrize(
    ("nx", "ny", "cross"), [(4, 4, 2), (3, 5, 2), (5, 3, 2), (4, 3, 0), (4, 4, 1), (2, 2, 2)]
)
@pytest.mark.parametrize("kind", SURFACES)
def test_positions_are_those_of_the_definition(kind, nx, ny, cross):
    header, surfaces = header_of(kind, nx, ny, cross)
    wcs, why, _ = read_celestial(header)
    assert why is None
    x, y = np.random.default_rng(1).uniform(0, 3000, (2, 50))
    on_sky = wcs.pixel_to_world(x, y)
    truth = expected(kind, surfaces, x, y)
    assert on_sky.separation(truth).max() < 1 * u.uas
    plane = expected(3, [np.zeros((1, 1))] * 2, x, y)
    assert plane.separation(truth).max() > 0.5 * u.arcsec  # so that the test means something
    np.testing.assert_allclose(wcs.world_to_pixel(truth), (x, y), atol=1e-6)


def test_without_polynomials_it_is_the_tangent_plane():
    header, _ = header_of(3, 2, 2, 2)
    for name in [each for each in header if each.startswith("WAT")]:
        del header[name]
    wcs, why, _ = read_celestial(header)
    assert why is None
    x, y = np.random.default_rng(1).uniform(0, 3000, (2, 50))
    truth = expected(3, [np.zeros((1, 1))] * 2, x, y)
    assert wcs.pixel_to_world(x, y).separation(truth).max() < 1 * u.uas


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('lngcor = "3. 2. 2. 2. -1 1 -1 1 0.5 0.25 "', "2 coefficients in place of 3"),
        ('lngcor = "4. 2. 2. 2. -1 1 -1 1 0.5 0.25 0.125 "', "its first numbers are"),
        ('lngcor = "3. 2. 2. two -1 1 -1 1 0.5 0.25 0.125 "', "could not convert"),
        ('lngcor = "3. 2. 2. 2. -1 1 -1 1 0.5', "cannot be read"),
        (f'lngcor = "3. 9. 9. 1. -1 1 -1 1 {"0.1 " * 81}"', "of degree 16, above 7"),
    ],
)
def test_polynomials_that_cannot_be_read_cost_the_positions_with_a_word(tmp_path, text, named):
    header, _ = header_of(3, 2, 2, 2)
    for name in [each for each in header if each.startswith("WAT1")]:
        del header[name]
    header.update(wat(1, f"wtype=tnx axtype=ra {text}"))
    fits.writeto(tmp_path / "a.fits", stars(), header)
    with pytest.warns(ImageWarning, match="TNX in WAT1_001") as said:
        assert open_image(tmp_path / "a.fits").image.wcs is None
    assert named in str(said[0].message)
