"""TPV distorts degrees, in whatever cards the scale is; wcslib distorts pixels but for CD."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed.images import open_image
from tests.images.random_files.projections import matrix_of, on_sky, tpv

REFERENCE, PIXEL = (150.0, 40.0), (10.0, -20.0)
SCALES = (-1e-3, 1.1e-3)
#: Coefficients of both axes; the linear ones may be left out.
TERMS = {
    "all": ({0: 1e-4, 1: 1.001, 2: 2e-3, 4: 5e-3, 7: 1e-2}, {0: 2e-4, 1: 0.998, 5: -4e-3}),
    "no linear ones": ({4: 5e-3, 6: 2e-3}, {0: 1e-4, 5: -4e-3}),
}


def header(form, terms, system=("RA---TPV", "DEC--TPV")):
    """Return a header, and the matrix of its scale."""
    matrix, cards = matrix_of(form, SCALES, 30.0)
    header = fits.Header(
        {"CTYPE1": system[0], "CTYPE2": system[1], "CRVAL1": REFERENCE[0], "CRVAL2": REFERENCE[1],
         "CRPIX1": PIXEL[0], "CRPIX2": PIXEL[1], **{n: float(v) for n, v in cards}}
    )  # fmt: skip
    for axis, coefficients in enumerate(terms, 1):
        header.update({f"PV{axis}_{n}": value for n, value in coefficients.items()})
    return header, matrix


@pytest.mark.parametrize("form", ["CDELT", "CROTA", "PC", "CD"])
@pytest.mark.parametrize("case", TERMS)
@pytest.mark.parametrize("shape", [(60, 50), (1, 60, 50)])
def test_positions_are_those_of_the_convention(tmp_path, form, case, shape):
    cards, matrix = header(form, TERMS[case])
    if len(shape) == 3:
        cards.update({"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CDELT3": 1e6})
        if form == "CD":
            cards["CD3_3"] = cards.pop("CDELT3")
    fits.writeto(tmp_path / "image.fits", np.zeros(shape, np.float32), cards)
    wcs = open_image(tmp_path / "image.fits").image.wcs
    x, y = np.array([0.0, 49.0, 30.5]), np.array([0.0, 59.0, 7.25])
    xi, eta = matrix @ np.array([x + 1 - PIXEL[0], y + 1 - PIXEL[1]])
    a, b = TERMS[case]
    lon, lat = on_sky("TAN", tpv(a, xi, eta), tpv(b, eta, xi), REFERENCE)
    place = wcs.pixel_to_world(x, y)
    assert np.abs(place.ra.deg - lon).max() < 1e-9
    assert np.abs(place.dec.deg - lat).max() < 1e-9
    assert np.abs(np.array(wcs.world_to_pixel(place)) - [x, y]).max() < 1e-5
    if (form, case) == ("CD", "all") and len(shape) == 2:  # where wcslib does the same
        ra, _ = WCS(cards).all_pix2world(x, y, 0)
        assert np.abs(ra - lon).max() < 1e-9
