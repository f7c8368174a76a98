"""Detections are matched with the brightest true source near them; scores are what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyshed.quality.matching import isolated, match
from skyshed.quality.scores import FEWEST, completeness, limit, middle, pull_width, spread


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40), n_true=st.integers(0, 40))
def test_matches_are_those_of_all_pairs(seed, n, n_true):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 20, (2, n))
    tx, ty = rng.uniform(0, 20, (2, n_true))
    flux = rng.permutation(n_true) + 1.0
    found = match(x, y, tx, ty, flux, 3.0)
    distance = np.hypot(x[:, None] - tx, y[:, None] - ty)
    for k in range(n):
        near = np.flatnonzero(distance[k] <= 3)
        brightest = near[np.argmax(flux[near])] if near.size else -1
        assert found.source_of[k] == brightest
    for k in range(n_true):
        own = np.flatnonzero(found.source_of == k)
        nearest = own[np.argmin(distance[own, k])] if own.size else -1
        assert found.detection_of[k] == nearest


def test_a_detection_without_a_place_is_of_nothing():
    found = match([np.nan, 1.0], [0.0, 1.0], [1.0], [1.0], [5.0], 2.0)
    np.testing.assert_array_equal(found.source_of, [-1, 0])
    np.testing.assert_array_equal(found.detection_of, [1])


def test_neighbours_disturb_only_those_they_outshine():
    alone = isolated([0, 4, 50], [0, 0, 0], [100.0, 4.0, 1.0], 10, 0.05)
    np.testing.assert_array_equal(alone, [True, False, True])
    assert isolated([], [], [], 10, 0.05).size == 0


def test_the_width_of_pulls_is_1_where_errors_are_right():
    rng = np.random.default_rng(1)
    error = rng.uniform(1, 5, 50_000)
    measured = 7 + error * rng.standard_normal(error.size)
    assert pull_width(measured, 7, error) == pytest.approx(1, abs=0.02)
    assert pull_width(measured, 7, error / 2) == pytest.approx(2, abs=0.04)


def test_few_values_have_no_score():
    few = np.arange(FEWEST - 1.0)
    assert np.isnan(middle(few))
    assert np.isnan(spread([*few, np.nan]))
    assert middle([*few, 3.0]) == np.median([*few, 3.0])


def test_completeness_falls_through_its_limit():
    edges = np.arange(20, 25)
    found, magnitude = [1, 1, 1, 0, 1, 0, 0, 0], [20.5, 20.6, 21.1, 21.2, 22.1, 22.2, 23.1, 23.3]
    share = completeness(found, magnitude, edges)
    np.testing.assert_allclose(share, [1, 0.5, 0.5, 0])
    assert limit(share, edges) == pytest.approx(22.5)
    assert np.isnan(limit([1, 1, 1, 1], edges))
