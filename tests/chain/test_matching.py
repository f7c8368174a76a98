"""The kernel that matches the seeing of bands has the variance that is missing."""

import numpy as np
import pytest

from skyshed.chain.matching import GAUSSIAN_FWHM, matching_kernel


@pytest.mark.parametrize("fwhm", [0.1, 0.7, 1.2, 1.64, 1.66, 2, 3.57, 8])
def test_its_variance_is_that_of_the_gaussian(fwhm):
    kernel = matching_kernel(fwhm)
    y, x = np.indices(kernel.shape) - len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    for axis in (y, x):
        assert np.sum(kernel * axis) == pytest.approx(0, abs=1e-12)
        variance = np.sum(kernel * axis**2)
        assert variance == pytest.approx((fwhm / GAUSSIAN_FWHM) ** 2, rel=0.01)


def test_no_difference_is_no_convolution():
    np.testing.assert_array_equal(matching_kernel(0), [[1]])
