"""Pixels of annuli: those whose centers lie between the circles, in the order of the image."""

import numpy as np
import pytest

from skyshed.kernels import annuli


def expected(data, mask, x, y, inner, outer):
    j, i = np.indices(data.shape)
    distance2 = (i - x) ** 2 + (j - y) ** 2
    good = np.isfinite(data) if mask is None else np.isfinite(data) & ~mask
    return data[(distance2 >= inner**2) & (distance2 < outer**2) & good]


def scene(dtype, n=60):
    rng = np.random.default_rng(5)
    data = rng.normal(0, 1, (50, 70)).astype(dtype)
    data[rng.random(data.shape) < 0.05] = np.nan
    data[3, 4], data[4, 4] = np.inf, -np.inf
    centers = rng.uniform(-10, 80, (n, 2))
    centers[:20] = np.round(centers[:20])
    centers[20:30] = np.round(2 * centers[20:30]) / 2
    centers[30], centers[31] = (1e100, 5), (-1e100, -1e100)
    return data, rng.random(data.shape) < 0.1, centers


@pytest.mark.parametrize("radii", [(5.0, 10.0), (0.1, 0.6), (3.3, 7.9), (20.0, 200.0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
def test_pixels_are_those_between_the_circles(radii, dtype, masked):
    data, mask, centers = scene(dtype)
    mask = mask if masked else None
    width = annuli.most_pixels(*radii, data.size)
    rows = annuli.gather(data, mask, centers, radii, width, 1)
    assert rows.dtype == dtype
    assert rows.shape == (len(centers), width)
    for row, center in zip(rows, centers, strict=True):
        want = expected(data, mask, *center, *radii)
        np.testing.assert_array_equal(row[: want.size], want)
        assert np.isnan(row[want.size :]).all()
    np.testing.assert_array_equal(
        annuli.gather(data, mask, np.repeat(centers, 9, 0), radii, width, 3)[::9], rows
    )


def test_no_annulus_has_more_pixels_than_said():
    rng = np.random.default_rng(6)
    data = np.ones((60, 60))
    for _ in range(300):
        inner = rng.choice([rng.uniform(0, 3), rng.uniform(0, 20), rng.integers(1, 20)])
        outer = inner + rng.choice([rng.uniform(0, 1), rng.uniform(0, 9), rng.integers(1, 5)])
        center = 30 + np.array([rng.uniform(0, 1, 2), [0, 0], [0.5, 0.5]])[rng.integers(3)]
        count = expected(data, None, *center, inner, outer).size
        assert count < annuli.most_pixels(inner, outer, data.size)
