"""Sums over shapes: weights against their definition, sums against the weights."""

import numpy as np
import pytest
from shapely.geometry import Polygon, box

from skyshed.kernels import native, shapes

FAMILIES = [shapes.CIRCLE, shapes.ELLIPSE, shapes.RECTANGLE]


def scene(dtype, n, seed=7):
    """An image with what goes with it, and a label for each of n shapes."""
    rng = np.random.default_rng(seed)
    data = rng.normal(3, 2, (60, 70)).astype(dtype)
    data[rng.random(data.shape) < 0.02] = np.nan
    data[10, 12] = np.inf
    error = rng.uniform(0.5, 2, data.shape).astype(dtype)
    error[rng.random(data.shape) < 0.01] = np.nan
    mask = rng.random(data.shape) < 0.03
    labels = np.zeros(data.shape, np.int32)
    for k, (y, x) in enumerate(rng.integers(0, 55, (25, 2)), 1):
        labels[y : y + 6, x : x + 7] = k
    label = rng.integers(-25, 26, n).astype(np.int32)
    label[::9], label[4::9] = shapes.ANY, 0
    return data, error, mask, labels, label


def reach(rows, family):
    a, b, theta = rows.T[2:5]
    c, s = np.cos(theta), np.sin(theta)
    if family == shapes.RECTANGLE:
        return np.abs(a * c) + np.abs(b * s), np.abs(a * s) + np.abs(b * c)
    return np.hypot(a * c, b * s), np.hypot(a * s, b * c)


