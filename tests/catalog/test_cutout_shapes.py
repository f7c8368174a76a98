"""Cutouts around centroids, compared with photutils'."""

import sys

import numpy as np
import pytest
from photutils.utils import CutoutImage as Theirs

from skyshed import SourceCatalog, detect_sources
from skyshed.catalog import cutouts


@pytest.fixture(scope="module")
def catalog():
    data = np.random.default_rng(2).normal(0, 1, (60, 70))
    for y, x in ((2, 3), (30, 40), (57, 66), (20, 68)):
        data[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] += 50
    made = SourceCatalog(data, detect_sources(data, 10, npixels=5))
    assert len(made) == 4
    return made


@pytest.mark.parametrize("mode", ["partial", "trim"])
@pytest.mark.parametrize("shape", [(9, 8), (31, 60), (1, 1)])
def test_they_are_photutils_cutouts(catalog, mode, shape):
    image = np.random.default_rng(3).normal(size=(60, 70))
    for cutout, x, y in zip(
        catalog.make_cutouts(shape, array=image, mode=mode, fill_value=-9),
        catalog.xcentroid,
        catalog.ycentroid,
        strict=True,
    ):
        expected = Theirs(image, (y, x), shape, mode=mode, fill_value=-9)
        assert isinstance(cutout, Theirs)
        np.testing.assert_array_equal(cutout.data, expected.data)
        np.testing.assert_array_equal(np.asarray(cutout), expected.data)
        np.testing.assert_array_equal(cutout.xyorigin, expected.xyorigin)
        assert cutout.shape == expected.shape
        for name in ("slices_original", "slices_cutout"):
            assert getattr(cutout, name) == getattr(expected, name)
        for name in ("bbox_original", "bbox_cutout"):
            assert getattr(cutout, name) == getattr(expected, name)
            assert getattr(cutout, name) != getattr(expected, name).extent


def test_without_photutils_they_have_the_same_data(catalog, monkeypatch):
    expected = catalog.make_cutouts((9, 60))
    monkeypatch.setitem(sys.modules, "photutils.utils", None)
    cutouts._class_of_cutouts.cache_clear()
    found = catalog.make_cutouts((9, 60))
    monkeypatch.undo()
    cutouts._class_of_cutouts.cache_clear()
    assert type(found[0]) is cutouts.CutoutImage
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.data, other.data)
        assert repr(one) == repr(other)
        assert "Shape: (9, 60)" in str(one)


def test_a_cutout_inside_the_image_is_a_view_and_a_source_without_pixels_has_none(catalog):
    image = np.zeros((60, 70))
    assert np.shares_memory(catalog.make_cutouts((5, 5), array=image)[2].data, image)
    data = catalog.results["frame"].data
    segments = detect_sources(data, 10, npixels=5)
    masked = SourceCatalog(data, segments, mask=segments.data == 1)
    assert masked.make_cutouts((5, 5))[0] is None
    assert masked[0].make_cutouts((5, 5)) is None
    assert masked[1].make_cutouts((5, 5)).data.shape == (5, 5)


@pytest.mark.parametrize("position", [(5, 5), (0, 0)])
def test_a_copy_shares_nothing_with_the_image(position):
    image = np.arange(100.0).reshape(10, 10)
    for copy in (True, False):
        cutout = cutouts.CutoutImage(image, position, (3, 3), copy=copy)
        expected = Theirs(image, position, (3, 3), copy=copy)
        np.testing.assert_array_equal(cutout.data, expected.data)
        assert cutout.copy == expected.copy == copy
        shared = [np.shares_memory(each.data, image) for each in (cutout, expected)]
        assert shared == [not copy] * 2


def test_errors_name_the_argument(catalog):
    with pytest.raises(ValueError, match="mode must be 'partial' or 'trim', got 'strict'"):
        catalog.make_cutouts((3, 3), mode="strict")
    with pytest.raises(ValueError, match=r"array must have the same shape as data.*\(3, 3\)"):
        catalog.make_cutouts((3, 3), array=np.ones((3, 3)))
    with pytest.raises(ValueError, match="fill_value nan does not fit an array of dtype int"):
        catalog.make_cutouts((30, 30), array=np.ones((60, 70), int))
    whole = catalog.make_cutouts((30, 30), array=np.ones((60, 70), int), fill_value=0)
    assert whole[0].data.dtype == int
