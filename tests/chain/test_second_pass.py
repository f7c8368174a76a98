"""The background measured again without the sources: nearer to the true sky, and what it is."""

import warnings

import numpy as np
import pytest
from astropy.convolution import convolve as astropy_convolve
from scipy.ndimage import distance_transform_edt

from skyshed import Background2D, CrowdedWarning, NoDetectionsWarning, extract
from skyshed.convolution import oversampled_gaussian
from skyshed.datasets import make_survey_image
from skyshed.parameters import PRESETS, Parameters
from tests.pipeline_field import make_field

TEMPLATES = {"filter": "matched", "template_fwhm": (2, 4), "significance": 5}


@pytest.fixture(scope="module")
def field():
    return make_survey_image((768, 768), seed=21, clustered_fraction=0.1)


def bias(field, **options):
    """Return how far the background lies above the true sky, in sigma: the median over pixels."""
    found = extract(field.data, mask=field.mask, columns=("label",), **options)
    off = (np.asarray(found.background) - field.sky) / field.rms
    return float(np.median(off[~field.mask]))


def test_the_sky_comes_within_the_promised_share_of_the_noise(field):
    once, twice = bias(field), bias(field, background_passes=2)
    assert once > 0.07
    assert abs(twice) < 0.04


def test_the_farther_segments_are_grown_the_less_of_sources_is_left(field):
    values = [bias(field, background_passes=2, background_growth=g) for g in (0, 4, 8)]
    assert values[0] > values[1] > values[2] > 0


def by_hand(data, first, distance):
    """Return the mesh of a background with `Background2D`, without what was found before."""
    left_out = distance_transform_edt(first.segmentation.data == 0) <= distance
    return Background2D(data, 16, mask=left_out, exclude_percentile=95)


def test_the_mesh_is_that_of_boxes_without_the_grown_segments():
    data = make_field()
    first = extract(data, box_size=16)
    found = extract(data, box_size=16, background_passes=2, background_growth=2.5)
    expected = by_hand(data, first, 2.5)
    np.testing.assert_array_equal(found.background2d.background_mesh, expected.background_mesh)
    np.testing.assert_array_equal(
        found.background2d.background_rms_mesh, expected.background_rms_mesh
    )
    assert not np.array_equal(
        first.background2d.background_mesh, found.background2d.background_mesh
    )


def test_what_is_left_out_may_be_fainter_than_what_is_detected():
    data = make_field()
    first = extract(data, box_size=16, nsigma=1, deblend=False)
    options = {"box_size": 16, "background_passes": 2, "background_growth": 2.5}
    found = extract(data, nsigma=4, background_nsigma=1, **options)
    expected = by_hand(data, first, 2.5)
    np.testing.assert_array_equal(found.background2d.background_mesh, expected.background_mesh)
    bright = extract(data, nsigma=4, background_nsigma=4, **options)
    plain = extract(data, nsigma=4, **options)
    np.testing.assert_array_equal(plain.segmentation.data, bright.segmentation.data)


@pytest.mark.parametrize("fwhm", [None, 3.0])
def test_the_noise_is_that_of_all_but_the_brighter_pixels_of_sources(fwhm):
    data = make_field()
    kernel = {} if fwhm is None else {"kernel_fwhm": fwhm, "kernel_size": 9}
    first = extract(data, box_size=16, nsigma=1.2, deblend=False, **kernel)
    threshold = first.background2d.background_rms * np.float32(3)
    bright = (first.segmentation.data > 0) & (first.convolved_data > threshold)
    options = {
        "box_size": 16, "background_passes": 2, "background_growth": 2.5, "background_nsigma": 1.2,
        "background_fwhm": fwhm,
    }  # fmt: skip
    whole = extract(data, **options).background2d
    found = extract(data, noise_nsigma=3, **options).background2d
    np.testing.assert_array_equal(found.background_mesh, whole.background_mesh)
    left_out = distance_transform_edt(~bright) <= 2.5
    expected = Background2D(data, 16, mask=left_out, exclude_percentile=95).background_rms_mesh
    np.testing.assert_array_equal(found.background_rms_mesh, expected)
    assert np.median(expected / whole.background_rms_mesh) > 1


