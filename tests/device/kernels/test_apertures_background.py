"""Local backgrounds on the GPU: those of the CPU twin, whether the annulus fits or not."""

import numpy as np
import pytest

from skyshed.kernels import apertures, twin
from tests.device import standin
from tests.device.kernels.twins import both, identical, to_device, to_host


def field(seed, dtype, shape=(110, 130), n=14):
    """Sky with bright pixels that clipping takes away, labels, NaN under a mask, and boxes."""
    rng = np.random.default_rng(seed)
    data = rng.normal(100, 5, shape)
    bright = rng.random(shape) < 0.08
    data[bright] += rng.exponential(40, bright.sum())
    data = data.astype(dtype)
    labels = (rng.random(shape) < 0.1).astype(np.int32) * 3
    mask = rng.random(shape) < 0.05
    data[mask] = np.nan
    y0, x0 = rng.integers(0, shape[0] - 8, n), rng.integers(0, shape[1] - 8, n)
    height, width = rng.integers(1, 8, (2, n))
    bbox = np.column_stack((y0, y0 + height, x0, x0 + width)).astype(np.int64)
    return data, labels, mask, bbox


@pytest.mark.parametrize("width", [1.0, 5.3, 24.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backgrounds_are_those_of_the_cpu(cupy, dtype, width):
    (result, counts), (expected, all_counts) = both(
        cupy, apertures.local_background, *field(1, dtype), width, None
    )
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    identical(counts, all_counts)
    assert (expected > 50).sum() > 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_annuli_that_do_not_fit_shared_memory(cupy, dtype):
    """Above 6144 float32 or 3072 float64 pixels; the hole may lie anywhere."""
    data, labels, mask, bbox = field(2, dtype)
    bbox = np.array([[40, 60, 50, 90], [0, 30, 0, 20], [100, 110, 1, 130], [-3, 2, 128, 140]])
    args = data, labels, mask, bbox.astype(np.int64), 45.0, None
    (result, counts), (expected, all_counts) = both(cupy, apertures.local_background, *args)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    identical(counts, all_counts)


def test_in_any_order_of_threads_with_the_same_bits(cupy):
    args = [to_device(cupy, arg) for arg in field(3, np.float32, n=6)]
    local_background = twin(apertures.local_background.__wrapped__, "cuda")
    found = []
    for seed, preempt in ((0, 0.0), (1, 0.0), (2, 0.3)):
        with standin.schedule(seed, preempt):
            found.append(to_host(cupy, local_background(*args, 8.0, None)))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_the_place_of_the_values_makes_no_difference_to_the_bits(cupy, monkeypatch):
    """A float32 image's annulus is held in shared memory, the same values as float64 are not."""
    data, labels, mask, bbox = field(4, np.float32, n=3)
    bbox[:, 1], bbox[:, 3] = bbox[:, 0] + 20, bbox[:, 2] + 20
    found = [
        both(cupy, apertures.local_background, image, labels, mask, bbox, 20.0, None)[0][0]
        for image in (data, data.astype(np.float64))
    ]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    "values",
    [
        np.full(5, 0.1), np.array([1.0, 2.0]), np.array([-1.0, 0.0, -0.0, 1.0]),
        np.array([1e-140, 3.0, -1e140, 1e140]), np.array([0.0, -0.0]),
    ],
    ids=["equal", "two", "around zero", "far apart", "zeros"],
)  # fmt: skip
def test_awkward_values(cupy, values):
    rng = np.random.default_rng(7)
    data = rng.choice(values, (40, 40))
    labels, bbox = np.zeros((40, 40), np.int32), np.array([[18, 22, 18, 22], [0, 3, 0, 3]])
    for width in (2.0, 9.0):
        (result, _), (expected, _) = both(
            cupy, apertures.local_background, data, labels, None, bbox, width, None
        )
        scale = np.abs(values).max() or 1.0
        np.testing.assert_allclose(result / scale, expected / scale, rtol=0, atol=1e-12)


def test_too_few_pixels_have_no_background(cupy):
    data, labels = np.full((30, 30), 7.0), np.ones((30, 30), np.int32)
    bbox = np.array([[10, 20, 10, 20], [0, 3, 0, 3], [0, 30, 0, 30]])
    for usable in (0, 9, 10):
        labels[:] = 1
        labels[0, :usable] = 0
        (result, counts), expected = both(
            cupy, apertures.local_background, data, labels, None, bbox, 25.0, None
        )
        identical((result, counts), expected)
        assert counts[0] == usable
        assert result[0] == (7.0 if usable == 10 else 0.0)
        assert result[2] == 0.0


def test_the_last_limits_may_let_values_in_again(cupy):
    """Without both 31 the median drops from 11 to 6, and the lower limit with it: -7 is back."""
    values = np.repeat([1.0, 11.0, -7.0, 31.0], [60, 60, 1, 2])
    data, labels = np.zeros((30, 30)), np.ones((30, 30), np.int32)
    at = np.random.default_rng(1).permutation(15 * 30)[:123]  # above the hole
    data.reshape(-1)[at], labels.reshape(-1)[at] = values, 0
    bbox = np.array([[15, 16, 15, 16]])
    (result, _), (expected, _) = both(
        cupy, apertures.local_background, data, labels, None, bbox, 40.0, None
    )
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    # Skewed, so that it is the median; without -7 both median and mean would be 6.
    np.testing.assert_array_equal(result, [1.0])
