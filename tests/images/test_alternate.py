"""Where the primary WCS is none of the sky, an alternate that is gives the positions."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_image
from tests.images.files import stars, tan

LINEAR = {
    "CTYPE1": "DETX", "CTYPE2": "DETY", "CRVAL1": 7.0, "CRVAL2": 8.0, "CRPIX1": 1.0, "CRPIX2": 1.0,
    "CDELT1": 0.015, "CDELT2": 0.015, "CUNIT1": "mm", "CUNIT2": "mm",
}  # fmt: skip


def linear_with(letter, **changes):
    """Return a header of a linear primary WCS and an alternate on the sky."""
    header = fits.Header(LINEAR)
    for name, value in tan(**changes).items():
        header[name + letter] = value
    return header


def test_positions_are_those_of_the_alternate(tmp_path):
    header = linear_with("B", RADESYS="FK5", EQUINOX=1975.0)
    header.update({"CTYPE1A": "PIXEL", "CTYPE2A": "PIXEL"})
    fits.writeto(tmp_path / "a.fits", stars(), header)
    found = extract(tmp_path / "a.fits", n_threads=1)
    table = found.table
    there = WCS(header, key="B").pixel_to_world(table["xcentroid"], table["ycentroid"])
    assert there.frame.name == "fk5"
    np.testing.assert_allclose(table["ra"].value, there.icrs.ra.deg, atol=1e-12)
    np.testing.assert_allclose(table["dec"].value, there.icrs.dec.deg, atol=1e-12)
    tiled = open_image(tmp_path / "a.fits").image
    del tiled.__dict__["wcs"]  # as another process reads it
    assert tiled.wcs.wcs.compare(found.wcs.wcs)


def test_a_celestial_primary_wcs_goes_before_alternates(tmp_path):
    header = tan()
    for name, value in tan(CRVAL1=10.0).items():
        header[f"{name}A"] = value
    fits.writeto(tmp_path / "a.fits", stars(), header)
    assert open_image(tmp_path / "a.fits").image.wcs.wcs.crval[0] == 150


def test_a_broken_alternate_is_named(tmp_path):
    fits.writeto(tmp_path / "a.fits", stars(), linear_with("A", CRVAL1="10:00:00"))
    with pytest.warns(ImageWarning, match="CRVAL1 = '10:00:00' .*, in the alternate WCS A"):
        assert open_image(tmp_path / "a.fits").image.wcs is None


def test_a_linear_wcs_alone_gives_no_positions_and_no_warning(tmp_path, recwarn):
    fits.writeto(tmp_path / "a.fits", stars(), fits.Header(LINEAR))
    assert open_image(tmp_path / "a.fits").image.wcs is None
    assert not recwarn.list
