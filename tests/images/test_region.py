"""A region has its pixels and its WCS, or it is said that it is not in the image."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs.wcsapi import HighLevelWCSWrapper
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.images import ImageSource, Window, as_region, cut, open_image
from skyshed.images.arrays import ArraySource
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.region import RegionSource
from tests.images.skies import sky_of, with_wcs
from tests.pipeline_field import make_wcs


@pytest.mark.parametrize("distorted", [False, True])
def test_a_region_has_its_pixels_and_its_wcs(tmp_path, distorted):
    source = with_wcs(tmp_path / "image.fits", distorted)
    region = cut(source, Window(5, 20, 6, 30))
    assert region.shape == (15, 24) == region.wcs.array_shape
    before = source.wcs.wcs.crpix.copy()
    assert np.array_equal(region.wcs.wcs.crpix, before - (6, 5))
    assert np.array_equal(source.wcs.wcs.crpix, before)
    ours = region.wcs.pixel_to_world(3, 4).separation(source.wcs.pixel_to_world(9, 9))
    assert ours.arcsec < 1e-8
    if distorted:
        assert np.array_equal(region.wcs.sip.crpix, source.wcs.sip.crpix - (6, 5))


def test_a_wcs_of_another_kind_is_sliced_if_it_can_be():
    pixels, region = np.zeros((30, 40)), Window(5, 9, 6, 11)
    sliced = cut(ArraySource(pixels, None, HighLevelWCSWrapper(make_wcs())), region).wcs
    assert sky_of(sliced, 1.0, 2.0) == sky_of(make_wcs(), 6.0, 8.0)
    assert cut(ArraySource(pixels), region).wcs is None
    with pytest.raises(ValueError, match=r"the WCS, a types\.SimpleNamespace, cannot be sliced"):
        _ = cut(ArraySource(pixels, None, SimpleNamespace()), region).wcs


@given(data=st.data())
@settings(max_examples=30)
def test_regions_of_regions_are_those_of_the_array(data):
    pixels = np.arange(11 * 13).reshape(11, 13)
    source, expected, corner = open_image(pixels).image, pixels, (0, 0)
    for _ in range(2):
        ny, nx = source.shape
        y0, x0 = data.draw(st.integers(0, ny - 1)), data.draw(st.integers(0, nx - 1))
        y1, x1 = data.draw(st.integers(y0 + 1, ny)), data.draw(st.integers(x0 + 1, nx))
        source, expected = cut(source, Window(y0, y1, x0, x1)), expected[y0:y1, x0:x1]
        corner = corner[0] + y0, corner[1] + x0
        np.testing.assert_array_equal(source.read(source.everything), expected)
    assert source.whole.array is pixels
    (top, left), (height, width) = corner, source.shape
    assert source.region == Window(top, top + height, left, left + width)
    assert source.origin() == {
        "input": "array", "region": f"{top}:{top + height},{left}:{left + width}"
    }  # fmt: skip


@pytest.mark.parametrize("region", [(-1, 3, 0, 4), (0, 4, 0, 4), (1, 1, 0, 4), (0, 3, 2, 5)])
def test_a_region_outside_of_the_image_is_refused(region):
    with pytest.raises(ValueError, match="the region must be in the image of 3 x 4 pixels"):
        cut(open_image(np.zeros((3, 4))).image, Window(*region))
    with pytest.raises(ValueError, match=r"pixels in the image, which has the shape \(3, 4\); got"):
        as_region(region, (3, 4))


@pytest.mark.parametrize("region", ["1:3,0:4", (1, 3, 0, 4), np.array([1, 3, 0, 4]), " 1:3, 0:4"])
def test_a_region_is_a_text_or_four_integers(region):
    for shape in (None, (3, 4)):
        assert as_region(region, shape) == Window(1, 3, 0, 4)


@pytest.mark.parametrize("region", ["1:3", "a:b,c:d", "3:1,0:4", (1, 3, 0), None, 7, (-1, 2, 0, 4)])
def test_what_is_no_region_is_refused(region):
    with pytest.raises(ValueError, match=r"region must be 'y0:y1,x0:x1' or four integers, .*; got"):
        as_region(region)


def test_a_region_tells_all_that_its_image_does():
    names = {*vars(ImageSource), *ImageSource.__annotations__}
    public = {name for name in names if not name.startswith("_")}
    own = {*vars(RegionSource), *vars(MadeOfAnother)}
    assert public - {"everything", "description"} <= own


def test_a_region_of_integers_that_have_blank_ones_is_read_as_they_are_stored(tmp_path):
    stored = np.arange(60, dtype=np.int16).reshape(6, 10)
    fits.writeto(tmp_path / "a.fits", stored, fits.Header({"BLANK": 15}))
    region = cut(open_image(tmp_path / "a.fits").image, Window(1, 4, 2, 9))
    for found in (region.as_integers(), region.as_mask()):
        assert (found.shape, found.dtype, found.blank) == ((3, 7), np.int16, 15)
        assert np.array_equal(found.read(found.everything), stored[1:4, 2:9])
