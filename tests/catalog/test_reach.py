"""Boxes around sources, and the runs of pixels that they are made of."""

import numpy as np
import pytest

from skyshed.catalog.reach import circle_boxes, runs_of


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("seed", range(20))
def test_runs_are_the_pixels_of_all_boxes_and_none_twice(seed, multiple):
    rng = np.random.default_rng(seed)
    shape = ny, nx = int(rng.integers(1, 30)), int(rng.integers(1, 40))
    low = rng.integers(0, shape, (12, 2))
    high = np.minimum(low + rng.integers(0, 9, (12, 2)), shape)
    boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
    wanted = np.zeros(shape, int)
    for y0, y1, x0, x1 in boxes:
        if y1 > y0 and x1 > x0:
            x0, x1 = x0 // multiple * multiple, min(-(-x1 // multiple) * multiple, nx)
            wanted[y0:y1, x0:x1] = 1
    drawn = np.zeros(ny * nx, int)
    for begin, end in runs_of(boxes, shape, multiple):
        assert begin // nx == (end - 1) // nx
        drawn[begin:end] += 1
    np.testing.assert_array_equal(drawn.reshape(shape), wanted)


def test_circles_of_any_radius_have_boxes():
    x, y = np.array([5.0, 5.0, 1e30, np.nan]), np.array([7.0, 7.0, 0.0, 1.0])
    boxes = circle_boxes(x, y, np.array([2.0, 1e19, 1.0, 1.0]))
    np.testing.assert_array_equal(boxes[0], [3, 12, 1, 10])
    assert boxes[1, 0] < -(10**9) < 10**9 < boxes[1, 1]
    assert boxes[2, 2] > 10**9
    assert boxes[3, 0] > boxes[3, 1]
