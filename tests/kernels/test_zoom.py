"""A sum of images without their backgrounds, in one pass, has the bits of step after step."""

import numpy as np
import pytest

from skyshed.background import BkgZoomInterpolator
from skyshed.background.interpolation import axis_weights
from skyshed.kernels.native import available_levels, using_level
from skyshed.kernels.zoom import add_without, expand

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
