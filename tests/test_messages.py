"""Warnings point at the line that called skyshed; errors are quoted in one line."""

import warnings

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.images import open_image
from skyshed.messages import one_line

IMAGE = np.random.default_rng(5).normal(0, 1, (40, 40))
HOLED = np.where(np.arange(1600).reshape(40, 40) % 400 == 7, np.nan, IMAGE)
SEGM = skyshed.SegmentationImage(np.pad(np.ones((5, 5), int), 2))

CALLS = {
    "Background2D": lambda: skyshed.Background2D(HOLED, 10),
    "an estimator": lambda: skyshed.MedianBackground()(HOLED),
    "detect_threshold": lambda: skyshed.detect_threshold(HOLED, 3),
    "detect_sources, none": lambda: skyshed.detect_sources(IMAGE, 100, 5),
    "detect_sources, negative": lambda: skyshed.detect_sources(IMAGE, -1, 5),
    "SourceFinder": lambda: skyshed.SourceFinder(5)(IMAGE, 100),
    "convolve": lambda: skyshed.convolve(np.full((9, 9), np.nan), np.ones((3, 3))),
    "deblend_sources": lambda: skyshed.deblend_sources(
        np.arange(81.0).reshape(9, 9) % 7 - 3, SEGM, 1, contrast=0
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_warning_points_at_the_call(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[call]()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_about_a_file_points_at_the_call_too(tmp_path):
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(IMAGE, name=name) for name in "AB")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with pytest.warns(skyshed.exceptions.ImageWarning, match="2 images, and none is") as caught:
        open_image(tmp_path / "a.fits")
    assert {warning.filename for warning in caught} == {__file__}


def test_an_error_is_quoted_in_one_line():
    assert one_line(ValueError("one\n   two")) == "one two"
    assert one_line(MemoryError()) == "MemoryError"
