"""A background that has no noise is said to have none, with what to give."""

import warnings

import numpy as np
import pytest

from skyshed import extract
from skyshed.exceptions import ImageWarning
from tests.images.files import stars
from tests.mosaic.fields import by_tiles

SETTINGS = {"n_threads": 1, "box_size": 32}


def photons():
    """Return an image that counts photons, with four sources (drizzlepac#831, HST's SBC)."""
    rate = np.full((256, 256), 0.02)
    y, x = np.mgrid[:256, :256]
    for px, py, flux in ((60, 60, 200), (180, 70, 80), (128, 190, 400), (200, 200, 40)):
        rate += flux / 25.1 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8)
    return np.random.default_rng(0).poisson(rate).astype("f4")


def padded():
    """Return a rotated footprint in an image of zeros (drizzlepac#1838)."""
    image = stars((256, 256))
    y, x = np.mgrid[:256, :256] - 127.5
    image[np.abs(x) + np.abs(y) > 127] = 0
    return image


def coarse():
    """Return integers whose steps are coarser than the noise."""
    return np.round(stars(noise=0.1)).astype(np.int16)


KINDS = {
    "photons": (photons, "photons: give .* rms .--rms.*effective_gain"),
    "zeros": (padded, "if these have no exposure, give them as mask .*weights of 0 .*NaN"),
    "integers": (coarse, "steps of integers are coarser than the noise: give the noise as rms"),
}


def told(run):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run()
    return [str(each.message) for each in said if each.category is ImageWarning]


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_zero_is_said_with_what_to_give_both_ways(kind):
    make, message = KINDS[kind]
    message = r"noise measured in image is 0 in \d+ of \d+ boxes.*" + message
    with pytest.warns(ImageWarning, match=message):
        extract(make(), **SETTINGS)
    once = told(lambda: extract(make(), **SETTINGS))
    assert len(once) == 1
    assert once == told(lambda: by_tiles(make(), (64, 96), **SETTINGS))


def test_what_was_given_ends_the_warning():
    nothing = padded()
    for given in ({"mask": nothing == 0}, {"weight": (nothing != 0).astype("f4")}):
        assert told(lambda given=given: extract(nothing, **given, **SETTINGS)) == []
    assert told(lambda: extract(np.where(nothing == 0, np.nan, nothing), **SETTINGS)) == []
    assert told(lambda: extract(photons(), rms=np.full((256, 256), 0.14), **SETTINGS)) == []
    assert told(lambda: extract(coarse(), rms=np.full((120, 120), 0.3), **SETTINGS)) == []


def test_the_other_band_is_named():
    with pytest.warns(ImageWarning, match="noise measured in detection_image is 0 in"):
        extract(stars((256, 256)), detection_image=padded(), **SETTINGS)


def test_relative_weights_need_the_noise_that_is_measured():
    with pytest.warns(ImageWarning, match="noise measured in image is 0"):
        extract(coarse(), weight=np.ones((120, 120)), scale_weight=True, **SETTINGS)


def test_an_image_with_noise_is_worked_on_without_a_word():
    assert told(lambda: extract(stars(), **SETTINGS)) == []
    assert told(lambda: extract(np.round(stars() * 10).astype(np.int32), **SETTINGS)) == []
