"""Planes of products pass on what they are made of, by windows and to other processes."""

import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import Window, open_image
from skyshed.images.profiles.planes import DeviationSource, InUnit, NoDataMask

WINDOW = Window(1, 3, 0, 2)


@pytest.fixture
def planes(tmp_path):
    """Return a plane and another as a file has them."""
    one = np.arange(12, dtype=np.int16).reshape(3, 4)
    two = np.where(one == 5, np.nan, one % 4).astype("f4")
    fits.HDUList([fits.PrimaryHDU(one), fits.ImageHDU(two)]).writeto(tmp_path / "a.fits")
    return [open_image(tmp_path / "a.fits", "image", number).image for number in (0, 1)]


def test_a_standard_deviation_is_a_root_in_floats(planes):
    source = pickle.loads(pickle.dumps(DeviationSource(planes[0], u.nJy)))
    assert source.dtype == np.float64
    assert source.unit == u.nJy
    np.testing.assert_allclose(source.read(WINDOW), np.sqrt([[4, 5], [8, 9]]))
    single = DeviationSource(planes[1])
    assert single.dtype == single.read(WINDOW).dtype == np.float32
    np.testing.assert_array_equal(single.read(WINDOW), np.array([[0, np.nan], [0, 1]], "f4"))


def test_there_are_no_data_where_any_plane_has_none(planes):
    source = pickle.loads(pickle.dumps(NoDataMask(tuple(planes))))
    np.testing.assert_array_equal(source.read(Window(0, 2, 0, 3)), [[1, 0, 0], [1, 1, 0]])
    assert source.dtype == bool
    assert source.fingerprint()["others"][0]["hdu"] == 1
    assert source.as_integers() is source


def test_a_unit_that_is_known_better_changes_no_pixel(planes):
    source = pickle.loads(pickle.dumps(InUnit(planes[0], u.ct)))
    assert source.unit == u.ct
    np.testing.assert_array_equal(source.read(WINDOW), [[4, 5], [8, 9]])
    assert source.fingerprint() == planes[0].fingerprint()
