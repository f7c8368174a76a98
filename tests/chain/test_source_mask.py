"""What the second pass over the background leaves out lies within a distance, exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from skyshed.chain import source_mask
from skyshed.chain.source_mask import grown, grown_in, reach_of
from skyshed.images.window import Window

#: Distances between pixels that the square root rounds, and others.
DISTANCES = [0, 0.5, 1, 2**0.5, 2, 5**0.5, 3, 10**0.5, 13**0.5, 4.9, 5, 8, 25**0.5, 65**0.5, 40]


def draw(seed, shape):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < 10 ** rng.uniform(-3, -0.5)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    distance=st.sampled_from(DISTANCES),
)
def test_a_mask_grows_as_the_euclidean_distances_say(seed, shape, distance):
    mask = draw(seed, shape)
    before = mask.copy()
    expected = mask
    if mask.any():
        expected = distance_transform_edt(~mask) <= distance
    np.testing.assert_array_equal(grown(mask, distance), expected)
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize("distance", [0, 1.5, 6, 9.5])
def test_a_window_grows_as_in_the_whole_image(distance):
    mask = draw(5, (60, 70))
    window = Window(20, 41, 0, 33)
    around = window.grown(reach_of(distance), mask.shape)
    part = grown_in(mask[around.slices], distance, around, window)
    np.testing.assert_array_equal(part, grown(mask, distance)[window.slices])


@pytest.mark.parametrize("distance", [0, 2, 9.5, 70])
@pytest.mark.parametrize("pixels", [1, 300, 1500])
def test_a_mask_grows_in_strips_as_at_once(monkeypatch, distance, pixels):
    mask = draw(6, (60, 50))
    expected = grown(mask, distance)
    monkeypatch.setattr(source_mask, "IN_CACHE", pixels)
    np.testing.assert_array_equal(grown(mask, distance), expected)
