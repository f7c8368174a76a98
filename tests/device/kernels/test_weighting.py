"""Images from scattered points on the GPU: those of the CPU twin, but where distances are equal."""

import numpy as np
import pytest

from skyshed.kernels import twin, weighting
from tests.device import standin
from tests.device.kernels.twins import to_device, to_host


def points(seed, n, shape):
    rng = np.random.default_rng(seed)
    where = rng.uniform(-5, np.max(shape), (n, 2))
    where[0] = 7, 11  # the only one at the center of a pixel: no two at one distance
    return rng.normal(50, 5, n), where


def on_both(cupy, values, where, *args):
    """Return what the twins make of the same points, which stay on the host."""
    contract = weighting.expand.__wrapped__
    there = twin(contract, "cuda")(cupy.asarray(values), where, *args)
    return to_host(cupy, there), twin(contract, "cpu")(values, where, *args)


@pytest.mark.parametrize(
    ("n", "n_neighbors", "power", "regularization"),
    [
        (40, 10, 1.0, 0.0),
        (40, 1, 1.0, 0.0),
        (90, 35, 2.0, 0.3),
        (7, 40, 0.5, 0.0),
        (9, 5, 1.7, 0.1),
        (1, 10, 1, 0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_are_those_of_the_cpu(cupy, n, n_neighbors, power, regularization, dtype):
    shape = (31, 37)
    values, where = points(1, n, shape)
    args = shape, n_neighbors, float(power), float(regularization), 10, None
    result, expected = on_both(cupy, values.astype(dtype), where, *args)
    assert result.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_no_weight_gives_nan(cupy):
    where = np.array([[0.0, 0.0], [0.0, 3.0]])
    args = np.array([1.0, 2.0]), where, (2, 4), 2, 1.0, np.inf, 10, None
    result, expected = on_both(cupy, *args)
    np.testing.assert_array_equal(result, expected)
    assert expected[0, 0] == 1
    assert np.isnan(expected[1]).all()


def test_of_points_at_one_distance_the_first_count(cupy):
    """Four corners of a square about a pixel, two neighbours."""
    where = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
    expand = twin(weighting.expand.__wrapped__, "cuda")
    found = expand(cupy.asarray([1.0, 2, 4, 8]), where, (3, 3), 2, 1.0, 0.0, 10, None)
    assert to_host(cupy, found)[1, 1] == 1.5


def test_in_any_order_of_threads_with_the_same_bits(cupy):
    values, where = points(3, 30, (20, 20))
    expand = twin(weighting.expand.__wrapped__, "cuda")
    found = []
    for seed, preempt in ((0, 0.0), (1, 0.0), (2, 0.3)):
        with standin.schedule(seed, preempt):
            image = expand(to_device(cupy, values), where, (20, 20), 20, 1.0, 0.0, 10, None)
            found.append(to_host(cupy, image))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
