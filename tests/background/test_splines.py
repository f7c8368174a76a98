"""Spline coefficients have the bits of SciPy's."""

import numpy as np
import pytest
from scipy import ndimage

from skyshed.background.splines import spline_coefficients


@pytest.mark.parametrize("mode", ["reflect", "mirror"])
@pytest.mark.parametrize("order", range(2, 6))
def test_the_bits_are_those_of_scipy(order, mode):
    rng = np.random.default_rng([order, len(mode)])
    for shape in [(1, 1), (1, 7), (2, 2), (3, 1), (5, 8), (33, 33), (64, 20), (200, 3)]:
        for dtype in (np.float32, np.float64):
            mesh = rng.normal(100, 20, shape).astype(dtype)
            before = mesh.copy()
            expected = ndimage.spline_filter(mesh.astype(float), order, mode=mode)
            np.testing.assert_array_equal(spline_coefficients(mesh, order, mode), expected)
            np.testing.assert_array_equal(mesh, before)
