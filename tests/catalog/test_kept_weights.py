"""Which pixels sums over apertures read, and weights that frames have in common."""

import pickle

import numpy as np
import pytest

from skyshed.catalog.kept_weights import WeightsInCommon, rows_read
from skyshed.kernels import apertures

SHAPE = 24, 31


def many_ellipses(rng, n=400):
    """Return ellipses about positions in an image and a little outside, tiny to long."""
    ny, nx = SHAPE
    axes = 10 ** rng.uniform(-2, 1.5, (2, n))
    return np.column_stack(
        [rng.uniform(-2, nx + 1, n), rng.uniform(-2, ny + 1, n), *axes, rng.uniform(-4, 4, n)]
    )


@pytest.mark.parametrize("origin", [(0, 0), (5, 9)])
@pytest.mark.parametrize("method", [apertures.NONE, apertures.MASK, apertures.CORRECT])
def test_sums_read_no_pixel_outside_of_the_rows_that_are_said(method, origin):
    rng = np.random.default_rng(3)
    ellipses = many_ellipses(rng)
    ellipses[:, :2] += origin[::-1]
    n, place = len(ellipses), (*origin, SHAPE[0] + 9, SHAPE[1] + 9)
    labels = rng.integers(0, 3, SHAPE).astype(np.int32)
    data, error = rng.normal(size=(2, *SHAPE))
    # Each ellipse by itself: what one does not read, another may.
    for i in range(n):
        label, ellipse = np.ones(1, np.int32), ellipses[i : i + 1]
        kept = apertures.keep_weights(labels, place, label, ellipse, 10**6, 1)
        read = np.zeros(SHAPE, bool)
        for y, x0, x1 in rows_read(kept).tolist():
            read[y, max(x0, 0) : x1] = True
        others = labels, None, place, label, ellipse, np.zeros(1), method, 1
        expected = apertures.aperture_sums(data, error, None, *others)
        found = apertures.aperture_sums(
            np.where(read, data, np.nan), np.where(read, error, np.nan), None, *others
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=str(ellipse))


def test_rows_that_are_read_lie_in_the_image():
    rng = np.random.default_rng(4)
    ellipses = many_ellipses(rng)
    label = np.ones(len(ellipses), np.int32)
    kept = apertures.keep_weights(
        np.zeros(SHAPE, np.int32), (0, 0, *SHAPE), label, ellipses, 10**6, 1
    )
    y, x0, x1 = rows_read(kept).T
    some = x0 < x1
    assert some.sum() > 1000
    assert np.isin(y, np.arange(SHAPE[0])).all()
    assert x0[some].min() >= 0
    assert x1[some].max() <= SHAPE[1]


def test_weights_are_not_pickled_with_what_keeps_them():
    kept = WeightsInCommon(1 << 20)
    labels = np.zeros((40, 50), np.int32)
    labels[10:15, 10:15] = 1
    ellipses = np.array([[12.0, 12, 4, 3, 0.5]])
    asked = labels, (0, 0, 40, 50), np.array([1], np.int32), ellipses, 1
    first = kept.of(*asked)
    again = pickle.loads(pickle.dumps(kept))
    assert len(pickle.dumps(kept)) < 200
    np.testing.assert_array_equal(again.of(*asked).rims, first.rims)
    assert again.left == kept.left
