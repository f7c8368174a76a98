"""An extension has the unit and the WCS of the primary header where INHERIT says so."""

import pickle

import astropy.units as u
import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_image
from tests.images.files import stars, tan


def written(tmp_path, cards, primary=None, **more):
    """Write an extension beside a primary header that has the WCS."""
    header = tan(BUNIT="nJy", **more) if primary is None else primary
    hdus = [fits.PrimaryHDU(header=header), fits.ImageHDU(stars(), fits.Header(cards))]
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    return tmp_path / "image.fits"


def test_a_wcs_and_a_unit_are_had_from_the_primary_header(tmp_path):
    path = written(tmp_path, {"INHERIT": True})
    source = open_image(path).image
    with fits.open(path) as hdus:
        for each in (source, pickle.loads(pickle.dumps(source)), open_image(hdus).image):
            assert each.unit == u.nJy
            assert each.wcs.pixel_to_world(59.5, 59.5).to_string() == "150 2"


@pytest.mark.parametrize("cards", [{}, {"INHERIT": False}])
def test_nothing_is_had_where_the_header_does_not_say_so(tmp_path, cards):
    source = open_image(written(tmp_path, cards)).image
    assert (source.unit, source.wcs) == (None, None)


def test_what_an_extension_has_of_its_own_counts(tmp_path):
    own = {"INHERIT": True, "BUNIT": "mJy", **tan(CRVAL1=20.0)}
    source = open_image(written(tmp_path, own, CROTA2=30.0)).image
    assert source.unit == u.mJy
    assert source.wcs.wcs.crval.tolist() == [20, 2]
    assert not source.wcs.wcs.has_crota()  # a WCS is had as a whole or not at all


def test_a_primary_image_leaves_nothing(tmp_path):
    hdus = [fits.PrimaryHDU(stars(), tan(BUNIT="nJy")), fits.ImageHDU(stars())]
    hdus[1].header["INHERIT"] = True
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    assert open_image(f"{tmp_path}/image.fits[1]").image.wcs is None


def test_a_card_that_cannot_be_read_is_one_of_the_wcs_that_is_had(tmp_path):
    path = written(tmp_path, {"INHERIT": True}, tan(CDELT1=-12345.0))
    path.write_bytes(path.read_bytes().replace(b"-12345.0", b"-0,00001"))
    with pytest.warns(ImageWarning, match="the WCS cannot be used .CDELT1 = '-0,00001'"):
        assert open_image(path).image.wcs is None
    assert open_image(f"{path}[1]").image.read(Window(0, 2, 0, 2)).shape == (2, 2)
