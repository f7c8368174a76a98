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
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import make_field, same_tables

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
        ({"npixels": 9, "max_npixels": 8}, "no source fits"),
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


THRESHOLDS = [
    {},
    {"significance": 5},
    {"significance": 5, "threshold_type": "global"},
    {"threshold_type": "global"},
    {"threshold": 7.5},
    {"filter": "matched"},
    {"filter": "matched", "template_fwhm": (2, 6), "significance": 6},
]


def surface_threshold(found, noise, options):
    """Return what a pixel of the convolved image must exceed, from what the options mean."""
    kernel = make_2dgaussian_kernel(3.0, 5).array
    if "threshold" in options:
        return np.full(noise.shape, options["threshold"])
    if "template_fwhm" in options:
        from skyshed.filtering import gaussian_template

        each = [gaussian_template(fwhm) for fwhm in options["template_fwhm"]]
        return noise * 6 * min(np.sqrt((t**2).sum()) / t.sum() for t in each)
    if options.get("threshold_type") == "global":
        noise = np.full(noise.shape, np.median(noise))
    if "significance" not in options:
        return 1.5 * noise
    if "threshold_type" in options:
        return 5 * noise * np.sqrt((kernel**2).sum())
    return 5 * smoothed_noise(noise, None, kernel, None)


@pytest.mark.parametrize("options", THRESHOLDS, ids=str)
def test_the_threshold_told_is_the_one_detected_with(field, options, tmp_path):
    data, noise = field
    columns = ("label", "detection_threshold", "isocor_flux", "maxval_xindex", "maxval_yindex")
    plain = {"rms": noise, "columns": columns, **PLAIN, **options}
    found, tiles = extract(data, **plain), by_tiles(data, (32, 64), **plain)
    expected = surface_threshold(found, noise, options)
    for run, folder in ((found, tmp_path / "once"), (tiles, tmp_path / "tiles")):
        run.write(folder, maps=["threshold"])
        (path,) = folder.glob("*threshold*")
        np.testing.assert_allclose(fits.getdata(path), expected, rtol=1e-6)
        table = run.table
        x, y = (np.asarray(table[f"maxval_{axis}index"], int) for axis in "xy")
        np.testing.assert_allclose(table["detection_threshold"], expected[y, x], rtol=1e-6)
        assert np.isfinite(table["isocor_flux"]).all()
    assert same_tables(tiles.table, found.table)
    if not options.get("threshold_type") and "filter" not in options:
        np.testing.assert_array_equal(
            found.segmentation.data, labels(found.convolved_data, expected)
        )


def test_the_depth_of_tiles_follows_the_threshold(field):
    found = extract(field[0], threshold=7.5, **PLAIN)
    assert found.tiles["depth"].tolist() == [5 * 7.5]
    usual, strict = (extract(field[0], nsigma=n, filter="matched", **PLAIN) for n in (1.5, 3))
    assert strict.tiles["depth"][0] == pytest.approx(2 * usual.tiles["depth"][0])


def test_the_isophote_is_that_of_the_image_detected_on(field):
    data, noise = field
    columns = ("label", "detection_threshold", "segment_flux", "isocor_flux", "best_flux")
    own = extract(data, rms=noise, columns=columns, **PLAIN).table
    faint = extract(
        data / 50, rms=noise, detection_image=data, detection_rms=noise, columns=columns, **PLAIN
    )  # fmt: skip
    np.testing.assert_allclose(
        faint.table["isocor_flux"] / faint.table["segment_flux"],
        own["isocor_flux"] / own["segment_flux"],
    )
    assert np.isnan(faint.table["detection_threshold"]).all()  # one of another image
    known = extract(data, rms=noise, segmentation=faint.segmentation, columns=columns, **PLAIN)
    assert np.isnan(known.table["detection_threshold"]).all()  # nothing was detected here
    assert np.isfinite(known.table["best_flux"]).all()
