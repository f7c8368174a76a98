"""The kernel that matches the seeing of bands has the variance that is missing."""

import numpy as np
import pytest

from skyshed.chain import matching
from skyshed.chain.matching import (
    GAUSSIAN_FWHM,
    extent_of,
    kernel_between,
    kernel_of_widths,
    matching_kernel,
)


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


def moffat(fwhm, at=(0.0, 0.0), size=41, beta=2.8):
    y, x = np.indices((size, size)) - size // 2
    core = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    return (1 + ((x - at[1]) ** 2 + (y - at[0]) ** 2) / core**2) ** -beta


@pytest.mark.parametrize("at", [(0, 0), (0.3, -0.4)])
def test_a_kernel_between_two_psfs_makes_one_of_the_other(at):
    from scipy.signal import fftconvolve

    psf, worse = moffat(3.0, at), moffat(4.5, size=61)
    kernel = kernel_between(psf, worse)
    assert kernel.shape == (61, 61)
    assert kernel.sum() == pytest.approx(1)
    made = fftconvolve(np.pad(moffat(3.0), 10), kernel, mode="same")
    made, worse = made / made.sum(), worse / worse.sum()
    assert np.abs(made - worse).max() < 0.02 * worse.max()


def test_the_worst_seeing_has_the_largest_extent():
    extents = [extent_of(moffat(fwhm, size=61)) for fwhm in (2, 3, 4.5)]
    assert extents == sorted(extents)


@pytest.mark.parametrize("beta", [2.5, 3.5, 4.8])
def test_a_kernel_of_widths_makes_one_moffat_profile_of_another(beta):
    from scipy.signal import fftconvolve

    kernel = kernel_of_widths(3.0, 4.5, beta)
    assert kernel.shape == (29, 29)
    assert kernel.sum() == pytest.approx(1)
    made = fftconvolve(matching.moffat(3.0, beta, 60), kernel, mode="same")
    worse = matching.moffat(4.5, beta, 60)
    assert np.abs(made - worse).max() < 0.02 * worse.max()


def test_widths_of_gaussians_are_matched_by_a_gaussian():
    np.testing.assert_array_equal(kernel_of_widths(3.0, 5.0, np.inf), matching_kernel(4.0))
    np.testing.assert_array_equal(kernel_of_widths(3.0, 3.0, 3.5), [[1]])


def test_a_large_exponent_is_nearly_a_gaussian():
    gaussian = matching_kernel(6.0)
    half = len(gaussian) // 2
    steep = matching.moffat(6.0, 1e17, half)
    np.testing.assert_allclose(steep, gaussian, rtol=0, atol=0.03 * gaussian.max())


@pytest.mark.parametrize("beta", [2.5, 3.5])
def test_a_moffat_profile_has_its_width_and_its_flux(beta):
    image = matching.moffat(12.0, beta, 300)
    row = image[300]
    assert image.sum() == pytest.approx(1, abs=0.01)
    assert np.count_nonzero(row > row.max() / 2) == pytest.approx(12, abs=1)
