"""Pixels that a header says are asinh of the flux are made flux."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.images import Window, open_image
from tests.images.files import stars
from tests.mosaic.fields import by_tiles, same_tables

SOFTENING, OFFSET = 30.0, 4.0
CARDS = fits.Header({"BSOFTEN": SOFTENING, "BOFFSET": OFFSET})


def squeezed(image):
    """Return what Pan-STARRS stores for fluxes."""
    return (1.0857362 * np.arcsinh((image - OFFSET) / (2 * SOFTENING))).astype("f4")


@pytest.fixture(params=["plain", "compressed"])
def stack(tmp_path, request):
    path = tmp_path / "stack.fits"
    if request.param == "plain":
        fits.writeto(path, squeezed(stars()), CARDS)
    else:
        hdu = fits.CompImageHDU(
            squeezed(stars()), CARDS, compression_type="GZIP_2", quantize_level=0
        )
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def test_asinh_pixels_are_made_fluxes_whole_and_by_windows(stack):
    source = open_image(stack).image
    for window in (source.everything, Window(10, 30, 15, 29)):
        assert source.read(window).dtype == source.dtype == np.float32
        assert np.allclose(source.read(window), stars()[window.slices], rtol=1e-4, atol=1e-3)
    with fits.open(stack) as hdus:
        assert np.allclose(open_image(hdus).image.array, stars(), rtol=1e-4, atol=1e-3)


def test_fluxes_are_those_of_the_linear_image(stack):
    expected = extract(stars(), n_threads=1).table["kron_flux"]
    found = extract(stack, n_threads=1)
    assert np.allclose(found.table["kron_flux"], expected, rtol=1e-3)
    assert same_tables(found.table, by_tiles(stack, (64, 64), n_threads=1).table)


def test_one_card_alone_changes_nothing(tmp_path):
    fits.writeto(tmp_path / "a.fits", stars(), fits.Header({"BOFFSET": 3.0}))
    source = open_image(tmp_path / "a.fits").image
    assert np.array_equal(source.read(source.everything), stars())