@pytest.mark.parametrize(
    "threshold",
    [{"significance": 6.0}, {"significance": 6.0, "threshold_type": "global"}, {"threshold": 9.0},
     {"filter": "matched"}],
    ids=str,
)  # fmt: skip
def test_fainter_pixels_count_as_noise_whatever_the_threshold_of_the_detection(threshold):
    data = make_survey_image((300, 320), density=3000, seed=3).data
    options = {"background_passes": 2, "box_size": 50, "background_growth": 2.0, **threshold}
    noise = [
        np.median(extract(data, noise_nsigma=each, **options).background2d.background_rms_mesh)
        for each in (None, 3, 8)
    ]
    assert noise[0] < noise[1] < noise[2]


def test_sources_that_are_left_in_the_noise_make_its_correlation_larger():
    data = make_survey_image((512, 512), seed=9).data
    options = {"background_passes": 2, "background_nsigma": 1.2, "aperture_radii": (7,)}
    with_faint, without = (
        np.median(extract(data, noise_nsigma=each, **options).table["aperture_7_fluxerr"])
        for each in (4, None)
    )
    assert with_faint > 1.1 * without


@pytest.mark.parametrize(
    "threshold", [{"significance": 9.0}, {"threshold": 12.0}, {"filter": "matched"}], ids=str
)
def test_what_is_left_out_is_the_same_whatever_the_threshold_of_the_detection(threshold):
    data, rms = make_field(), np.ones(make_field().shape)
    options = {"box_size": 16, "background_passes": 2, "background_nsigma": 1.2, "rms": rms}
    filters = {"filter": threshold["filter"]} if "filter" in threshold else {}
    plain = extract(data, nsigma=1.2, **filters, **options)
    found = extract(data, **{"nsigma": 4, **threshold}, **options)
    np.testing.assert_array_equal(
        found.background2d.background_mesh, plain.background2d.background_mesh
    )


def test_one_threshold_for_several_templates_is_refused():
    with pytest.raises(ValueError, match=r"background_nsigma = 1 is in units .* template_fwhm"):
        Parameters(background_passes=2, background_nsigma=1, **TEMPLATES)
    with pytest.raises(ValueError, match="give background_nsigma=None, noise_nsigma=None"):
        Parameters(background_passes=2, background_nsigma=1, noise_nsigma=2, **TEMPLATES)
    assert Parameters(background_nsigma=1, **TEMPLATES).background_passes == 1  # not needed


@pytest.mark.parametrize("name", ["recommended", "crowded"])
def test_the_sky_of_presets_is_within_a_twenty_fifth_of_the_noise(field, name):
    options = {**PRESETS[name], "aperture_correction": False}
    assert abs(bias(field, **options)) < 0.04


def test_the_level_is_that_of_the_smoothed_image_and_the_noise_that_of_pixels():
    data = make_field()
    mask = np.zeros(data.shape, bool)
    mask[20:40, 30:50] = True
    first = extract(data, mask=mask, box_size=16)
    options = {"box_size": 16, "background_passes": 2, "background_growth": 2.5}
    found = extract(data, mask=mask, background_fwhm=3.0, **options).background2d
    left_out = mask | (distance_transform_edt(first.segmentation.data == 0) <= 2.5)
    kernel = oversampled_gaussian(3.0, (9, 9))
    smooth = astropy_convolve(
        np.where(left_out, np.nan, data), kernel, fill_value=np.nan, preserve_nan=True
    )
    level, noise = (
        Background2D(image, 16, mask=left_out, exclude_percentile=95) for image in (smooth, data)
    )
    np.testing.assert_allclose(found.background_mesh, level.background_mesh, rtol=1e-6)
    np.testing.assert_array_equal(found.background_rms_mesh, noise.background_rms_mesh)


