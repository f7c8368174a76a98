"""An image is finite if each of its pixels is, however large their sum."""

import numpy as np
import pytest

from skyshed.kernels.finiteness import all_finite


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (70, 129)])
def test_one_pixel_that_is_not_finite_is_found_wherever_it_is(shape, dtype):
    image = np.random.default_rng(1).normal(size=shape).astype(dtype)
    assert all_finite(image, 1)
    for place in np.random.default_rng(2).integers(0, shape, (40, 2)):
        for value in (np.nan, np.inf, -np.inf):
            other = image.copy()
            other[tuple(place)] = value
            assert not all_finite(other, 1)
            assert not all_finite(other, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_and_the_smallest_values_are_finite(dtype):
    info = np.finfo(dtype)
    image = np.array([[info.max, info.max, info.min, info.tiny, info.smallest_subnormal, -0.0]])
    assert all_finite(image.astype(dtype), 1)


def test_an_image_without_pixels_is_finite():
    assert all_finite(np.empty((0, 5)), 1)
    assert all_finite(np.empty((5, 0)), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_masked_need_not_be_finite(dtype):
    rng = np.random.default_rng(3)
    image = rng.normal(size=(70, 129)).astype(dtype)
    mask = rng.random(image.shape) < 0.1
    image[mask] = rng.choice([np.nan, np.inf, 1.0], mask.sum())
    assert not all_finite(image, 2)
    assert all_finite(image, 2, mask)
    places = np.argwhere(~mask)
    for y, x in places[rng.integers(0, len(places), 40)]:
        other = image.copy()
        other[y, x] = np.nan
        assert not all_finite(other, 1, mask)
        assert not all_finite(other, 3, mask)
