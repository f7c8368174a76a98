"""PV polynomials are of standard coordinates in degrees, wherever the scale is written."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed.images import open_image
from skyshed.images.headers import read_celestial
from skyshed.images.tpv import with_cd
from skyshed.images.wcs_cards import is_polynomial
from tests.images.files import stars, tan

PV = {"PV1_1": 1.0, "PV1_5": 0.3, "PV2_1": 1.0, "PV2_4": -0.3, "PV2_7": 0.2}
ANGLE = np.deg2rad(30)
NO_SCALE = {"CDELT1": None, "CDELT2": None}
#: Ways to write a scale of -2e-4 and 3e-4 degrees, turned by 30 degrees.
MATRIX = np.array(
    [
        [-2e-4 * np.cos(ANGLE), -3e-4 * np.sin(ANGLE)],
        [-2e-4 * np.sin(ANGLE), 3e-4 * np.cos(ANGLE)],
    ]
)
SCALES = {
    "CD": {**NO_SCALE, **{f"CD{i + 1}_{j + 1}": MATRIX[i, j] for i in (0, 1) for j in (0, 1)}},
    "CROTA": {"CDELT1": -2e-4, "CDELT2": 3e-4, "CROTA2": 30.0},
    "PC and CDELT": {
        "CDELT1": -2e-4, "CDELT2": 3e-4, "PC1_1": MATRIX[0, 0] / -2e-4,
        "PC1_2": MATRIX[0, 1] / -2e-4, "PC2_1": MATRIX[1, 0] / 3e-4, "PC2_2": MATRIX[1, 1] / 3e-4,
    },
    "PC alone": {
        **NO_SCALE, **{f"PC{i + 1}_{j + 1}": MATRIX[i, j] for i in (0, 1) for j in (0, 1)},
    },
}  # fmt: skip


def truth(x, y):
    """Return where pixels are by the definition of TPV."""
    xi, eta = MATRIX @ np.array([x + 1 - 60.5, y + 1 - 60.5])
    plane = WCS(tan(CRPIX1=1.0, CRPIX2=1.0, CDELT1=1.0, CDELT2=1.0))
    return plane.pixel_to_world(xi + 0.3 * xi * eta, eta - 0.3 * eta**2 + 0.2 * eta**3)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("projection", ["TPV", "TAN"])
@pytest.mark.parametrize("scale", SCALES)
def test_positions_are_those_of_the_definition(tmp_path, scale, projection, axes):
    header = tan(CTYPE1=f"RA---{projection}", CTYPE2=f"DEC--{projection}", **SCALES[scale], **PV)
    image = stars()
    if axes == 3:
        image = image[None]
        header.update({"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0})
        header["CD3_3" if scale == "CD" else "CDELT3"] = 1e5
    fits.writeto(tmp_path / "a.fits", image, header)
    wcs = open_image(tmp_path / "a.fits").image.wcs
    x, y = np.random.default_rng(0).uniform(0, 120, (2, 40))
    expected = truth(x, y)
    assert wcs.pixel_to_world(x, y).separation(expected).max() < 1 * u.uas
    np.testing.assert_allclose(wcs.world_to_pixel(expected), (x, y), atol=1e-6)


@pytest.mark.parametrize(
    ("header", "is_so"),
    [
        (tan(), False), (tan(CTYPE1="RA---SIN", CTYPE2="DEC--SIN", PV2_1=0.1), False),
        (fits.Header(), False), (tan(**PV), True), (tan(CTYPE1="RA---TPV"), True),
    ],
)  # fmt: skip
def test_a_polynomial_is_told_by_the_projection_and_pv(header, is_so):
    assert is_polynomial(header) is is_so


def test_a_matrix_and_a_scale_that_is_no_number_stay_as_they_are():
    for scale in (SCALES["CD"], {"CDELT1": "abc"}):
        header = tan(**scale, **PV)
        assert with_cd(header) is header


def test_a_scale_as_text_is_still_named():
    header = tan(CTYPE1="RA---TPV", CTYPE2="DEC--TPV", CDELT1="abc", **PV)
    assert read_celestial(header)[1].startswith("CDELT1 = 'abc' is rejected")
