"""The contract of the convolution kernel: what is recognised as separable, and the bits."""

import numpy as np
import pytest

from skyshed import make_2dgaussian_kernel
from skyshed.kernels import convolution
from skyshed.kernels.convolution import cpu


@pytest.mark.parametrize("mode", ["oversample", "center", "linear_interp"])
@pytest.mark.parametrize(("fwhm", "size"), [(1.5, 3), (3.0, 5), (2.0, 21), (7.0, (51, 31))])
def test_gaussians_are_a_column_and_a_row(fwhm, size, mode):
    kernel = make_2dgaussian_kernel(fwhm, size, mode=mode).array
    column, row = cpu.factors(kernel)
    np.testing.assert_allclose(np.outer(column, row), kernel, rtol=1e-13, atol=1e-30)


def test_zeros_stay_zeros_in_the_factors():
    column, row = cpu.factors(np.outer([0.0, 2, 1], [1.0, 3, 0]))
    np.testing.assert_array_equal(column, [0, 6, 3])
    np.testing.assert_allclose(row, [1 / 3, 1, 0])


@pytest.mark.parametrize(
    "kernel",
    [
        np.outer([1.0, 2, 1], [1.0, 2, 1]) + 1e-12 * np.eye(3),
        np.outer([-1.0, 0, 1], [1.0, 2, 1]),
        np.full((3, 3), np.nan),
        np.zeros((3, 3)),
    ],
    ids=["almost", "signed", "nan", "zero"],
)
def test_kernels_that_are_not_exactly_products_are_applied_directly(kernel):
    assert cpu.factors(kernel) is None


@pytest.mark.parametrize("boundary", [None, "fill", "wrap", "extend"])
def test_a_separable_kernel_gives_the_direct_sum(boundary, monkeypatch):
    rng = np.random.default_rng(8)
    data = rng.normal(size=(40, 50))
    data[rng.random(data.shape) < 0.2] = np.nan
    kernel = make_2dgaussian_kernel(4.0, (7, 9)).array
    arguments = (data, data > 1.5, kernel, boundary, 2.0, True, False, 1.0, 2)
    separable, n_empty = convolution.convolve(*arguments)
    monkeypatch.setattr(cpu, "factors", lambda kernel: None)
    direct, n_direct = convolution.convolve(*arguments)
    np.testing.assert_allclose(separable, direct, rtol=0, atol=1e-14)
    assert n_empty == n_direct


def test_pixels_that_stay_nan_in_any_case_are_not_counted():
    data = np.full((30, 40), np.nan)
    arguments = (data, None, np.ones((3, 3)), "extend", 0.0, True)
    assert convolution.convolve(*arguments, False, 1.0, 2)[1] == data.size
    assert convolution.convolve(*arguments, True, 1.0, 2)[1] == 0


def test_only_pixels_near_a_missing_one_are_weighted():
    """A NaN must not change bits beyond its reach: tiles would differ from the whole."""
    rng = np.random.default_rng(6)
    data = rng.normal(size=(60, 70))
    kernel = make_2dgaussian_kernel(3.0, 5).array
    clean, _ = convolution.convolve(data, None, kernel, "fill", 0.0, True, False, 1.0, 1)
    data[30, 30] = np.nan
    dirty, _ = convolution.convolve(data, None, kernel, "fill", 0.0, True, False, 1.0, 1)
    changed = np.zeros(data.shape, bool)
    changed[28:33, 28:33] = True
    np.testing.assert_array_equal(clean != dirty, changed)