def shape_rows(family, n, shape, seed=3):
    """Shapes in, on and outside of the edges, half of them with holes; and their clipped boxes."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 7))
    rows[:, 0], rows[:, 1] = rng.uniform(-8, shape[1] + 8, n), rng.uniform(-8, shape[0] + 8, n)
    rows[::4, :2] = np.round(rows[::4, :2])
    a = rng.uniform(0.2, 9, n)
    b = a if family == shapes.CIRCLE else a * rng.uniform(0.15, 1, n)
    theta = rng.choice([0, np.pi / 2, 0.4, -1.1], n) * (family != shapes.CIRCLE)
    rows[:, 2], rows[:, 3], rows[:, 4] = a, b, theta
    rows[::2, 5], rows[::2, 6] = 0.6 * a[::2], 0.6 * b[::2]
    width, height = reach(rows, family)
    x, y = rows[:, 0], rows[:, 1]
    ny, nx = shape
    boxes = np.stack(
        [
            np.floor(y - height + 0.5).clip(0, ny), np.ceil(y + height + 0.5).clip(0, ny),
            np.floor(x - width + 0.5).clip(0, nx), np.ceil(x + width + 0.5).clip(0, nx),
        ],
        axis=1,
    )  # fmt: skip
    return rows, boxes.astype(np.int64)


def outline(family, x, y, a, b, theta):
    """A polygon: exact for rectangles, of 40,000 corners for ellipses."""
    if family == shapes.RECTANGLE:
        u, v = np.array([[-a, a, a, -a], [-b, -b, b, b]])
    else:
        t = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
        u, v = a * np.cos(t), b * np.sin(t)
    c, s = np.cos(theta), np.sin(theta)
    return Polygon(np.stack([x + u * c - v * s, y + u * s + v * c], axis=1))


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_weights_are_the_areas_that_polygons_share(family):
    rows, boxes = shape_rows(family, 12, (60, 70))
    table = shapes.weights(rows, boxes, family, 0, 500, 1)
    tolerance = 1e-13 if family == shapes.RECTANGLE else 3e-6
    for row, (y0, y1, x0, x1), weights in zip(rows, boxes, table, strict=True):
        shape = outline(family, *row[:5])
        if row[5]:
            shape = shape.difference(outline(family, *row[:2], row[5], row[6], row[4]))
        pixels = [(j, i) for j in range(y0, y1) for i in range(x0, x1)]
        areas = [
            shape.intersection(box(i - 0.5, j - 0.5, i + 0.5, j + 0.5)).area for j, i in pixels
        ]
        np.testing.assert_allclose(weights[: len(pixels)], areas, rtol=0, atol=tolerance)
        assert not weights[len(pixels) :].any()


@pytest.mark.parametrize("largest", [1.7, 9.0, 60.0])
def test_a_circles_weights_are_those_of_an_ellipse_with_equal_axes(largest):
    n, rng = 150, np.random.default_rng(11)
    rows = np.zeros((n, 7))
    rows[:, :2], rows[:, 2] = rng.uniform(-3, 70, (n, 2)), rng.uniform(0.3, largest, n)
    rows[::3, :2], rows[1::6, 2] = np.round(2 * rows[::3, :2]) / 2, np.ceil(rows[1::6, 2])
    rows[:, 3], rows[::2, 5] = rows[:, 2], 0.7 * rows[::2, 2]
    rows[:, 6] = rows[:, 5]
    reached = (
        np.floor(rows[:, 1::-1] - rows[:, 2:3] + 0.5),
        np.ceil(rows[:, 1::-1] + rows[:, 2:3] + 0.5),
    )
    boxes = np.stack(reached, axis=2).clip(0, 60).reshape(n, 4).astype(np.int64)
    circles, ellipses = (
        shapes.weights(rows, boxes, family, 0, 3600, 1)
        for family in (shapes.CIRCLE, shapes.ELLIPSE)
    )
    np.testing.assert_allclose(circles, ellipses, rtol=0, atol=2e-14 if largest > 10 else 4e-15)
    np.testing.assert_array_equal(circles == 1, ellipses == 1)


@pytest.mark.parametrize("theta", [0.0, 0.3, np.pi / 4, np.pi / 2, 2.0, -3.0, np.pi])
def test_weights_of_narrow_and_tiny_rectangles_are_the_areas_that_polygons_share(theta):
    rng = np.random.default_rng(5)
    for half in ((6.0, 0.05), (0.2, 0.3), (0.4, 5.0), (2.0, 2.0)):
        x, y = rng.uniform(8, 9, 2)
        row, boxes = np.array([[x, y, *half, theta, 0, 0]]), np.array([[0, 18, 0, 18]])
        weights = shapes.weights(row, boxes, shapes.RECTANGLE, 0, 324, 1)[0].reshape(18, 18)
        shape = outline(shapes.RECTANGLE, *row[0, :5])
        for j, i in np.ndindex(18, 18):
            area = shape.intersection(box(i - 0.5, j - 0.5, i + 0.5, j + 0.5)).area
            assert weights[j, i] == pytest.approx(area, abs=1e-13)
            assert area > 0 or weights[j, i] < 1e-15


@pytest.mark.parametrize("samples", [1, 2, 5])
@pytest.mark.parametrize("family", FAMILIES)
def test_sampled_weights_are_the_points_inside(family, samples):
    rows, boxes = shape_rows(family, 30, (60, 70), seed=5)
    rows[:, :2] += 0.137  # no point on an outline
    table = shapes.weights(rows, boxes, family, samples, 600, 2)
    offsets = (np.arange(samples) + 0.5) / samples - 0.5
    for row, (y0, y1, x0, x1), weights in zip(rows, boxes, table, strict=True):
        size = max(y1 - y0, 0) * max(x1 - x0, 0)
        j, i = np.mgrid[y0 : max(y1, y0), x0 : max(x1, x0)]
        dy = (j.ravel() - row[1])[:, None, None] + offsets[:, None]
        dx = (i.ravel() - row[0])[:, None, None] + offsets
        u = dx * np.cos(row[4]) + dy * np.sin(row[4])
        v = dy * np.cos(row[4]) - dx * np.sin(row[4])
        expected = 0.0
        for a, b, sign in ((row[2], row[3], 1), (row[5], row[6], -1)):
            if a:
                inside = (
                    (np.abs(u) < a) & (np.abs(v) < b)
                    if family == shapes.RECTANGLE
                    else (u / a) ** 2 + (v / b) ** 2 < 1
                )
                expected = expected + sign * inside.mean(axis=(1, 2))
        np.testing.assert_allclose(weights[:size], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("samples", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [1, 2])
def test_sums_are_those_of_the_weights(family, samples, dtype, power):
    data, error, mask, *_ = scene(dtype, 1)
    rows, boxes = shape_rows(family, 50, data.shape)
    table = shapes.weights(rows, boxes, family, samples, 600, 1)
    background = np.linspace(-2, 2, 50)
    rest = None, background, family, samples, shapes.NO_RULE, power, True
    sums, seen = shapes.sums(data, error, mask, None, rows, boxes, *rest, 2)
    for k, (y0, y1, x0, x1) in enumerate(boxes):
        ny, nx = max(y1 - y0, 0), max(x1 - x0, 0)
        weight = table[k, : ny * nx].reshape(ny, nx)
        cut = slice(y0, y0 + ny), slice(x0, x0 + nx)
        used = (weight > 0) & np.isfinite(data[cut]) & ~mask[cut]
        values = (data[cut].astype(float) - background[k])[used] * weight[used]
        variances = weight[used] ** power * error[cut].astype(float)[used] ** 2
        out = weight[(weight > 0) & ~used].sum()
        expected = [values.sum(), variances.sum(), weight[used].sum(), out]
        np.testing.assert_allclose(sums[k], expected, rtol=1e-12, atol=1e-11)
        assert bool(seen[k] & shapes.Seen.USED) == used.any()
        assert bool(seen[k] & shapes.Seen.MASKED) == (mask[cut] & (weight > 0)).any()
        bad = ~np.isfinite(data[cut]) & ~mask[cut] & (weight > 0)
        assert bool(seen[k] & shapes.Seen.NON_FINITE) == bad.any()


def test_the_bits_are_those_of_any_number_of_threads_and_any_level_of_instructions():
    data, error, mask, labels, label = scene(np.float32, 300)
    for family in FAMILIES:
        rows, boxes = shape_rows(family, 300, data.shape)
        rest = label, None, family, 0, shapes.OWN, 2, True
        expected, seen = shapes.sums(data, error, mask, labels, rows, boxes, *rest, 1)
        for level in native.available_levels():
            with native.using_level(level):
                for n_threads in (1, 3):
                    found = shapes.sums(data, error, mask, labels, rows, boxes, *rest, n_threads)
                    np.testing.assert_array_equal(found[0], expected)
                    np.testing.assert_array_equal(found[1], seen)


def test_what_is_outside_of_the_image_or_not_drawn_is_nothing():
    rows = np.array([[-50.0, 3, 2, 2, 0, 0, 0], [5, 5, 0, 0, 0, 0, 0]])
    boxes = np.array([[1, 5, 0, 0], [0, 10, 0, 10]])
    rest = None, None, shapes.CIRCLE, 0, shapes.NO_RULE, 2, True, 1
    sums, seen = shapes.sums(np.ones((10, 10)), None, None, None, rows, boxes, *rest)
    assert not sums.any()
    assert not seen.any()
