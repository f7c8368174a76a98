"""The nearest label of each pixel is that of the Euclidean distances, exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from skyshed.kernels.nearest import nearest_labels


def draw(seed, shape):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 6, shape).astype(np.int32)
    labels[rng.random(shape) > 10 ** rng.uniform(-2.5, -0.3)] = 0
    return labels


def by_definition(labels, reach):
    """Return the nearest label and the square of its distance: over all pairs of pixels."""
    y, x = (each.ravel() for each in np.indices(labels.shape))
    at = np.flatnonzero(labels)
    none = reach**2 + 1
    if at.size == 0:
        return np.zeros_like(labels), np.full(labels.shape, none)
    squared = (y[:, None] - y[at]) ** 2 + (x[:, None] - x[at]) ** 2
    least = squared.min(axis=1)
    label = np.where(squared == least[:, None], labels.ravel()[at], 99).min(axis=1)
    far = least > reach**2
    label[far], least[far] = 0, none
    return label.reshape(labels.shape), least.reshape(labels.shape)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    reach=st.integers(0, 12),
)
def test_nearest_labels_are_those_of_all_pairs(seed, shape, reach):
    labels = draw(seed, shape)
    found = nearest_labels(labels, reach, shape[0], 1)
    for got, expected in zip(found, by_definition(labels, reach), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_distances_are_scipys(n_threads):
    labels = draw(3, (300, 410))
    _, squared = nearest_labels(labels, 400, 300, n_threads)
    expected = distance_transform_edt(labels == 0)
    np.testing.assert_allclose(np.sqrt(squared), expected, rtol=1e-12)


def test_images_below_one_another_are_nothing_to_each_other():
    one, other = draw(4, (40, 50)), draw(5, (40, 50))
    together = nearest_labels(np.concatenate([one, other]), 9, 40, 2)
    apart = [nearest_labels(each, 9, 40, 1) for each in (one, other)]
    for got, parts in zip(together, zip(*apart, strict=True), strict=True):
        np.testing.assert_array_equal(got, np.concatenate(parts))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_an_image_may_be_empty(shape):
    nearest, squared = nearest_labels(np.zeros(shape, np.int32), 3, 1, 1)
    assert nearest.shape == squared.shape == shape
