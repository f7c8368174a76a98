"""Matched filters give the significance that formulas and SEP give."""

import numpy as np
import pytest
import sep
from astropy.convolution import KernelSizeError
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed import convolve, detect_sources, matched_filter
from skyshed.filtering import gaussian_template, significance_of, smoothed_noise


def field(seed, shape=(60, 70)):
    """Return data, their noise, which varies, and a mask."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0.5, 8, shape) * 10.0 ** rng.uniform(-18, 18)
    data = rng.normal(0, 1, shape) * noise
    data[20:24, 30:34] += 9 * noise[20:24, 30:34]
    return data, noise, rng.random(shape) < 0.05


def direct(data, noise, mask, template):
    """Return the significance as the definition says it."""
    ky, kx = template.shape
    result = np.full(data.shape, np.nan)
    for y, x in np.argwhere(~mask):
        signal = weight = 0.0
        for j in range(ky):
            for i in range(kx):
                v, u = y + j - ky // 2, x + i - kx // 2
                if 0 <= v < data.shape[0] and 0 <= u < data.shape[1] and not mask[v, u]:
                    signal += template[j, i] * data[v, u] / noise[v, u] ** 2
                    weight += template[j, i] ** 2 / noise[v, u] ** 2
        result[y, x] = signal / np.sqrt(weight)
    return result


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([(1, 1), (3, 5), (5, 3)]))
def test_the_significance_is_that_of_its_definition(seed, size):
    rng = np.random.default_rng(seed)
    (data, noise, mask), template = field(seed, (17, 23)), rng.uniform(0, 1, size)
    found = matched_filter(data, template, noise, mask)
    np.testing.assert_allclose(found, direct(data, noise, mask, template), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sources_of_a_matched_filter_are_those_of_sep(dtype):
    data, noise, _ = field(3)
    data, noise = (data / noise.max()).astype(dtype), (noise / noise.max()).astype(dtype)
    template = np.array([[1.0, 2, 1], [2, 5, 2], [1, 3, 1]])
    _, segments = sep.extract(
        data, 2.0, err=noise, filter_kernel=template, filter_type="matched", minarea=2,
        deblend_cont=1.0, clean=False, segmentation_map=True,
    )  # fmt: skip
    found = detect_sources(matched_filter(data, template, noise), 2.0, 2)
    assert found.nlabels == segments.max() > 1
    np.testing.assert_array_equal(found.data > 0, segments > 0)


def test_any_unit_gives_the_same_bits():
    data, noise, mask = field(5)
    for power in (-60, 80):
        scaled = matched_filter(data * 2.0**power, np.ones((3, 3)), noise * 2.0**power, mask)
        np.testing.assert_array_equal(scaled, matched_filter(data, np.ones((3, 3)), noise, mask))


def test_pixels_without_noise_are_left_out():
    data, noise, mask = field(6)
    other = noise.copy()
    other[mask] = np.random.default_rng(1).choice([0, -1, np.nan, np.inf], mask.sum())
    kernel = gaussian_template(2.0)
    np.testing.assert_array_equal(
        matched_filter(data, kernel, other), matched_filter(data, kernel, noise, mask)
    )


def test_the_smoothed_noise_is_that_of_many_convolved_fields():
    rng = np.random.default_rng(7)
    _, noise, mask = field(7, (24, 24))
    noise /= noise.max()
    kernel = gaussian_template(2.5)
    fields = [convolve(rng.normal(0, noise), kernel, mask=mask) for _ in range(1500)]
    expected = np.std(fields, axis=0)
    found = smoothed_noise(noise, mask, kernel, None)
    assert np.isnan(found[mask]).all()
    ratio = (found / expected)[~mask]
    assert abs(np.median(ratio) - 1) < 0.005
    assert np.abs(ratio - 1).max() < 0.12  # 6 times what 1500 fields tell


def test_the_most_significant_of_several_kernels_counts():
    data, noise, mask = field(8)
    kernels = [gaussian_template(fwhm) for fwhm in (1.5, 4.0)]
    both = significance_of(data, noise, mask, kernels, None)
    each = [significance_of(data, noise, mask, [kernel], None) for kernel in kernels]
    np.testing.assert_array_equal(both, np.maximum(*each))


@pytest.mark.parametrize(
    ("template", "message"),
    [(np.zeros((3, 3)), "nothing but zeros"), (np.ones((2, 3)), "odd")],
)
def test_what_is_no_template_is_refused(template, message):
    with pytest.raises((ValueError, KernelSizeError), match=message):
        matched_filter(np.ones((9, 9)), template, 1.0)
