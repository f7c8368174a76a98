"""Convolution is astropy's: values, NaN, edges, dtypes, units, warnings and refusals."""

import warnings
from itertools import product

import astropy.units as u
import numpy as np
import pytest
from astropy.convolution import Box2DKernel, Gaussian1DKernel, KernelSizeError
from astropy.convolution import convolve as astropy_convolve
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from photutils.segmentation import make_2dgaussian_kernel as photutils_kernel

from skyshed import convolve, make_2dgaussian_kernel
from skyshed.convolution import oversampled_gaussian


def image(shape=(23, 31), seed=1, nan=0.1, dtype=float):
    rng = np.random.default_rng(seed)
    data = rng.normal(3, 10, shape)
    data[rng.random(shape) < nan] = np.nan
    return data.astype(dtype)


def assert_same(data, kernel, **options):
    """Compare with astropy, relative to the sum of the absolute terms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = astropy_convolve(data, kernel, **options)
        found = convolve(data, kernel, **options)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    plain = np.nan_to_num(np.abs(np.asarray(data, dtype=float)), posinf=0)
    size = max(plain.max(), abs(np.nan_to_num(options.get("fill_value", 0))), 1e-300)
    values = getattr(kernel, "array", kernel)
    scale = size * (1 if options.get("normalize_kernel", True) else np.abs(values).sum())
    rounding = 2 * np.finfo(expected.dtype).eps if expected.dtype.itemsize < 8 else 0
    np.testing.assert_allclose(found, expected, rtol=rounding, atol=1e-13 * scale)


BOUNDARIES = (None, "fill", "wrap", "extend")
KERNELS = {
    "gaussian": np.asarray(make_2dgaussian_kernel(3.0, 5).array),
    "wide": np.asarray(make_2dgaussian_kernel(2.0, (3, 9)).array),
    "tall": np.asarray(make_2dgaussian_kernel(4.0, (13, 1)).array),
    "tilted": np.random.default_rng(2).random((5, 7)),
    "signed": np.random.default_rng(3).normal(1, 1, (3, 5)),
    "point": np.array([[2.0]]),
    "larger": np.asarray(make_2dgaussian_kernel(9.0, (51, 41)).array),
}


@pytest.mark.parametrize(
    ("kernel", "boundary"),
    # A kernel larger than the image has no result without a boundary.
    [pair for pair in product(KERNELS, BOUNDARIES) if pair != ("larger", None)],
)
@pytest.mark.parametrize("nan", [0.0, 0.15])
def test_values_are_those_of_astropy(kernel, boundary, nan):
    data = image(nan=nan)
    mask = np.random.default_rng(9).random(data.shape) < 0.1
    for treatment, normalize, fill, hidden, preserve in product(
        ("interpolate", "fill"), (True, False), (0.0, -3.5, np.nan), (None, mask), (False, True)
    ):
        assert_same(
            data, KERNELS[kernel], boundary=boundary, nan_treatment=treatment,
            normalize_kernel=normalize, fill_value=fill, mask=hidden, preserve_nan=preserve,
        )  # fmt: skip


@settings(max_examples=60)
@given(st.data())
def test_any_image_with_any_options_is_as_astropy_has_it(data):
    shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    size = data.draw(st.tuples(*[st.sampled_from([1, 3, 5, 7])] * 2))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    kernel = rng.random(size) if seed % 2 else np.outer(rng.random(size[0]), rng.random(size[1]))
    # Sums near zero are refused; these are far from it.
    kernel += 0.05
    values = image(shape, seed, nan=data.draw(st.sampled_from([0, 0.3, 0.9])))
    boundary = data.draw(st.sampled_from([None, "fill", "wrap", "extend"]))
    if boundary is None and (size[0] > shape[0] or size[1] > shape[1]):
        boundary = "wrap"
    assert_same(
        values, kernel, boundary=boundary,
        fill_value=data.draw(st.sampled_from([0.0, 2.0, np.nan])),
        nan_treatment=data.draw(st.sampled_from(["interpolate", "fill"])),
        normalize_kernel=data.draw(st.booleans()), preserve_nan=data.draw(st.booleans()),
        mask=data.draw(st.sampled_from([None, rng.random(shape) < 0.3])),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", ">f8", "i2", "u1", "i8", "?"])
def test_the_dtype_is_that_of_astropy(dtype):
    nan = 0.1 if np.dtype(dtype).kind == "f" else 0
    data = np.abs(image(nan=nan)).astype(dtype)
    assert_same(data, KERNELS["gaussian"])
    assert_same(data, KERNELS["tilted"])
    assert_same(data[::2, ::-1], KERNELS["gaussian"])


@pytest.mark.parametrize("kernel", ["gaussian", "tilted"])
def test_infinite_pixels_spread_as_in_astropy(kernel):
    data = image(nan=0.05)
    data[4, 5] = np.inf
    data[15, 20] = -np.inf
    data[15, 22] = np.inf
    taps = KERNELS[kernel].copy()
    assert_same(data, taps)
    taps[0] = 0  # 0 * inf is NaN
    assert_same(data, taps)


def test_a_list_is_an_image_and_the_input_is_not_modified():
    assert_same([[1, 2], [3, 4]], [[1, 2, 1]])
    data, kernel = image(), KERNELS["gaussian"].copy()
    before, mask = data.copy(), image() > 5
    convolve(data, kernel, mask=mask, nan_treatment="fill")
    np.testing.assert_array_equal(data, before)
    np.testing.assert_array_equal(kernel, KERNELS["gaussian"])


def test_masked_arrays_quantities_and_nddata_are_read_as_by_astropy():
    kernel = make_2dgaussian_kernel(3.0, 5)
    data = image()
    mask = np.random.default_rng(4).random(data.shape) < 0.1
    more = np.roll(mask, 3)
    masked = np.ma.masked_array(data, mask)
    for options in ({}, {"mask": more}, {"preserve_nan": True}):
        expected = astropy_convolve(masked, kernel, **options)
        np.testing.assert_allclose(
            convolve(masked, kernel, **options), expected, rtol=1e-12, atol=1e-12
        )
    flux = convolve(data * u.Jy, kernel)
    assert flux.unit == u.Jy
    np.testing.assert_array_equal(flux.value, convolve(data, kernel))
    ccd = CCDData(data, mask=mask, unit="adu", uncertainty=StdDevUncertainty(np.ones_like(data)))
    with pytest.warns(AstropyUserWarning, match="uncertainty"):
        expected = astropy_convolve(ccd, kernel)
    with pytest.warns(AstropyUserWarning, match="uncertainty"):
        found = convolve(ccd, kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_what_is_no_image_is_handed_to_astropy():
    line, cube = image((1, 20))[0], np.ones((5, 5, 5))
    np.testing.assert_array_equal(
        convolve(line, Gaussian1DKernel(2)), astropy_convolve(line, Gaussian1DKernel(2))
    )
    np.testing.assert_array_equal(
        convolve(cube, np.ones((3, 3, 3))), astropy_convolve(cube, np.ones((3, 3, 3)))
    )
    with pytest.warns(AstropyUserWarning, match="hardwiring"):
        both = convolve(make_2dgaussian_kernel(3, 5), Box2DKernel(3))
    assert isinstance(both, type(make_2dgaussian_kernel(3, 5)).__mro__[1])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kernel", ["gaussian", "tilted"])
def test_threads_and_tiles_do_not_change_a_bit(kernel, dtype):
    data = image((150, 2100), nan=0.002, dtype=dtype)
    taps = KERNELS[kernel]
    whole = convolve(data, taps, n_threads=1)
    np.testing.assert_array_equal(convolve(data, taps, n_threads=3), whole)
    for y, x in ((0, 0), (37, 1013), (60, 700)):
        tile = convolve(data[y : y + 80, x : x + 1060], taps)
        inner = tile[5:-5, 5:-5]
        np.testing.assert_array_equal(inner, whole[y + 5 : y + 75, x + 5 : x + 1055])


def test_nan_that_remain_are_warned_of():
    data = image(nan=0)
    data[5:15, 5:15] = np.nan
    with pytest.warns(AstropyUserWarning, match=r"36 pixel\(s\) of the result are NaN"):
        result = convolve(data, KERNELS["gaussian"])
    assert np.isnan(result).sum() == 36
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convolve(data, KERNELS["gaussian"], preserve_nan=True)
        convolve(data, KERNELS["gaussian"], nan_treatment="fill")


def test_kernels_that_do_not_fit_are_refused():
    data = image(nan=0)
    with pytest.raises(KernelSizeError, match=r"odd sizes.*\(2, 3\)"):
        convolve(data, np.ones((2, 3)))
    with pytest.raises(KernelSizeError, match="must fit into the array"):
        convolve(data, KERNELS["larger"], boundary=None)
    with pytest.raises(ValueError, match="kernel must be a 2-D array"):
        convolve(data, np.ones(3))
    with pytest.raises(ValueError, match="not finite"):
        convolve(np.ones((5, 5)), np.array([[1.0, np.nan, 1.0]]))
    with pytest.raises(ValueError, match="masked elements"):
        convolve(data, np.ma.masked_array(np.ones((3, 3)), np.eye(3)))


def test_kernels_that_sum_to_zero_are_applied_only_where_nothing_divides_by_the_sum():
    zero = np.array([[-1.0, 0, 1]])
    data, holes = image(nan=0), image(nan=0.1)
    with pytest.raises(ValueError, match="normalize_kernel=False"):
        convolve(data, zero)
    with pytest.raises(ValueError, match="nan_treatment='fill'"):
        convolve(holes, zero, normalize_kernel=False)
    with pytest.raises(ValueError, match="nan_treatment='fill'"):
        convolve(data, zero, normalize_kernel=False, mask=data > 10)
    with pytest.raises(ValueError, match="nan_treatment='fill'"):
        convolve(data, zero, normalize_kernel=False, fill_value=np.nan)
    assert_same(data, zero, normalize_kernel=False)
    assert_same(holes, zero, normalize_kernel=False, nan_treatment="fill")
    with pytest.raises(ValueError, match="sums to -9"):
        convolve(data, -np.ones((3, 3)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boundary": "reflect"}, r"boundary must be 'fill', .* or None, got 'reflect'"),
        ({"nan_treatment": "zero"}, "nan_treatment must be 'interpolate' or 'fill', got"),
        ({"mask": np.zeros((3, 3), bool)}, r"mask must have the same shape as array"),
        ({"n_threads": 0}, "n_threads must be a positive integer"),
    ],
)
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        convolve(image(), KERNELS["gaussian"], **options)


def test_arrays_that_are_no_images_of_numbers_are_refused():
    with pytest.raises(TypeError, match="array must hold real numbers"):
        convolve(image(nan=0).astype(complex), KERNELS["gaussian"])
    with pytest.raises(ValueError, match=r"array must have pixels, got shape \(0, 5\)"):
        convolve(np.zeros((0, 5)), KERNELS["gaussian"])
    with pytest.raises(ValueError, match="array must be a 2-D array"):
        convolve(np.zeros((2, 2, 2, 2)), KERNELS["gaussian"])


@pytest.mark.parametrize(
    ("mode", "size"),
    # Integration takes astropy seconds for a larger kernel.
    [*product(("oversample", "center", "linear_interp"), (5, (3, 7), np.int64(9))),
     ("integrate", (3, 1))],
)  # fmt: skip
def test_the_kernel_is_that_of_photutils(mode, size):
    mine = make_2dgaussian_kernel(2.5, size, mode=mode, oversampling=7)
    theirs = photutils_kernel(2.5, size, mode=mode, oversampling=7)
    assert type(mine) is type(theirs)
    np.testing.assert_array_equal(mine.array, theirs.array)
    assert abs(mine.array.sum() - 1) < 1e-14


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (9, 13), (51, 41)])
def test_the_array_that_needs_no_astropy_has_the_bits_of_the_kernel(size):
    for fwhm in np.random.default_rng(list(size)).uniform(0.7, 12, 20):
        kernel = make_2dgaussian_kernel(fwhm, size)
        np.testing.assert_array_equal(oversampled_gaussian(fwhm, size), kernel.array)


@pytest.mark.parametrize("size", [4, (3, 4), (3, 3, 3), 0, -3, 5.5, [[3]], np.nan])
def test_sizes_that_are_not_odd_are_refused(size):
    with pytest.raises(ValueError, match=r"size must (be|have 1 or 2.*:) an odd positive integer"):
        make_2dgaussian_kernel(3.0, size)


def test_kernels_of_no_width_and_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="fwhm must be a positive number"):
        make_2dgaussian_kernel(0.0, 5)
    with pytest.raises(ValueError, match=r"mode must be '.*, or '"):
        make_2dgaussian_kernel(3.0, 5, mode="exact")
