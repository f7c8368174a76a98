"""What headers say: units in their usual spellings, names of HDUs, and a WCS that can be used."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning
from skyshed.images import open_image
from skyshed.images.headers import split_path


def hdu_in(text):
    hdu = fits.ImageHDU(np.zeros((3, 4), np.float32))
    hdu.header["BUNIT"] = text
    return hdu


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Jy", u.Jy), ("MJy/sr", u.MJy / u.sr), ("ADU", u.adu), ("adu", u.adu), ("DN", u.DN),
        ("counts/s", u.count / u.s), ("ELECTRONS/S", u.electron / u.s), ("e-", u.electron),
        ("electron", u.electron), ("nJy ", u.nJy), ("10**(-9) Jy", u.Unit("1e-9 Jy")),
        ("erg/s/cm2/Angstrom", u.erg / u.s / u.cm**2 / u.AA), ("", None), (3, None),
    ],
)  # fmt: skip
def test_bunit_is_read_in_its_usual_spellings(tmp_path, text, unit):
    hdu = hdu_in(text)
    assert open_image(hdu).image.unit == unit
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "image.fits")
    assert open_image(tmp_path / "image.fits").image.unit == unit


def test_an_unknown_bunit_is_left_out_with_a_warning():
    with pytest.warns(ImageWarning, match="BUNIT = 'furlongs per fortnight' is not known"):
        assert open_image(hdu_in("furlongs per fortnight")).image.unit is None


@pytest.mark.filterwarnings("ignore:'celfix' made the change")
def test_a_wcs_that_cannot_be_used_is_left_out_with_a_warning():
    hdu = hdu_in("Jy")
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XYZ", "CDELT1": 0.0, "CDELT2": 1.0})
    with pytest.warns(ImageWarning, match="the WCS cannot be used"):
        assert open_image(hdu).image.wcs is None


def test_a_path_is_split_where_there_is_no_file_of_that_name(tmp_path):
    path = tmp_path / "image[1].fits[SCI]"
    assert split_path(path) == (str(tmp_path / "image[1].fits"), "SCI")
    path.touch()
    assert split_path(path) == (str(path), None)
    assert split_path("deep.fits[2]") == ("deep.fits", "2")
