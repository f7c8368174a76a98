"""The noise that bands have in common is found, and convolved noise is what theory says."""

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter

from skyshed.background import noise_correlation
from skyshed.background.noise_correlation import (
    LAGS,
    LARGEST_LAG,
    NOT_GOOD,
    correlation_of,
    pair_sums,
    sampled_boxes,
)
from skyshed.background.shared_noise import shared_correlation, shared_sums, smoothed
from skyshed.catalog import noise_factors
from skyshed.chain.matching import kernel_of_widths
from skyshed.kernels.apertures import NONE, aperture_sums

BOX = 64


def deviations_of(image, mask=None):
    """Return the deviations of boxes of an image of noise about 1, and the sums of one band."""
    places = sampled_boxes(image.shape, (BOX, BOX))
    found = np.empty((len(places), BOX, BOX), np.int16)
    sums = pair_sums(
        image, mask, places * BOX, (BOX, BOX), lambda k: np.zeros((BOX, BOX)),
        np.full(len(places), image.std()), found,
    )  # fmt: skip
    return found, sums


def shared_of(one, other, masks=(None, None)):
    first, second = (
        deviations_of(image, mask)[0] for image, mask in zip((one, other), masks, strict=True)
    )
    return shared_correlation(shared_sums(first, second), np.zeros((len(first), 2)))


def smooth_noise(seed, sigma, shape=(640, 640)):
    image = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma, mode="wrap")
    return image / image.std()


def two_bands(shape=(640, 640)):
    """Return bands with noise of their own of 1, and smooth noise of 0.7 and 0.5 in common."""
    rng, common = np.random.default_rng(1), smooth_noise(2, 1.5, shape)
    return rng.standard_normal(shape) + 0.7 * common, rng.standard_normal(shape) + 0.5 * common


def test_the_noise_in_common_is_found():
    lag = np.arange(-LARGEST_LAG, LARGEST_LAG + 1)
    of_common = np.exp(-(lag[:, None] ** 2 + lag**2) / (4 * 1.5**2))
    expected = 0.7 * 0.5 / np.sqrt(1.49 * 1.25) * of_common
    found = shared_of(*two_bands())
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert found.sum() == pytest.approx(expected.sum(), rel=0.1)
    np.testing.assert_array_equal(found, found[::-1, ::-1])
    rng = np.random.default_rng(3)
    apart = shared_of(rng.standard_normal((640, 640)), rng.standard_normal((640, 640)))
    assert np.abs(apart).max() < 0.01


def test_that_of_a_band_with_itself_is_its_own():
    image = smooth_noise(4, 1.0)
    _, sums = deviations_of(image)
    own = np.array(correlation_of(sums, np.zeros(len(sums))))
    np.testing.assert_allclose(shared_of(image, image), own, atol=1e-9)
    np.testing.assert_allclose(shared_of(image, -image), -own, atol=1e-9)


def test_only_pixels_that_are_good_in_both_bands_count():
    one, other = two_bands()
    rng = np.random.default_rng(5)
    masks = rng.random((2, *one.shape)) < 0.2
    spoiled = np.where(masks[0], 2.0, one), np.where(masks[1], -2.0, other)
    np.testing.assert_allclose(shared_of(*spoiled, masks), shared_of(one, other), atol=0.01)
    first = deviations_of(one, masks[0])[0]
    places = sampled_boxes(one.shape, (BOX, BOX))
    y, x = places[3] * BOX
    np.testing.assert_array_equal(
        first[3] == NOT_GOOD, masks[0][y : y + BOX, x : x + BOX] | (np.abs(first[3]) > 4 * 256)
    )


def test_sums_are_those_of_pairs_in_both_directions_in_any_portions(monkeypatch):
    rng = np.random.default_rng(6)
    one, other = rng.integers(-1024, 1025, (2, 5, 20, 17)).astype(np.int16)
    one[rng.random(one.shape) < 0.1] = NOT_GOOD
    sums = shared_sums(one, other)
    good = (one != NOT_GOOD)[2]
    first, second = (np.where(good, each[2], 0).astype(int) for each in (one, other))
    m = len(LAGS)
    for k in (0, 1, 30, 200, m - 1):
        dy, dx = LAGS[k]
        expected = pairs = 0
        for y, x in zip(*np.nonzero(good), strict=True):
            for j, i in ((y + dy, x + dx), (y - dy, x - dx)):
                if 0 <= j < 20 and 0 <= i < 17 and good[j, i]:
                    expected, pairs = expected + first[y, x] * second[j, i], pairs + 1
        assert (sums[2, 5 + k], sums[2, 5 + m + k]) == (expected, pairs)
    monkeypatch.setattr(noise_correlation, "AT_ONCE", 1)
    np.testing.assert_array_equal(shared_sums(one, other), sums)


def test_few_pixels_tell_nothing():
    one, other = (each[:64, :64] for each in two_bands())
    assert shared_of(one, other) is None


def test_how_the_means_of_boxes_scatter_together_is_in_it():
    rng = np.random.default_rng(7)
    levels = np.kron(rng.normal(0, 0.3, (10, 10)), np.ones((BOX, BOX)))
    one, other = rng.standard_normal((2, 640, 640))
    found = shared_of(one + levels, other + levels)
    variance = np.var(levels[BOX:-BOX, BOX:-BOX])  # the outermost boxes are not measured
    assert np.median(found) == pytest.approx(variance / (1 + variance), rel=0.15)
    assert abs(np.median(shared_of(one + levels, other))) < 0.02


@pytest.mark.parametrize("radius", [3.0, 5.0, 8.0])
def test_sums_over_convolved_noise_vary_as_predicted(radius):
    """The variances of both bands, and their covariance, after different kernels."""
    kernels = [kernel_of_widths(3.5, 5.0, 3.5), kernel_of_widths(4.0, 5.0, np.inf)]
    bands = two_bands((1536, 1536))
    y, x = (each.ravel() for each in np.mgrid[20:1520:12, 20:1520:12])
    four, n = np.full(x.size, radius), x.size
    sums = [
        aperture_sums(
            convolve(band, kernel, mode="wrap"), None, None, np.zeros(band.shape, np.int32), None,
            (0, 0, *band.shape), np.ones(n, np.int32),
            np.column_stack([x, y, four, four, 0 * four]), np.zeros(n), NONE, 1,
        )[0]
        for band, kernel in zip(bands, kernels, strict=True)
    ]  # fmt: skip
    circle = [[0, 0, radius, radius, 0]]
    independent = np.pi * radius**2
    for band, kernel, found in zip(bands, kernels, sums, strict=True):
        _, own = deviations_of(band)
        correlation = correlation_of(own, np.zeros(len(own)))
        factor = noise_factors.of_ellipses(smoothed(correlation, kernel, kernel), circle)[0]
        assert np.var(found) == pytest.approx(band.var() * independent * factor, rel=0.08)
        assert factor < noise_factors.of_ellipses(correlation, circle)[0]
    factor = noise_factors.shared_in_ellipses(smoothed(shared_of(*bands), *kernels), circle)[0]
    expected = bands[0].std() * bands[1].std() * independent * factor
    assert np.cov(*sums)[0, 1] == pytest.approx(expected, rel=0.12)


def test_without_a_kernel_noise_stays_as_it_is():
    correlation = np.outer(*2 * [[0.0, 0.3, 1.0, 0.3, 0.0]])
    np.testing.assert_allclose(smoothed(correlation, [[1.0]], [[1.0]]), correlation, atol=1e-15)
