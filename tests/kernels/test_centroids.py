"""Centroids against their definitions in plain NumPy."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from skyshed.kernels import apertures, centroids
from skyshed.kernels.centroids.fits import fits
from skyshed.kernels.moments import moments
from skyshed.sources import Sources
from tests.kernels.steps import build

Y, X = np.mgrid[:3, :3] - 1.0


def polynomial(c, x, y):
    return c[0] + c[1] * x + c[2] * y + c[3] * x * y + c[4] * x**2 + c[5] * y**2


def test_fits_are_least_squares():
    weights, rng = fits(), np.random.default_rng(0)
    design = np.stack([polynomial(row, X, Y).ravel() for row in np.eye(6)], axis=1)
    for subset in rng.choice(512, 150, replace=False).tolist() + [511]:
        kept = np.array([subset >> k & 1 for k in range(9)], bool)
        values = np.where(kept, rng.normal(0, 1, 9), 0.0)
        expected, _, rank, _ = np.linalg.lstsq(design[kept], values[kept], rcond=None)
        if rank < 6:
            assert not weights[subset].any()
            continue
        found = weights[subset] @ values
        scale = 12 if subset == 511 else 1
        np.testing.assert_allclose(found, scale * expected[1:], atol=1e-12)


def exact_rank(rows):
    """Return the rank of a matrix of integers."""
    rows, rank = [[Fraction(int(value)) for value in row] for row in rows], 0
    for column in range(6):
        pivot = next((row for row in rows[rank:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for row in rows[rank + 1 :]:
            factor = row[column] / pivot[column]
            row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        rank += 1
    return rank


def test_pixels_are_enough_unless_on_a_conic():
    """Some six pixels are on two lines or on an ellipse."""
    weights = fits()
    design = np.stack([polynomial(row, X, Y).ravel() for row in np.eye(6)], axis=1)
    few = 0
    for subset in range(512):
        kept = np.array([subset >> k & 1 for k in range(9)], bool)
        enough = kept.sum() >= 6 and exact_rank(design[kept]) == 6
        assert weights[subset].any() == enough
        few += kept.sum() == 6 and not enough
    assert few > 6


def one_source(values):
    """Return a source that is the whole image."""
    return Sources.from_labels(np.ones(values.shape, np.int32))


def fitted(values, error=None, mask=None, sources=None):
    """Fit to the brightest pixel of an image that is one source."""
    sources = sources or one_source(values)
    known = np.where(np.isfinite(values), values, -np.inf).ravel()
    peak = sources.pixel[known[sources.pixel].argmax()].reshape(1)
    plain = np.full((1, 2), -7.0), np.full((1, 3), -8.0)
    return centroids.quadratic(sources, values, error, mask, peak, *plain, 1)


def test_the_maximum_of_a_polynomial_is_found():
    y, x = np.mgrid[:5, :7]
    c = (9.0, 0.2, -0.3, 0.15, -0.8, -0.6)
    values = polynomial(c, x - 3.0, y - 2.0)
    hessian = np.array([[2 * c[4], c[3]], [c[3], 2 * c[5]]])
    expected = np.linalg.solve(hessian, [-c[1], -c[2]]) + (3, 2)
    mask = np.zeros(values.shape, bool)
    for pixel in ((1, 2), (3, 4), (2, 4)):
        centre, covariance, fallback = fitted(values, mask=mask)
        np.testing.assert_allclose(centre[0], expected, atol=1e-13)
        assert not fallback[0]
        assert np.isnan(covariance).all()
        mask[pixel] = True
        values = np.where(mask, np.nan, values)


def test_errors_of_fits_are_the_linear_response_to_pixels():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:5, :5]
    values = polynomial((9.0, 0.2, -0.3, 0.15, -0.8, -0.6), x - 2.0, y - 2.0)
    values += rng.normal(0, 0.02, values.shape)
    error, mask = rng.uniform(0.1, 1, values.shape), np.zeros(values.shape, bool)
    mask[1, 3] = True
    response = np.zeros((2, 25))
    for k in range(25):
        step = np.zeros(25)
        step[k] = 1e-6
        above, below = (fitted(values + s * step.reshape(5, 5), mask=mask)[0] for s in (1, -1))
        response[:, k] = (above - below)[0] / 2e-6
    expected = response * error.ravel() ** 2 @ response.T
    _, covariance, _ = fitted(values, error, mask)
    np.testing.assert_allclose(
        covariance[0], [expected[0, 0], expected[1, 1], expected[0, 1]], rtol=1e-6
    )


@pytest.mark.parametrize("times", [1, 55.654495, 0.1, 1e-30])
@pytest.mark.parametrize("more", [0, 0.3, 1e4])
def test_a_pixel_without_curvature_has_no_maximum(times, more):
    """Rounding must not decide it, also where the sums of the numbers are not exact."""
    ridge = np.array([[0, 0, 0, 0, 0], [1, 2, 2, 2, 1], [0, 0, 0, 0, 0]], float)
    values = times * (np.vstack([np.zeros(5), ridge, np.zeros(5)]) + more)
    labels = np.zeros(values.shape, np.int32)
    labels[1:4, 1:5] = 1
    labels[2, 1] = 0  # the peak is the second pixel of the ridge, with equal ones on both sides
    centre, _, fallback = fitted(values, sources=Sources.from_labels(labels))
    assert fallback[0]
    assert (centre == -7).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (-np.ones((4, 4)), (0, 0)),
        (np.zeros((4, 4)), (0, 0)),
        (np.pad([[5.0]], 1)[1:], (1, 0)),
        (np.ones((2, 9)), (-7, -7)),
    ],
)
def test_peaks_at_the_edge_are_the_result(values, expected):
    centre, covariance, fallback = fitted(values, np.ones(values.shape))
    if min(values.shape) < 3:
        assert (covariance == -8).all()
    elif values.max() <= 0 or min(values.shape) > 3:
        assert tuple(centre[0]) == expected
        assert np.isnan(covariance).all()
    assert fallback[0]


def test_empty_pixels_of_the_box_are_brighter_than_dark_ones():
    """The source is dark but for a masked pixel and a hole in its middle: the first of them."""
    values = -np.ones((5, 5))
    values[3, 2] = -0.2
    labels = np.ones((5, 5), np.int32)
    labels[3, 1] = 0
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    values[mask] = np.nan
    centre, _, fallback = fitted(values, mask=mask, sources=Sources.from_labels(labels))
    assert fallback[0] or (np.abs(centre[0] - (3, 2)) < 1.5).all()
    values[2, 3] = np.nan
    values[1:4, 2:5] = [[-3, -2, -3], [-2, np.nan, -2], [-3, -2, -3]]
    centre, _, fallback = fitted(values, mask=mask, sources=Sources.from_labels(labels))
    np.testing.assert_allclose(centre[0], (3, 2), atol=1e-12)
    assert not fallback[0]


def window_once(data, error, labels, mask, label, window, method):
    """One search, from the definition."""
    y, x = np.indices(data.shape)
    xcen, ycen, sigma = window
    reach = int(4 * sigma + 1.5)
    for _ in range(16):
        j, i = int(xcen + 0.5), int(ycen + 0.5)
        near = (np.abs(x - j) <= reach) & (np.abs(y - i) <= reach)
        other = near & (labels != label) & (labels != 0)
        bad = np.zeros(data.shape, bool) if mask is None else mask.copy()
        value, variance = np.where(bad, 0, data), np.where(bad, 0, error) ** 2
        if method == apertures.MASK:
            value, variance = np.where(other, 0, value), np.where(other, 0, variance)
        elif method == apertures.CORRECT:
            source, noise = value.copy(), variance.copy()
            for p, q in np.argwhere(other & ~bad):
                m, n = 2 * i - p, 2 * j - q
                inside = 0 <= m < data.shape[0] and 0 <= n < data.shape[1] and near[m, n]
                usable = inside and not other[m, n] and not bad[m, n]
                value[p, q] = source[m, n] if usable else 0
                variance[p, q] = noise[m, n] if usable else 0
        dx, dy = x - xcen, y - ycen
        weight = np.where(dx**2 + dy**2 <= 16 * sigma**2, 1, 0) * near
        weight = weight * np.exp(-(dx**2 + dy**2) / (2 * sigma**2))
        flux = (weight * value).sum()
        step = np.array([(weight * value * d).sum() / flux for d in (dx, dy)])
        xcen, ycen = (xcen, ycen) + 2 * step
        if np.hypot(*step) <= 1e-4:
            break
    second = [(weight**2 * variance * t).sum() for t in (1, dx * dx, dy * dy, dx * dy)]
    least = second[0] / 12
    covariance = np.array([second[1] + least, second[2] + least, second[3]]) * 4 / flux**2
    light = [(weight * value * t).sum() / flux for t in (dx * dx, dy * dy, dx * dy)]
    return (xcen, ycen), covariance, [*light, 4 * least / flux**2]


def test_weights_of_windows_are_exponentials_to_an_ulp_and_nothing_beyond(tmp_path):
    x = np.append(np.linspace(-16, 0, 100_001), [-18, -1e300, -np.inf, np.nan])
    weight = np.empty_like(x)
    build("centroids_steps.cpp", tmp_path)("weights", x, weight, len(x))
    expected = np.exp(x[:-4].astype(np.longdouble))
    ulps = np.abs(weight[:-4] - expected) / np.spacing(weight[:-4])
    assert ulps.max() < 1.25
    assert weight[-5] == 1
    assert not weight[-4:].any()


@pytest.mark.parametrize("method", [apertures.NONE, apertures.MASK, apertures.CORRECT])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_windows_rest_where_their_definition_says(method, dtype):
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:40, :44]
    at = np.array([(10.2, 12.7), (16.5, 13.0), (30.1, 30.4), (0.8, 38.0), (42.6, 5.0)])
    data = rng.normal(0, 0.1, x.shape)
    labels = np.zeros(x.shape, np.int32)
    for k, (xcen, ycen) in enumerate(at):
        spot = (20 + 9 * k) * np.exp(-((x - xcen) ** 2 + (y - ycen) ** 2) / (2 * 1.8**2))
        data += spot
        labels[spot > 2] = k + 1
    data, error = data.astype(dtype), rng.uniform(0.1, 1, x.shape).astype(dtype)
    mask = rng.random(x.shape) < 0.03
    windows = np.column_stack((at + rng.normal(0, 0.3, at.shape), [1.5, 2.0, 2.5, 1.8, 1.1]))
    n, label = len(at), np.arange(1, len(at) + 1, dtype=np.int32)
    results = [
        centroids.windowed(
            data, error, labels, mask, (0, 0, *data.shape), label, windows, np.zeros((n, 3)),
            np.zeros((n, 3)), method, n_threads,
        )
        for n_threads in (1, 2)
    ]  # fmt: skip
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    centre, covariance, light, fallback, beyond = results[0]
    assert not fallback.any()
    assert not beyond.any()
    for k in range(n):
        expected = window_once(data.astype(float), error.astype(float), labels, mask, k + 1,
                               windows[k], method)  # fmt: skip
        np.testing.assert_allclose(centre[k], expected[0], atol=1e-11)
        np.testing.assert_allclose(covariance[k], expected[1], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(light[k], expected[2], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_a_search_in_a_frame_has_the_bits_of_the_whole_image_or_says_that_it_came_to_an_end(seed):
    rng = np.random.default_rng(seed)
    n, (ny, nx) = 300, (90, 100)
    y, x = np.mgrid[:ny, :nx]
    data, at = rng.normal(0, 1, (ny, nx)), rng.uniform(0, (nx, ny), (n, 2))
    for xcen, ycen in at[:40]:
        data += rng.uniform(2, 40) * np.exp(-((x - xcen) ** 2 + (y - ycen) ** 2) / 8)
    labels, label = np.zeros((ny, nx), np.int32), np.ones(n, np.int32)
    windows = np.column_stack((at, rng.uniform(0.4, 4, n)))
    rest = label, windows, np.full((n, 3), 1e-3), np.zeros((n, 3)), 0, 1
    whole = centroids.windowed(data, None, labels, None, (0, 0, ny, nx), *rest)
    assert not whole[4].any()
    part = np.s_[20:70, 30:85]
    cut = [np.ascontiguousarray(each[part]) for each in (data, labels)]
    found = centroids.windowed(cut[0], None, cut[1], None, (20, 30, ny, nx), *rest)
    sure = ~found[4]
    assert 20 < sure.sum() < n - 20
    np.testing.assert_array_equal(found[3][sure], whole[3][sure])
    # Positions count from another pixel: the last bits may differ, as of anything in a frame.
    np.testing.assert_allclose(found[0][sure], whole[0][sure], rtol=0, atol=1e-9)
    assert np.any(found[0][~sure] != whole[0][~sure])


@pytest.mark.parametrize("step", [(1, 1), (-1, 1), (2, 1), (0, 1)])
def test_rounding_does_not_decide_about_the_light_of_pixels_in_a_line(step):
    """Their second moments have no determinant; one that is a little below 0 is none, either."""
    rng = np.random.default_rng(7)
    n = 400
    for values in rng.integers(1, 9, (6, 2)):
        data = np.zeros((30, 40))
        y, x = np.array([14, 20])[:, None] + np.outer(step, (0, 1))
        data[y, x] = values
        begin = np.average(x, weights=values), np.average(y, weights=values)
        windows = np.column_stack((np.tile(begin, (n, 1)), rng.uniform(0.3, 2.0, n)))
        label, zero = np.ones(n, np.int32), np.zeros((n, 3))
        centre, _, _, fallback, _ = centroids.windowed(
            data, None, (data > 0).astype(np.int32), None, (0, 0, 30, 40), label, windows, zero,
            zero, 0, 1,
        )  # fmt: skip
        assert not fallback.any()
        # They move along the line.
        away = (centre - begin) @ np.array([step[0], -step[1]])
        np.testing.assert_allclose(away, 0, atol=1e-9)


def test_the_least_variance_of_a_centre_of_mass_is_that_of_pixels():
    rng = np.random.default_rng(6)
    labels = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((5, 6))).astype(np.int32)
    sources = Sources.from_labels(labels)
    image = rng.uniform(0.5, 4, labels.shape)
    error = rng.uniform(0.1, 1, labels.shape)
    for k, tilt in itertools.product((2, 3), range(6)):  # a line of errors, a single one
        error[labels == k] = 0
        at = np.argwhere(labels == k).min(axis=0)
        error[at[0] + min(tilt, 4) * (k == 2), at[1] + tilt * (k == 2)] = 0.7
    image[labels == 4] = 0
    image[12, 3], error[2, 20] = -1.0, np.nan
    raw, _ = moments(sources, image, None, 1)
    mask = rng.random(labels.shape) < 0.05
    found = centroids.covariance(sources, error, image, mask, raw, 1)
    for k in range(12):
        y, x = np.nonzero((labels == k + 1) & (image > 0))
        flux = image[y, x].sum()
        variance = np.where(mask[y, x], 0, error[y, x] ** 2) / flux**2 if flux else np.nan
        if not flux:
            assert np.isnan(found[k]).all()
            continue
        dx, dy = x - (x * image[y, x]).sum() / flux, y - (y * image[y, x]).sum() / flux
        matrix = np.array([[variance @ dx**2, variance @ (dx * dy)], [0, variance @ dy**2]])
        matrix[1, 0] = matrix[0, 1]
        if np.isnan(matrix).any():
            assert np.isnan(found[k]).all()
            continue
        values, vectors = np.linalg.eigh(matrix)
        expected = vectors * np.maximum(values, variance.sum() / 12) @ vectors.T
        np.testing.assert_allclose(
            found[k], [expected[0, 0], expected[1, 1], expected[0, 1]], rtol=1e-9, atol=1e-16
        )
    assert np.linalg.eigvalsh(matrix)[0] > variance.sum() / 12  # some are above it
