"""The nearest points of a grid are those of SciPy's tree, equal distances in its order."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyshed.kernels.neighbours import nearest


def draw_grid(rng):
    """Return the points and the places of a grid, some of which are missing in clusters."""
    shape = rng.integers(1, 60, 2)
    holes = rng.random(shape) < rng.choice([0.01, 0.1, 0.5, 0.9])
    for _ in range(rng.integers(0, 4)):
        y, x = rng.integers(0, shape)
        holes[y : y + rng.integers(1, 20), x : x + rng.integers(1, 20)] = True
    holes.flat[rng.integers(0, holes.size)] = False
    return np.argwhere(~holes), np.argwhere(holes)


@pytest.mark.parametrize("part", range(4))
def test_points_distances_and_their_order_are_those_of_scipy(part):
    rng = np.random.default_rng(part)
    for _ in range(250):
        points, places = draw_grid(rng)
        k, leafsize = int(rng.choice([1, 2, 10, 17])), int(rng.choice([1, 3, 10, 16]))
        tree = cKDTree(points, leafsize=leafsize)
        expected = tree.query(places, k=range(1, k + 1))
        for n_threads in (1, 3):
            distance, index = nearest(points, places, k, leafsize, n_threads)
            np.testing.assert_array_equal(index, expected[1])
            np.testing.assert_array_equal(distance, expected[0])


def test_places_far_from_all_points_and_a_large_grid():
    rng = np.random.default_rng(7)
    points = np.argwhere(rng.random((400, 300)) < 0.95)
    places = rng.integers(-500, 900, (3000, 2))
    expected = cKDTree(points, leafsize=10).query(places, k=10)
    distance, index = nearest(points, places, 10, 10, 2)
    np.testing.assert_array_equal(index, expected[1])
    np.testing.assert_array_equal(distance, expected[0])


def test_no_places_find_nothing():
    distance, index = nearest(np.array([[1, 2]]), np.empty((0, 2), np.int64), 3, 10, 1)
    assert distance.shape == index.shape == (0, 3)
