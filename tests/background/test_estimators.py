"""The estimators called on arrays: photutils' values, NaN and masks left out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import astropy.units as u
import numpy as np
import photutils.background as photutils_background
import pytest
from astropy.stats import SigmaClip

import skyshed.background as skyshed_background
from skyshed import Parameters
from skyshed.background import estimators

LEVELS = [
    "MeanBackground", "MedianBackground", "ModeEstimatorBackground", "MMMBackground",
    "SExtractorBackground", "BiweightLocationBackground",
]  # fmt: skip
NOISES = ["StdBackgroundRMS", "MADStdBackgroundRMS", "BiweightScaleBackgroundRMS"]
ALL = LEVELS + NOISES
pytestmark = pytest.mark.filterwarnings("ignore:Input data contains invalid values")


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(8)
    data = rng.normal(10, 2, (4, 5, 60))
    data[rng.random(data.shape) < 0.1] += 40
    data[0, 1, :30] = np.nan
    data[2, 3] = np.nan
    data[3, 3] = 4.25
    data.flags.writeable = False
    return data


def both(name, *args, **keywords):
    """The estimator of this name by photutils and by skyshed."""
    return (getattr(m, name)(*args, **keywords) for m in (photutils_background, skyshed_background))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1), (1, 2)])
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_values_are_those_of_photutils(name, clip, axis, cube):
    keywords = {} if clip else {"sigma_clip": None}
    theirs, ours = both(name, **keywords)
    want, found = theirs(cube, axis=axis), ours(cube, axis=axis)
    np.testing.assert_allclose(found, want, rtol=1e-12)
    assert np.shape(found) == np.shape(want)
    assert np.isnan(want).any() == (axis in (-1, (2,)))


@pytest.mark.parametrize("name", ALL)
def test_masked_elements_are_left_out(name, cube):
    masked = np.ma.masked_array(cube, mask=cube > 30)
    for clip in (SigmaClip(2.5), None):
        theirs, ours = both(name, sigma_clip=clip)
        np.testing.assert_allclose(ours(masked, axis=2), theirs(masked, axis=2), rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_masked_results_are_masked_where_there_is_none(name, cube):
    found = getattr(skyshed_background, name)()(cube, axis=-1, masked=True)
    assert isinstance(found, np.ma.MaskedArray)
    np.testing.assert_array_equal(np.argwhere(found.mask), [[2, 3]])


@pytest.mark.parametrize("name", ALL)
def test_float32_stays_float32_and_integers_become_float64(name):
    data = np.random.default_rng(9).integers(0, 100, (3, 50))
    estimator = getattr(skyshed_background, name)()
    found, plain = estimator(data, axis=1), estimator(data.astype(float), axis=1)
    np.testing.assert_array_equal(found, plain)
    assert found.dtype == np.float64
    single = estimator(data.astype(np.float32), axis=1)
    np.testing.assert_allclose(single, plain, rtol=1e-5)
    if "Biweight" not in name:  # astropy's are always float64
        assert single.dtype == np.float32


@pytest.mark.parametrize("name", ["MeanBackground", "SExtractorBackground", "StdBackgroundRMS"])
def test_units_are_kept(name, cube):
    estimator = getattr(skyshed_background, name)()
    for axis in (None, 2):
        found = estimator(cube * u.Jy, axis=axis)
        np.testing.assert_array_equal(found.value, estimator(cube, axis=axis))
        assert found.unit == u.Jy


def test_methods_are_what_instances_do_when_called(cube):
    mean, std = skyshed_background.MeanBackground(), skyshed_background.StdBackgroundRMS()
    assert mean(cube) == mean.calc_background(cube)
    assert std(cube) == std.calc_background_rms(cube)


def test_sextractor_takes_the_median_in_a_crowd_and_the_mean_of_equal_values():
    level = skyshed_background.SExtractorBackground(sigma_clip=None)
    assert level(np.array([0.0, 0.0, 0.0, 0.0, 10.0])) == 0
    assert level(np.full(7, 2.5)) == 2.5
    quiet = np.array([0.0, 1.0, 2.0, 3.1])
    assert level(quiet) == 2.5 * np.median(quiet) - 1.5 * np.mean(quiet)


@pytest.mark.parametrize("name", ["BiweightLocationBackground", "BiweightScaleBackgroundRMS"])
@pytest.mark.parametrize("anchor", [9.5, np.linspace(9, 11, 20).reshape(4, 5)])
def test_biweights_take_constant_and_anchor(name, anchor, cube):
    # photutils 3.0 does not take a number here with an axis; 3.1 uses it for all results.
    everywhere = np.broadcast_to(anchor, (4, 5))
    want = getattr(photutils_background, name)(c=5.0, M=everywhere)(cube, axis=2)
    found = getattr(skyshed_background, name)(c=5.0, M=anchor)(cube, axis=2)
    np.testing.assert_allclose(found, want, rtol=1e-13)


def test_the_modes_factors_are_the_callers():
    data = np.random.default_rng(1).exponential(1, 100)
    found = skyshed_background.ModeEstimatorBackground(2.0, 1.5, sigma_clip=None)(data)
    assert found == 2.0 * np.median(data) - 1.5 * np.mean(data)


@pytest.mark.parametrize("name", ALL)
def test_reprs_show_the_arguments(name):
    theirs, ours = both(name, sigma_clip=None)
    assert repr(ours) == repr(theirs)


def test_estimators_do_not_share_the_default_clipping():
    first, second = skyshed_background.MeanBackground(), skyshed_background.MeanBackground()
    first.sigma_clip.sigma_upper = 99
    assert second.sigma_clip.sigma_upper == 3
    assert skyshed_background.MeanBackground().sigma_clip.sigma_upper == 3


@pytest.mark.parametrize("name", ALL)
def test_a_clipping_that_is_none_is_named(name):
    with pytest.raises(TypeError, match=r"sigma_clip must be an astropy SigmaClip.*got 3\.0"):
        getattr(skyshed_background, name)(sigma_clip=3.0)


def test_base_classes_want_their_method():
    with pytest.raises(TypeError, match="calc_background"):
        skyshed_background.BackgroundBase()
    with pytest.raises(TypeError, match="calc_background_rms"):
        skyshed_background.BackgroundRMSBase()


@pytest.mark.parametrize(
    "clip", [SigmaClip(3), SigmaClip(2, cenfunc=np.nanmean), SigmaClip(3, grow=1)]
)
def test_threads_may_share_an_estimator(clip):
    rng = np.random.default_rng(2)
    images = [rng.normal(level, 2, (60, 60)) for level in range(8)]
    estimator = skyshed_background.BiweightLocationBackground(sigma_clip=clip)
    want = [estimator(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(estimator, images)) == want


@pytest.mark.parametrize("name", ALL)
def test_infinities_count_where_nothing_is_clipped(name):
    data = np.random.default_rng(3).normal(10, 1, (5, 30))
    data[1, 2], data[2, 3], data[2, 4] = np.inf, -np.inf, np.nan
    with np.errstate(invalid="ignore"):
        want, found = (each(data, axis=1) for each in both(name, sigma_clip=None))
    np.testing.assert_allclose(found, want, rtol=1e-13)


@pytest.mark.parametrize("name", ["BiweightLocationBackground", "BiweightScaleBackgroundRMS"])
def test_an_anchor_that_is_no_number_gives_none(name):
    assert np.isnan(getattr(skyshed_background, name)(M=np.nan)(np.arange(9.0)))


@pytest.mark.parametrize("dtype", [np.float16, ">f4", ">f8"])
def test_any_kind_of_float_is_taken_and_given(dtype):
    data = np.random.default_rng(4).normal(10, 1, (4, 50)).astype(dtype)
    for clip in (SigmaClip(3), None):
        found = skyshed_background.MedianBackground(sigma_clip=clip)(data, axis=1)
        np.testing.assert_allclose(found, np.median(data.astype(float), axis=1), rtol=0.02)
        assert found.dtype.itemsize == np.dtype(dtype).itemsize


@pytest.mark.parametrize("clip", [SigmaClip(3), None])
def test_an_axis_that_there_is_not_is_an_error(clip):
    for axis in (2, -3, (0, 2)):
        with pytest.raises(np.exceptions.AxisError, match="out of bounds for array of dimension 2"):
            skyshed_background.MeanBackground(sigma_clip=clip)(np.ones((3, 4)), axis=axis)


def test_parameters_choose_from_the_estimators_by_their_names():
    """A new estimator is a class with a name, an export, and a choice of `Parameters`."""
    registries = {"bkg_estimator": estimators.LEVELS, "bkgrms_estimator": estimators.NOISES}
    for option, registry in registries.items():
        for name, estimator in registry.items():
            assert estimator.name == name
            assert getattr(Parameters(**{option: name}), option) == name
            assert estimator.__name__ in skyshed_background.__all__
        (kind,) = (each.metadata["kind"] for each in fields(Parameters) if each.name == option)
        assert set(kind.options) == set(registry)


def test_every_estimator_that_is_exported_has_a_name():
    exported = {getattr(skyshed_background, name) for name in skyshed_background.__all__}
    bases = skyshed_background.BackgroundBase, skyshed_background.BackgroundRMSBase
    named = {*estimators.LEVELS.values(), *estimators.NOISES.values()}
    assert {each for each in exported if issubclass(each, bases)} - set(bases) == named
