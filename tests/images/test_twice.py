"""A card that is there twice with different values is no ground for a number."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure, open_image
from tests.images.files import tan
from tests.images.random_files.raw import plain_hdu

STORED = np.arange(48, dtype=np.int16).reshape(6, 8)


def opened(tmp_path, cards, way):
    """Open an image with cards as they are, as a file or as what astropy has opened."""
    path = tmp_path / "image.fits"
    path.write_bytes(plain_hdu(STORED, cards, True))
    if way == "path":
        return open_image(path).image
    with fits.open(path) as hdus:
        return open_image(hdus).image


WAYS = pytest.mark.parametrize("way", ["path", "HDUList"])


@WAYS
@pytest.mark.parametrize("name", ["BSCALE", "BZERO", "BLANK"])
def test_pixels_that_depend_on_it_are_refused(tmp_path, name, way):
    with pytest.raises(ValueError, match=rf"{name} is given twice, as 2 and 3, and pixels depend"):
        opened(tmp_path, [(name, 2), (name, 3)], way)
    opened(tmp_path, [(name, 2), (name, 2)], way)


@WAYS
@pytest.mark.parametrize("name", ["BSCALE", "BZERO", "BLANK"])
@pytest.mark.filterwarnings("ignore:.*BLANK")  # astropy says it, too
def test_text_is_no_number_that_pixels_depend_on(tmp_path, name, way):
    with pytest.raises(ValueError, match=rf"{name} = 'none' is text, not a number"):
        opened(tmp_path, [(name, "none")], way)


@WAYS
@pytest.mark.parametrize("name", ["CRVAL1", "CRPIX2", "CDELT1", "CTYPE2"])
def test_positions_that_depend_on_it_are_left_out(tmp_path, name, way):
    cards = list(tan().items())
    other = "DEC--SIN" if name == "CTYPE2" else 30.0
    with pytest.warns(ImageWarning, match=rf"the WCS cannot be used \({name} is given twice, as"):
        assert opened(tmp_path, [*cards, (name, other)], way).wcs is None
    assert opened(tmp_path, [*cards, (name, dict(cards)[name])], way).wcs is not None


@WAYS
def test_a_unit_is_left_out(tmp_path, way):
    with pytest.warns(ImageWarning, match="BUNIT = 'Jy and mJy' is not known"):
        image = opened(tmp_path, [("BUNIT", "Jy"), ("BUNIT", "mJy")], way)
    assert image.unit is None
    fits.writeto(tmp_path / "rms.fits", np.ones((6, 8)), fits.Header({"BUNIT": "Jy"}))
    with pytest.raises(ValueError, match=r"rms is in Jy, and the unit of image.* is not known"):
        open_exposure(image, rms=tmp_path / "rms.fits")
