"""Effort is bounded on images that no survey has: it grows as pixels do, or a flag says why."""

import time
import warnings

import numpy as np
import pytest

from skyshed import extract
from skyshed.exceptions import DeblendWarning
from skyshed.flags import decode_segmentation_flags

#: Four times the pixels may take so many times the CPU time: 4, and room for caches. What grows
#: with the square of them takes 16 times as much.
MOST = 10
#: CPU time, too, is longer where a core is shared: least times of so many turns are compared.
TURNS = 6


def noise(side):
    """Return noise, of which half is above the threshold, in one component and thousands."""
    image = np.random.default_rng(1).normal(0, 1, (side, side)).astype(np.float32)
    return image, {"npixels": 1, "nsigma": 0.01}


def peaks(side):
    """Return one source with a peak in each 9 pixels."""
    rng = np.random.default_rng(1)
    image = np.full((side, side), 30, np.float32)
    image[::3, ::3] += rng.uniform(20, 60, image[::3, ::3].shape)
    image += rng.normal(0, 0.1, image.shape)
    known = {"background": 0.0, "rms": np.ones_like(image), "kernel_fwhm": 0, "nsigma": 5}
    return image, {**known, "npixels": 1}


def spent(image, options):
    """Return what a run takes of the CPU, the table included, and the run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = time.process_time()
        found = extract(image, n_threads=1, **options)
        assert len(found.plain_table) == found.segmentation.nlabels
        return time.process_time() - before, found


@pytest.mark.timed
@pytest.mark.parametrize(
    "draw", [noise, lambda side: (noise(side)[0], {**noise(side)[1], "kernel_fwhm": 0}), peaks],
    ids=["noise", "noise as it is", "peaks"],
)  # fmt: skip
def test_four_times_the_pixels_are_not_ten_times_the_effort(draw):
    spent(*draw(100))  # loads what is loaded once
    small, large = [], []
    for _ in range(TURNS):
        for side, took in ((350, small), (700, large)):
            took.append(spent(*draw(side))[0])
        if min(large) < MOST * min(small):
            return
    raise AssertionError(f"{min(large)} s instead of {min(small)} s: {large}, {small}")


@pytest.mark.parametrize("contrast", [0.0, 0.001])
def test_more_peaks_than_markers_are_said_and_flagged(contrast):
    image, options = peaks(1000)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = extract(image, n_threads=1, contrast=contrast, **options)
    (line,) = [each.message for each in said if issubclass(each.category, DeblendWarning)]
    assert "more than 200 markers (to 'linear'): 1 in 'too_many_markers_labels'" in str(line)
    flags = found.plain_table.columns["flags"]
    assert len(flags) > 100
    assert all("deblend_too_many_markers" in each for each in decode_segmentation_flags(flags))
