"""Thresholds of the chain are what they are said to be, and so are its kernels."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import (
    Parameters,
    convolve,
    detect_sources,
    extract,
    make_2dgaussian_kernel,
    matched_filter,
)
from skyshed.filtering import smoothed_noise
from tests.pipeline_field import make_field

CONV = np.array([[1.0, 2, 1], [2, 4, 2], [1, 3, 1]])
PLAIN = {"deblend": False, "box_size": 32}


@pytest.fixture(scope="module")
def field():
    data = make_field().astype(float)
    noise = np.where(np.arange(data.shape[1]) < 60, 1.0, 3.0) * np.ones(data.shape)
    return data + np.random.default_rng(1).normal(0, noise), noise


def labels(image, threshold, npixels=5):
    found = detect_sources(image, threshold, npixels)
    return found.data


def test_significance_is_in_units_of_the_noise_after_convolution(field):
    data, noise = field
    found = extract(data, rms=noise, significance=5, **PLAIN)
    kernel = make_2dgaussian_kernel(3.0, 5).array
    threshold = 5 * smoothed_noise(noise, None, kernel, None)
    np.testing.assert_array_equal(found.segmentation.data, labels(found.convolved_data, threshold))


def test_a_matched_filter_detects_on_the_significance(field):
    data, noise = field
    found = extract(data, rms=noise, filter="matched", significance=5, kernel=CONV, **PLAIN)
    significance = matched_filter(found.data, CONV, noise)
    np.testing.assert_array_equal(found.segmentation.data, labels(significance, 5.0))


def test_where_the_noise_is_the_same_a_matched_filter_is_the_plain_one(field):
    data, noise = field
    ones = np.ones_like(noise)
    plain = extract(data, rms=ones, nsigma=2, **PLAIN)
    matched = extract(data, rms=ones, nsigma=2, filter="matched", **PLAIN)
    differ = plain.segmentation.data != matched.segmentation.data
    inside = np.s_[3:-3, 3:-3]  # at the edges one of them knows that pixels are missing
    assert (differ[inside] & (plain.segmentation.data[inside] == 0)).sum() <= 2  # rounding


def test_several_templates_detect_on_the_largest_significance(field):
    data, noise = field
    found = extract(
        data, rms=noise, filter="matched", template_fwhm=(2, 6), significance=6, **PLAIN
    )
    from skyshed.filtering import gaussian_template

    each = [matched_filter(found.data, gaussian_template(fwhm), noise) for fwhm in (2, 6)]
    np.testing.assert_array_equal(found.segmentation.data, labels(np.maximum(*each), 6.0))


def test_a_global_threshold_is_a_multiple_of_one_noise(field):
    data, noise = field
    found = extract(data, nsigma=2, threshold_type="global", **PLAIN)
    threshold = 2 * found.background2d.background_rms_median
    np.testing.assert_array_equal(found.segmentation.data, labels(found.convolved_data, threshold))
    given = extract(data, rms=noise, nsigma=2, threshold_type="global", **PLAIN)
    np.testing.assert_array_equal(
        given.segmentation.data, labels(given.convolved_data, 2 * np.median(noise))
    )


def test_an_absolute_threshold_is_in_the_unit_of_the_data(field):
    found = extract(field[0], threshold=7.5, **PLAIN)
    np.testing.assert_array_equal(found.segmentation.data, labels(found.convolved_data, 7.5))


@pytest.mark.parametrize("form", ["conv", "text", "fits", "array"])
def test_a_kernel_is_laid_on_the_image_as_it_is(field, form, tmp_path):
    rows = "\n".join(" ".join(map(str, row)) for row in CONV.tolist())
    given = CONV
    if form == "fits":
        given = str(tmp_path / "psf.fits")
        fits.writeto(given, CONV)
    elif form != "array":
        given = tmp_path / "k.conv"
        given.write_text(("CONV NORM\n# a comment\n" if form == "conv" else "") + rows)
    found = extract(field[0], kernel=given, **PLAIN)
    np.testing.assert_array_equal(
        found.convolved_data, convolve(found.data, CONV[::-1, ::-1] / CONV.sum())
    )
    if form != "array":
        assert found.record["kernel_file"] == str(given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CONV NONORM\n1 2 1\n", "not normalised"),
        ("1 2\n3\n", "not as many"),
        ("1 2\n3 4\n", "both counts odd"),
        ("1 x 1\n", "rows of numbers"),
        ("1 -2 1\n", "sum above 0"),
    ],
)
def test_a_file_that_is_no_kernel_is_refused(field, text, message, tmp_path):
    path = tmp_path / "k.conv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        extract(field[0], kernel=str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 3, "significance": 3}, "give one of them"),
        ({"template_fwhm": (3,)}, "give filter='matched'"),
        ({"template_fwhm": (3,), "filter": "matched"}, "significance must be given"),
        ({"filter": "matched", "threshold": 3}, "leave it out"),
        ({"filter": "matched", "threshold_type": "global"}, "threshold_type='map'"),
    ],
)
def test_thresholds_that_contradict_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Parameters(**options)


def test_the_largest_components_are_dropped(field):
    every = extract(field[0], **PLAIN)
    most = int(np.median(every.segmentation.areas))
    some = extract(field[0], max_npixels=most, **PLAIN)
    assert some.segmentation.areas.tolist() == [a for a in every.segmentation.areas if a <= most]
    np.testing.assert_array_equal(
        some.segmentation.data, detect_sources(
            every.convolved_data, 1.5 * every.background_rms, 5, max_npixels=most
        ).data
    )  # fmt: skip
    assert some.segmentation.labels.tolist() == list(range(1, some.segmentation.nlabels + 1))
