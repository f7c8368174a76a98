"""Backgrounds around positions of every kind: photutils' values for every estimator."""

import importlib
import pkgutil
import sys

import astropy.units as u
import numpy as np
import photutils.background as photutils_background
import pytest
from astropy.nddata import NDData
from astropy.stats import SigmaClip

import skyshed
from skyshed import LocalBackground
from skyshed import background as skyshed_background
from skyshed.background import local_background as module

ESTIMATORS = [
    "MeanBackground", "MedianBackground", "ModeEstimatorBackground", "MMMBackground",
    "SExtractorBackground", "BiweightLocationBackground", "StdBackgroundRMS",
    "MADStdBackgroundRMS", "BiweightScaleBackgroundRMS",
]  # fmt: skip
CLIPS = [
    SigmaClip(sigma=3, maxiters=10), None,
    SigmaClip(sigma_lower=2, sigma_upper=1.5, cenfunc="mean", stdfunc="mad_std"),
    SigmaClip(sigma=2, cenfunc=np.nanmean), SigmaClip(sigma=2.5, grow=1),
]  # fmt: skip


@pytest.fixture(scope="module")
def places(field):
    """A mask, and positions within the image, at its edges and beyond; some on pixels' centers."""
    rng = np.random.default_rng(1)
    mask = rng.random(field.shape) < 0.1
    mask[40:70, 40:70] = True
    x, y = rng.uniform(-15, 145, 60), rng.uniform(-15, 118, 60)
    x[:15], y[:15] = np.round(x[:15]), np.round(y[:15])
    x[15:25], y[15:25] = np.round(2 * x[15:25]) / 2, np.round(2 * y[15:25]) / 2
    x[25], y[25] = 55, 55
    return mask, x, y


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_values_are_those_of_photutils(name, clip, field, places):
    mask, x, y = places
    estimator = getattr(photutils_background, name)(sigma_clip=clip)
    for radii in ((5, 10), (0.4, 1.3), (7.5, 8.25)):
        # With an axis, astropy clips in the way that photutils 3.1 always does.
        theirs = photutils_background.LocalBackground(
            *radii, bkg_estimator=lambda v: np.squeeze(estimator(v, axis=0))
        )
        ours = LocalBackground(*radii, getattr(skyshed_background, name)(sigma_clip=clip))
        found = ours(field, x, y, mask)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, theirs(field, x, y, mask=mask), rtol=1e-11)
    assert np.isnan(found[25])
    assert np.isfinite(found).sum() > 20


def test_the_median_is_the_default(field):
    found = LocalBackground(5, 10)(field, 30, 30)
    assert found == LocalBackground(5, 10, skyshed_background.MedianBackground())(field, 30, 30)
    assert isinstance(found, np.float64)
    assert repr(LocalBackground(5, 10, n_threads=2)).startswith(
        "LocalBackground(inner_radius=5, outer_radius=10, bkg_estimator=MedianBackground("
    )


def test_constants_and_anchors_of_the_biweights_are_the_callers(field):
    level = skyshed_background.BiweightLocationBackground(c=4.0, M=25.0)
    found = LocalBackground(5, 10, level)(field, [30.0], [40.0])
    j, i = np.indices(field.shape)
    distance2 = (i - 30) ** 2 + (j - 40) ** 2
    assert found == pytest.approx(level(field[(distance2 >= 25) & (distance2 < 100)]), rel=1e-12)


def test_functions_get_the_good_pixels_of_an_annulus(field):
    data = field.copy()
    data[30, 36:38], data[24, 30] = np.nan, np.inf
    seen = []

    def estimate(values):
        seen.append(values.copy())
        return values.sum()

    found = LocalBackground(5, 10, estimate)(data, [30, -50], [30, -50])
    j, i = np.indices(data.shape)
    distance2 = (i - 30) ** 2 + (j - 30) ** 2
    want = data[(distance2 >= 25) & (distance2 < 100) & np.isfinite(data)]
    np.testing.assert_array_equal(seen[0], want)
    assert seen[1].size == 0
    np.testing.assert_array_equal(found, [want.sum(), 0])

    class Half(skyshed_background.MedianBackground):
        def calc_background(self, data, axis=None, masked=False):
            return super().calc_background(data, axis, masked) / 2

    whole = LocalBackground(5, 10)(field, 30, 30)
    assert LocalBackground(5, 10, Half())(field, 30, 30) == whole / 2


