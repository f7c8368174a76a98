"""Runs are drawn where they lie in a window, and nowhere else."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.kernels.painting import copy_runs, fill_runs

SHAPE = 23, 31


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.tuples(st.integers(0, 22), st.integers(0, 22)),
    columns=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_a_window_has_the_pixels_of_the_whole_image(seed, rows, columns):
    rng = np.random.default_rng(seed)
    image = np.where(rng.random(SHAPE) < 0.5, rng.integers(1, 4, SHAPE), 0).astype(np.int32)
    edges = [
        (y, *np.flatnonzero(np.diff(row, prepend=0, append=0) != 0)) for y, row in enumerate(image)
    ]
    found = [(y, x0, x1 - x0, image[y, x0]) for y, *ends in edges for x0, x1 in pairwise(ends)]
    y, x, length, value = np.array(found, np.int32).reshape(-1, 4).T.copy()
    y0, y1 = sorted(rows)
    x0, x1 = sorted(columns)
    here, origin = np.s_[y0 : y1 + 1, x0 : x1 + 1], (y0, x0)
    labels = np.full(image[here].shape, 9, np.int32)
    fill_runs(labels, origin, y, x, length, value)
    np.testing.assert_array_equal(labels, np.where(image[here] == 0, 9, image[here]))
    for dtype in (np.float32, np.float64):
        data = rng.normal(size=SHAPE).astype(dtype)
        wanted = np.concatenate([data[j, i : i + n] for j, i, n, _ in found] or [data[:0, 0]])
        wanted = np.where(np.repeat(value, length) == 0, dtype(0), wanted)
        drawn = copy_runs(np.zeros(labels.shape, dtype), origin, y, x, length, wanted)
        np.testing.assert_array_equal(drawn, np.where(image[here] == 0, dtype(0), data[here]))
