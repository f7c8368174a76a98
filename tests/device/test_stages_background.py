"""Estimators, clipping, local backgrounds and interpolators take arrays of the device."""

import numpy as np
import pytest
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning

import skyshed
from skyshed import background as backgrounds
from tests.device.scenes import is_image

ESTIMATORS = [
    name for name in backgrounds.__all__
    if name.endswith(("Background", "BackgroundRMS")) and name != "LocalBackground"
]  # fmt: skip


def middle(values, axis=None):
    """A function of the user's own, for either library."""
    return np.nanmean(values, axis=axis) - 0.1


CLIPS = {
    "none": None,
    "median": SigmaClip(sigma=3, maxiters=10),
    "mean": SigmaClip(
        sigma_lower=2, sigma_upper=1.5, cenfunc="mean", stdfunc="mad_std", maxiters=2
    ),
    "grow": SigmaClip(sigma=2.5, grow=1.5),
    "own": SigmaClip(sigma=2.5, cenfunc=middle),
    "own grow": SigmaClip(sigma=2, cenfunc="mean", stdfunc=np.nanstd, grow=1),
}


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(8)
    data = rng.normal(20, 2, (6, 9, 14))
    data[rng.random(data.shape) < 0.05] += 30
    return data


def close(there, here, rtol=1e-12):
    np.testing.assert_allclose(there.get(), here, rtol=rtol)
    assert there.dtype == here.dtype
    assert there.shape == here.shape


@pytest.mark.parametrize("axis", [None, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_give_arrays_of_the_device(cupy, cube, name, axis):
    estimator = getattr(backgrounds, name)()
    there = estimator(cupy.asarray(cube), axis=axis)
    assert isinstance(there, cupy.ndarray)
    close(there, estimator(cube, axis=axis))
    small = cube.astype(np.float32)
    close(estimator(cupy.asarray(small), axis=axis), estimator(small, axis=axis), 2e-5)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore:Input data contains invalid values")
def test_every_clipping_is_that_of_the_host(cupy, cube, name, clip):
    estimator = getattr(backgrounds, name)(sigma_clip=CLIPS[clip])
    data = cube.copy()
    data[2, 3, 4], data[1, 1, :5], data[4, :, 7] = np.nan, np.nan, np.nan
    for axis in (None, 1, (0, 2)):
        close(estimator(cupy.asarray(data), axis=axis), estimator(data, axis=axis))


@pytest.mark.parametrize("name", ["BiweightLocationBackground", "BiweightScaleBackgroundRMS"])
@pytest.mark.parametrize("clip", ["none", "median", "grow"])
@pytest.mark.parametrize("anchor", [19.0, np.linspace(18, 21, 54).reshape(6, 9), np.nan])
def test_biweights_take_constant_and_anchor(cupy, cube, name, clip, anchor):
    estimator = getattr(backgrounds, name)(c=5.0, M=anchor, sigma_clip=CLIPS[clip])
    close(estimator(cupy.asarray(cube), axis=2), estimator(cube, axis=2))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_infinities_count_where_nothing_is_clipped(cupy, cube, name):
    data = cube.copy()
    data[0, 0, 0], data[0, 1, 0] = np.inf, np.nan
    estimator = getattr(backgrounds, name)(sigma_clip=None)
    close(estimator(cupy.asarray(data), axis=2), estimator(data, axis=2))


def test_integers_and_what_has_no_value(cupy):
    data = np.arange(24).reshape(2, 3, 4)
    estimator = backgrounds.MeanBackground()
    close(estimator(cupy.asarray(data), axis=0), estimator(data, axis=0))
    empty = np.full((3, 4), np.nan)
    with pytest.warns(AstropyUserWarning, match="invalid values"):
        there = estimator(cupy.asarray(empty), axis=1)
    assert np.isnan(there.get()).all()


def test_masked_arrays_there_are_none_on_the_device(cupy, cube):
    estimator, data = backgrounds.StdBackgroundRMS(), cupy.asarray(cube)
    with pytest.raises(TypeError, match=r"masked array can't be had of a .*masked=False"):
        estimator(data, axis=0, masked=True)
    assert isinstance(estimator(data, masked=True), cupy.ndarray)


@pytest.mark.parametrize("clip", ["grow", "own", "own grow"])
def test_boxes_are_clipped_with_neighbours_and_by_functions(cupy, clip):
    data = np.random.default_rng(9).normal(5, 1, (50, 65))
    data[20:23, 30:33] += 40
    here = skyshed.Background2D(data, 12, sigma_clip=CLIPS[clip], exclude_percentile=60)
    there = skyshed.Background2D(
        cupy.asarray(data), 12, sigma_clip=CLIPS[clip], exclude_percentile=60
    )
    np.testing.assert_array_equal(there.npixels_mesh, here.npixels_mesh)
    np.testing.assert_allclose(there.background_mesh, here.background_mesh, rtol=1e-12)
    np.testing.assert_allclose(there.background_rms_mesh, here.background_rms_mesh, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_local_backgrounds(cupy, name, dtype):
    rng = np.random.default_rng(10)
    data = rng.normal(5, 1, (60, 80)).astype(dtype)
    data[7, 9], data[30:33, 20:23] = np.nan, 60
    mask = rng.random(data.shape) < 0.1
    x, y = rng.uniform(-12, 85, (2, 40))
    local = skyshed.LocalBackground(3, 6.5, getattr(backgrounds, name)())
    there = local(cupy.asarray(data), x, y, mask=cupy.asarray(mask))
    here = local(data, x, y, mask=mask)
    assert isinstance(there, np.ndarray)
    np.testing.assert_allclose(there, here, rtol=1e-12)
    np.testing.assert_array_equal(local(cupy.asarray(data), cupy.asarray(x), cupy.asarray(y)),
                                  local(cupy.asarray(data), x, y))  # fmt: skip
    assert np.isnan(here).any()
    assert np.isfinite(here).sum() > 20


def test_functions_estimate_local_backgrounds_from_arrays_of_the_device(cupy):
    data = np.random.default_rng(11).normal(5, 1, (40, 40))
    data[20, 20:26] = np.nan
    seen = []

    def mean(values):
        seen.append(type(values))
        return values.mean()

    there = skyshed.LocalBackground(2, 5, mean)(cupy.asarray(data), [20, 30], [20, 10])
    here = skyshed.LocalBackground(2, 5, mean)(data, [20, 30], [20, 10])
    np.testing.assert_allclose(there, here, rtol=1e-13)
    assert seen == [cupy.ndarray] * 2 + [np.ndarray] * 2


def test_meshes_are_expanded_by_inverse_distance(cupy):
    """From all boxes: which of those equally far come last is each twin's choice."""
    rng = np.random.default_rng(12)
    data = rng.normal(5, 1, (61, 83))
    mask = np.zeros(data.shape, bool)
    mask[20:41, 24:60] = True
    for keywords in ({"n_neighbors": 100}, {"n_neighbors": 100, "power": 2, "regularization": 0.1}):
        way = skyshed.BkgIDWInterpolator(**keywords)
        here = skyshed.Background2D(data, (10, 12), mask=mask, interpolator=way)
        there = skyshed.Background2D(
            cupy.asarray(data), (10, 12), mask=cupy.asarray(mask), interpolator=way
        ).background
        assert isinstance(there, cupy.ndarray)
        np.testing.assert_allclose(there.get(), here.background, rtol=1e-12)
    flat = skyshed.Background2D(cupy.full((20, 20), 2.0), 5, interpolator=way)
    is_image(cupy, flat.background, np.full((20, 20), 2.0))
