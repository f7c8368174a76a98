"""SourceFinder is detection, then deblending, with the same arguments."""

import warnings

import astropy.units as u
import numpy as np
import pytest

from skyshed import NoDetectionsWarning, SourceFinder, deblend_sources, detect_sources

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import photutils.segmentation as photutils


@pytest.fixture(scope="module")
def sky(scene):
    """The survey field without its background, and a threshold for each pixel."""
    data = np.asarray(scene.data - np.nanmedian(scene.data), float)
    rms = 1.4826 * np.nanmedian(np.abs(data))
    threshold = np.linspace(2, 3, data.size).reshape(data.shape) * rms
    return data, threshold, scene.mask


def test_the_result_is_that_of_photutils(sky):
    data, threshold, mask = sky
    finder = SourceFinder((5, 3), connectivity=4, nlevels=24, contrast=0.001, mode="sinh")
    result = finder(data, threshold, mask=mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = photutils.SourceFinder(
            (5, 3), connectivity=4, n_levels=24, contrast=0.001, mode="sinh", progress_bar=False
        )(data, threshold, mask=mask)
    assert len(result.deblended_labels) > 20
    np.testing.assert_array_equal(result.data, expected.data)


def test_every_argument_reaches_its_stage(sky):
    data, threshold, mask = sky
    detected = detect_sources(data, threshold, 6, connectivity=4, mask=mask)
    whole = SourceFinder(6, connectivity=4, deblend=False)(data, threshold, mask)
    np.testing.assert_array_equal(whole.data, detected.data)
    options = {
        "nlevels": 7, "contrast": 0.02, "mode": "sinh", "connectivity": 4, "relabel": False,
        "contrast_method": "saddle",
    }  # fmt: skip
    expected = deblend_sources(data, detected, 3, **options)
    result = SourceFinder((6, 3), **options, n_threads=2)(data, threshold, mask)
    np.testing.assert_array_equal(result.data, expected.data)
    for name in options:
        plain = {k: v for k, v in options.items() if k != name}
        other = SourceFinder((6, 3), **plain)(data, threshold, mask)
        assert not np.array_equal(other.data, result.data), name


def test_units_are_checked_and_change_nothing(sky):
    data, threshold, mask = sky
    expected = SourceFinder(5)(data, threshold, mask)
    result = SourceFinder(5)(data * u.nJy, threshold * u.nJy, mask)
    np.testing.assert_array_equal(result.data, expected.data)
    with pytest.raises(ValueError, match="same units"):
        SourceFinder(5)(data * u.nJy, threshold)


def test_nothing_found_is_none():
    with pytest.warns(NoDetectionsWarning):
        assert SourceFinder(5)(np.zeros((8, 8)), 1.0) is None


def test_arguments_are_attributes_under_both_names():
    finder = SourceFinder(n_pixels=7, n_levels=12, n_processes=3, progress_bar=False)
    assert finder.npixels is finder.n_pixels
    np.testing.assert_array_equal(finder.npixels, [7, 7])
    np.testing.assert_array_equal(SourceFinder([7]).npixels, [7, 7])
    np.testing.assert_array_equal(SourceFinder(np.array([7, 3])).npixels, [7, 3])
    assert finder.nlevels == finder.n_levels == 12
    assert finder.n_threads == finder.nproc == finder.n_processes == 3
    assert repr(finder) == (
        "SourceFinder(npixels=array([7, 7]), connectivity=8, deblend=True, nlevels=12, "
        "contrast=0.001, mode='exponential', relabel=True, n_threads=3, progress_bar=False, "
        "contrast_method=None)"
    )
    with pytest.raises(AttributeError, match="no attribute 'nlabels'"):
        _ = finder.nlabels


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"npixels": 0}, ValueError, "npixels/n_pixels must be a positive integer, .*got 0"),
        ({"npixels": (1, 2, 3)}, ValueError, "npixels/n_pixels must have 1 or 2 elements"),
        (
            {"npixels": (1, 2.5)},
            ValueError,
            r"n_pixels must be a positive .*got \(1, 2\.5\)",
        ),
        ({"nlevels": 0}, ValueError, "nlevels/n_levels must be a positive integer"),
        ({"contrast": -1}, ValueError, "contrast must be >= 0 and <= 1, got -1"),
        ({"mode": "log"}, ValueError, "mode must be 'exponential', 'linear', or 'sinh', got 'log'"),
        ({"connectivity": 5}, ValueError, "Invalid connectivity=5: it must be 4"),
        ({"n_threads": -1}, ValueError, "n_threads must be a positive integer"),
        ({"deblend": "no"}, TypeError, "deblend must be a boolean, got 'no'"),
        ({"relabel": 1}, TypeError, "relabel must be a boolean, got 1"),
    ],
)
def test_a_bad_argument_is_named_when_the_finder_is_made(options, error, message):
    with pytest.raises(error, match=message):
        SourceFinder(**{"npixels": 5, **options})