def test_smoothing_leaves_less_of_the_light_of_undetected_sources():
    field = make_survey_image((768, 768), seed=5, psf_fwhm=6.0)
    options = {**PRESETS["recommended"], "aperture_correction": False}
    plain = bias(field, **{**options, "background_fwhm": None, "background_nsigma": 1.4})
    smooth = bias(field, **options)
    assert 0 < smooth < 0.85 * plain


def test_smoothing_over_more_than_a_box_is_refused():
    with pytest.raises(
        ValueError, match=r"background_fwhm = 20 is more than box_size = \(16, 64\)"
    ):
        Parameters(background_fwhm=20, box_size=(16, 64))


def test_smoothing_moves_no_level_where_there_is_no_source():
    image = np.random.default_rng(11).normal(100, 2, (1024, 1024)).astype(np.float32)
    options = {"background_passes": 2, "bkg_estimator": "mode", "nsigma": 4}
    for fwhm in (None, 2.0, 4.0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoDetectionsWarning)
            found = extract(image, background_fwhm=fwhm, **options)
        mesh = found.background2d.background_mesh
        # 4,096 pixels of noise 2 in a box, means and medians of which differ by chance.
        assert abs(np.mean(mesh) - 100) < 0.01
        assert np.std(mesh) < 0.08


def test_sources_that_are_known_are_what_is_left_out():
    data = make_field()
    first = extract(data, box_size=16, nsigma=4)
    options = {"box_size": 16, "background_passes": 2, "background_growth": 3}
    found = extract(data, segmentation=first.segmentation, **options)
    expected = by_hand(data, first, 3)
    np.testing.assert_array_equal(found.background2d.background_mesh, expected.background_mesh)


def test_sources_of_a_detection_image_are_left_out_of_both():
    data, band = make_field(), 2 * make_field(seed=8)
    first = extract(band, box_size=16)
    options = {"box_size": 16, "background_passes": 2, "background_growth": 3}
    found = extract(data, detection_image=band, **options)
    expected = by_hand(data, first, 3)
    np.testing.assert_array_equal(found.background2d.background_mesh, expected.background_mesh)
    of_band = by_hand(band, first, 3)
    np.testing.assert_array_equal(
        found._run.background2d("detection_image").background_mesh, of_band.background_mesh
    )


def test_one_pass_is_what_it_was():
    data = make_field()
    found = extract(data, box_size=16, background_passes=1, background_growth=1)
    np.testing.assert_array_equal(
        found.background2d.background_mesh, Background2D(data, 16).background_mesh
    )


@pytest.mark.parametrize("growth", [14, 300])
def test_where_few_pixels_are_left_there_is_a_warning(growth):
    data = make_field()
    with pytest.warns(CrowdedWarning, match=rf"background_growth = {growth} pixels, fewer than"):
        found = extract(data, box_size=16, background_passes=2, background_growth=growth)
    first = extract(data, box_size=16)
    same = np.array_equal(found.background2d.background_mesh, first.background2d.background_mesh)
    # Where not one pixel is left, the first background stays.
    assert same == (growth == 300)
    assert found.parameters.exclude_percentile == 10


def test_masked_pixels_and_relative_weights_count_as_in_one_pass():
    data = make_field()
    mask = np.zeros(data.shape, bool)
    mask[:, :9] = True
    weight = np.full(data.shape, 4.0)
    options = {"box_size": 16, "mask": mask, "weight": weight, "scale_weight": True}
    found = extract(data, background_passes=2, background_growth=2, **options)
    np.testing.assert_array_equal(found.mask, mask)
    # The noise is that of the second mesh: relative weights are scaled to it.
    noise = np.median(np.asarray(found.background_rms)[~mask])
    assert np.median(np.asarray(found.error)[~mask]) == pytest.approx(noise, rel=0.02)