def test_units_and_masks_come_with_the_data(field, places):
    mask, x, y = places
    local = LocalBackground(5, 10)
    want = local(field, x, y, mask)
    for data in (field << u.Jy, NDData(field, unit="Jy")):
        found = local(data, x, y, mask)
        assert found.unit == u.Jy
        np.testing.assert_array_equal(found.value, want)
    assert local(field << u.Jy, 5, 5).isscalar
    half = mask & (np.arange(field.shape[1]) < 60)
    for data in (np.ma.masked_array(field, half), NDData(field, mask=half)):
        np.testing.assert_array_equal(local(data, x, y), local(field, x, y, half))
        np.testing.assert_array_equal(local(data, x, y, mask), want)


def test_neither_threads_nor_chunks_change_a_bit(field, monkeypatch):
    x, y = np.random.default_rng(2).uniform(0, 100, (2, 400))
    want = LocalBackground(5, 10, n_threads=1)(field, x, y)
    np.testing.assert_array_equal(LocalBackground(5, 10, nproc=3)(field, x, y), want)
    monkeypatch.setattr(module, "CHUNK_BYTES", 100_000)
    np.testing.assert_array_equal(LocalBackground(5, 10)(field, x, y), want)
    assert LocalBackground(5, 10)(field, [], []).shape == (0,)


def test_apertures_are_photutils(field):
    aperture = LocalBackground(5, 10).to_aperture([30, 70], [40, 80])
    np.testing.assert_array_equal(aperture.positions, [[30, 40], [70, 80]])
    assert (aperture.r_in, aperture.r_out) == (5, 10)
    assert LocalBackground(5, 10).to_aperture(3, 4).positions.shape == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"inner_radius": 0}, ValueError, r"inner_radius must be positive.*got 0"),
        ({"inner_radius": np.nan}, ValueError, r"inner_radius must be positive.*got nan"),
        ({"outer_radius": -1}, ValueError, r"outer_radius must be positive.*got -1"),
        ({"outer_radius": np.inf}, ValueError, r"outer_radius must be .*finite.*got inf"),
        ({"outer_radius": 3}, ValueError, r"outer_radius must be greater than inner_radius: got 3"),
        ({"bkg_estimator": "mean"}, TypeError, r"bkg_estimator must be .*got 'mean'"),
        ({"n_threads": 0}, ValueError, r"n_threads must be a positive integer, got 0"),
    ],
)
def test_errors_name_the_argument_and_the_value(arguments, error, message):
    with pytest.raises(error, match=message):
        LocalBackground(**{"inner_radius": 3, "outer_radius": 5, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data": np.zeros(5)}, ValueError, r"data must be a 2-?D"),
        ({"x": [1, 2]}, ValueError, r"x and y must have the same shape: got \(2,\) and \(1,\)"),
        ({"x": [[1]], "y": [[1]]}, ValueError, r"x and y must be numbers or 1-D"),
        ({"x": [1, np.inf], "y": [1, 2]}, ValueError, r"'positions' must not .*index 1 \(inf, 2"),
        ({"mask": np.zeros((2, 2), bool)}, ValueError, r"data and mask must have the same shape"),
        ({"mask": np.zeros((9, 9))}, TypeError, r"mask must be a boolean array, got dtype float64"),
    ],
)
def test_calls_that_cannot_be_answered_say_why(arguments, error, message):
    with pytest.raises(error, match=message):
        LocalBackground(3, 5)(**{"data": np.zeros((9, 9)), "x": 4, "y": 4, **arguments})


def test_the_public_names_are_photutils():
    theirs = set()
    for part in pkgutil.iter_modules(photutils_background.__path__):
        if part.name != "tests" and not part.name.startswith("_"):
            theirs |= set(importlib.import_module(f"photutils.background.{part.name}").__all__)
    assert set(skyshed_background.__all__) == theirs
    assert theirs <= set(skyshed.__all__)


def test_apertures_without_photutils_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "photutils.aperture", None)
    with pytest.raises(ImportError, match=r"not installed: pip install photutils"):
        LocalBackground(5, 10).to_aperture(1, 2)
