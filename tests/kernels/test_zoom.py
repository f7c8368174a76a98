"""A sum of images without their backgrounds, in one pass, has the bits of step after step."""

import numpy as np
import pytest

from skyshed.background import BkgZoomInterpolator
from skyshed.background.interpolation import axis_weights
from skyshed.kernels.native import available_levels, using_level
from skyshed.kernels.zoom import add_without, expand, subtract_in_runs

BOXES, BOX, SHAPE = (5, 22), (16, 48), (75, 1040)


def drawn(seed, order=3, dtype=np.float32):
    """Return an image, a sum, a mask, axes, and coefficients of a level and of a noise."""
    rng = np.random.default_rng(seed)
    axes = [
        axis_weights(n, size, 0, length, order, "reflect")
        for n, size, length in zip(BOXES, BOX, SHAPE, strict=True)
    ]
    index, weight = zip(*axes, strict=True)
    interpolator = BkgZoomInterpolator(order=order)
    meshes = rng.normal(size=BOXES).astype(dtype), rng.uniform(1, 2, BOXES).astype(dtype)
    splines = [
        (interpolator.coefficients(each), float(each.min()), float(each.max())) for each in meshes
    ]
    data, total = rng.normal(size=(2, *SHAPE)).astype(dtype)
    mask = rng.random(SHAPE) < 0.05
    data[mask] = np.nan
    return data, total, mask, index, weight, *splines


def steps(data, total, mask, index, weight, level, noise, squared, first):
    """Do the same on whole images."""
    term = data - expand(level[0], index, weight, level[1:], data.dtype, 1)
    if noise is not None:
        term /= expand(noise[0], index, weight, noise[1:], data.dtype, 1)
    if mask is not None:
        term[mask] = 0
    if squared:
        term = np.square(term)
    return term if first else total + term


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("over_noise", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_are_those_of_whole_images(dtype, masked, over_noise, first, squared):
    for order in (0, 1, 3, 5):
        data, total, mask, index, weight, level, noise = drawn(order, order, dtype)
        mask, noise = (mask if masked else None), (noise if over_noise else None)
        expected = steps(data, total, mask, index, weight, level, noise, squared, first)
        for cpu in available_levels():
            for n_threads in (1, 3):
                before = None if first else total.copy()
                with using_level(cpu):
                    result = add_without(
                        data, before, mask, index, weight, level, noise, squared, n_threads
                    )
                assert first or result is before
                np.testing.assert_array_equal(result, expected, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_rows_have_the_bits_of_whole_images(dtype):
    for order in (0, 1, 3, 5):
        data, _, mask, index, weight, level, noise = drawn(order, order, dtype)
        width = SHAPE[1]
        rng = np.random.default_rng(order)
        edges = np.sort(rng.choice(width + 1, (SHAPE[0], 6)), axis=1).reshape(-1, 2)
        runs = edges + np.repeat(np.arange(SHAPE[0]) * width, 3)[:, None]
        runs = runs[runs[:, 1] > runs[:, 0]]
        needed = np.concatenate([np.arange(*each) for each in runs])
        expected = [
            data - expand(level[0], index, weight, level[1:], data.dtype, 1),
            expand(noise[0], index, weight, noise[1:], data.dtype, 1),
        ]
        for cpu in available_levels():
            for n_threads in (1, 3):
                out = np.full(SHAPE, 7, dtype), np.full(SHAPE, 8, dtype)
                args = runs, index, weight, level, noise, out, n_threads
                with using_level(cpu):
                    assert subtract_in_runs(data, mask, *args) is True
                for result, image, before in zip(out, expected, (7, 8), strict=True):
                    np.testing.assert_array_equal(result.flat[needed], image.flat[needed])
                    assert (np.delete(result, needed) == before).all()
                # What is not finite is masked there; of others it is said.
                with using_level(cpu):
                    assert subtract_in_runs(data, None, *args) is False


def test_only_pixels_that_are_needed_must_be_finite():
    data, _, _, index, weight, level, noise = drawn(3)
    data = np.nan_to_num(data, nan=1.0)
    runs = np.array([[10, 20], [30, 31]])
    out = np.zeros_like(data), np.zeros_like(data)
    for pixel, answer in ((9, True), (10, False), (19, False), (20, True), (30, False)):
        for bad in (np.nan, np.inf, -np.inf):
            spoiled = data.copy()
            spoiled.flat[pixel] = bad
            said = subtract_in_runs(spoiled, None, runs, index, weight, level, noise, out, 1)
            assert said is answer


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_is_left_out_and_counted(dtype, masked):
    data, total, mask, index, weight, level, noise = drawn(6, dtype=dtype)
    bad = mask
    if masked:  # some that are masked are finite
        mask = np.random.default_rng(1).random(SHAPE) < 0.05
        bad = mask | bad
    else:
        mask = None
    data[40, 7] = -np.inf
    bad[40, 7] = True
    args = index, weight, level, noise, True
    expected = steps(data, total, bad, *args, first=False)
    for cpu in available_levels():
        lost = np.full(SHAPE, 3, np.uint8)
        with using_level(cpu):
            result = add_without(data, total.copy(), mask, *args, 2, lost)
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(lost, 3 + bad)


@pytest.mark.parametrize("masked", [False, True])
def test_pixels_of_runs_that_are_not_finite_are_marked(masked):
    data, _, bad, index, weight, level, noise = drawn(7)
    mask = np.random.default_rng(1).random(SHAPE) < 0.05 if masked else None
    runs = np.array([[10, 90], [200, 201], [1100, 2000]])
    needed = np.concatenate([np.arange(*each) for each in runs])
    assert bad.flat[needed].any()
    expected = bad if mask is None else bad | mask
    for cpu in available_levels():
        out, marked = (np.empty(SHAPE, "f4"), np.empty(SHAPE, "f4")), np.full(SHAPE, True)
        with using_level(cpu):
            args = data, mask, runs, index, weight, level, noise, out, 2, marked
            assert subtract_in_runs(*args) is True
        np.testing.assert_array_equal(marked.flat[needed], expected.flat[needed])
        assert np.delete(marked, needed).all()
