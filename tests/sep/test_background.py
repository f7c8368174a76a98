"""Background and noise of `skyshed.sep.Background`: SEP's, bit for bit."""

import numpy as np
import pytest
import sep as oracle

import skyshed.sep
from tests.sep.field import field


def sky(dtype):
    data = field(200, (190, 230), np.float64)
    return (data + 50 + np.arange(230) / 20).astype(dtype)


SETTINGS = [
    {},
    {"bw": 37, "bh": 50},
    {"bw": 32, "bh": 32, "fw": 5, "fh": 3, "fthresh": 0.5},
    {"bw": 20, "bh": 25, "fw": 1, "fh": 1},
    {"bw": 600, "bh": 40},
    {"bw": 40, "bh": 600},
    {"bw": 600, "bh": 600},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("masked", [False, True])
def test_background_and_noise_are_those_of_sep(settings, dtype, masked):
    data = sky(dtype)
    mask = None
    if masked:
        mask = np.random.default_rng(2).random(data.shape) < 0.2
        mask[40:120, 60:140] = True  # boxes without enough pixels
    found = skyshed.sep.Background(data, mask=mask, **settings)
    expected = oracle.Background(data, mask=mask, **settings)
    np.testing.assert_array_equal(found.back(), expected.back(), strict=True)
    np.testing.assert_array_equal(found.rms(), expected.rms(), strict=True)
    assert found.globalback == expected.globalback
    assert found.globalrms == expected.globalrms


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_bits_are_those_of_any_number_of_threads(n_threads):
    data = sky(np.float32)
    expected = skyshed.sep.Background(data, bw=16, bh=16).back()
    found = skyshed.sep.Background(data, bw=16, bh=16, n_threads=n_threads).back()
    np.testing.assert_array_equal(found, expected)


def test_it_is_an_array_and_is_subtracted_as_one():
    data = sky(np.float32)
    background = skyshed.sep.Background(data)
    np.testing.assert_array_equal(np.array(background), background.back())
    less = data - background
    np.testing.assert_array_equal(less, data - background.back())
    copy = data.copy()
    background.subfrom(copy)
    np.testing.assert_array_equal(copy, less)
    with pytest.raises(ValueError, match="do not match"):
        background.subfrom(data[:-1].copy())


def test_a_threshold_says_which_values_of_a_mask_count():
    data, mask = sky(np.float32), np.random.default_rng(1).uniform(0, 1, (190, 230))
    found = skyshed.sep.Background(data, mask=mask, maskthresh=0.7)
    expected = oracle.Background(data, mask=mask, maskthresh=0.7)
    np.testing.assert_array_equal(found.back(), expected.back())


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="bw must be a positive integer"):
        skyshed.sep.Background(np.ones((9, 9)), bw=0)
    with pytest.raises(ValueError, match="byte order"):
        skyshed.sep.Background(np.ones((9, 9)).astype(">f4"))
