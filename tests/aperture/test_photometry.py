"""Sums, errors, areas and flags: those of photutils 3.1.1."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import NDData, StdDevUncertainty
from astropy.utils.exceptions import AstropyUserWarning

import skyshed.aperture
from skyshed import SegmentationImage
from skyshed.aperture import (
    APERTURE_FLAGS,
    AperturePhotometry,
    CircularAnnulus,
    CircularAperture,
    EllipticalAperture,
    RectangularAperture,
    aperture_photometry,
    decode_aperture_flags,
)
from tests.aperture.scene import CASES, Scene, aperture_of, case_name

ANSWERS = np.load(Path(__file__).parents[1] / "oracle" / "aperture_photometry.npz")
SCENE = Scene()
SEGMENTS = SegmentationImage(SCENE.labels)
#: photutils 3.1.1 finds weights of 1e-16 in the holes of elliptical annuli: docs/apertures.md.
NOISE_IN_HOLES = "EllipticalAnnulus exact"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_sums_errors_areas_and_flags_are_those_of_photutils(case):
    aperture = aperture_of(skyshed.aperture, case.shape, SCENE.positions)
    found = AperturePhotometry(
        SCENE.image(case), aperture, method=case.method, subpixels=case.subpixels,
        **SCENE.keywords(case, SEGMENTS),
    )  # fmt: skip
    flux, error, area, flags = ANSWERS[case_name(case)]
    np.testing.assert_allclose(found.flux, flux, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(found.flux_err, error, rtol=1e-12)
    np.testing.assert_allclose(found.area.value, area, rtol=1e-12, atol=1e-14)
    if not case_name(case).startswith(NOISE_IN_HOLES):
        np.testing.assert_array_equal(found.flags, flags.astype(int))


def test_float32_images_have_the_sums_of_their_values():
    circles = CircularAperture(SCENE.positions, 5.0)
    data = SCENE.data.astype(np.float32)
    np.testing.assert_allclose(
        AperturePhotometry(data, circles).flux,
        AperturePhotometry(data.astype(float), circles).flux,
        rtol=1e-14,
    )


@pytest.mark.parametrize("n_threads", [2, 3, None])
def test_the_bits_are_those_of_any_number_of_threads(n_threads):
    rng = np.random.default_rng(8)
    ellipses = EllipticalAperture(rng.uniform(0, 90, (2000, 2)), 6.0, 3.0, theta=0.4)
    one = AperturePhotometry(SCENE.bad, ellipses, error=SCENE.error, n_threads=1)
    many = AperturePhotometry(SCENE.bad, ellipses, error=SCENE.error, n_threads=n_threads)
    for name in ("flux", "flux_err", "area", "flags"):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))


def test_lists_have_an_axis_and_columns_of_their_own():
    circles = [CircularAperture(SCENE.positions, r) for r in (2.0, 4.0)]
    found = AperturePhotometry(SCENE.data, circles)
    assert found.flux.shape == (len(SCENE.positions), 2)
    table = found.to_table(columns=("id", "flux", "flags"))
    assert table.colnames == ["id", "flux_0", "flux_1", "flags_0", "flags_1"]
    single = AperturePhotometry(SCENE.data, circles[1])
    np.testing.assert_array_equal(table["flux_1"], single.flux)
    legacy = aperture_photometry(SCENE.data, circles, error=np.ones(SCENE.data.shape))
    assert legacy.colnames[3:] == [
        f"aperture_sum{part}_{i}" for i in range(2) for part in ("", "_err")
    ]


def test_a_scalar_position_has_scalars():
    found = AperturePhotometry(SCENE.data, CircularAperture((20, 30), 3))
    assert np.isscalar(found.flux)
    assert found.id == 1
    assert found.isscalar
    assert found.to_table()["flux"].shape == (1,)
    assert found.decode_flags() == {1: []}


def test_values_that_are_not_finite_spoil_the_old_functions_sums_only():
    data = np.ones((20, 20))
    data[10, 10] = np.nan
    circle = CircularAperture((10, 10), 3)
    assert np.isnan(aperture_photometry(data, circle)["aperture_sum"][0])
    found = AperturePhotometry(data, circle)
    assert found.flux == pytest.approx(np.pi * 9 - 1)
    assert found.decode_flags() == {1: ["non_finite_data"]}
    masked = aperture_photometry(data, circle, mask=np.isnan(data))
    assert masked["aperture_sum"][0] == pytest.approx(np.pi * 9 - 1)


def test_units_go_with_sums_and_must_agree():
    circle = CircularAperture((10, 10), 3)
    data, error = np.ones((20, 20)) * u.Jy, np.ones((20, 20)) * u.Jy
    found = AperturePhotometry(data, circle, error=error)
    assert found.flux.unit == found.flux_err.unit == u.Jy
    assert found.area.unit == u.pix**2
    with pytest.raises(ValueError, match="same units"):
        AperturePhotometry(data, circle, error=error.value)


def test_nddata_brings_all_that_it_has():
    rng = np.random.default_rng(1)
    data, mask = rng.normal(size=(20, 20)), rng.random((20, 20)) < 0.2
    bundle = NDData(data, mask=mask, uncertainty=StdDevUncertainty(np.ones((20, 20))), unit="Jy")
    circle = CircularAperture((10, 10), 3)
    found = AperturePhotometry(bundle, circle)
    expected = AperturePhotometry(data, circle, mask=mask, error=np.ones((20, 20)))
    assert found.flux.value == expected.flux
    assert found.flux_err.value == expected.flux_err
    with pytest.warns(AstropyUserWarning, match="'mask' keyword is ignored"):
        aperture_photometry(bundle, circle, mask=mask)


def test_masked_arrays_leave_their_masked_pixels_out():
    data = np.ma.masked_array(np.ones((20, 20)), mask=False)
    data[10, 10] = np.ma.masked
    assert AperturePhotometry(data, CircularAperture((10, 10), 3)).flux == pytest.approx(
        np.pi * 9 - 1
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_masked_errors_are_not_known(dtype):
    errors = np.full((20, 30), 2, dtype)
    masked = np.ma.array(errors, mask=np.zeros(errors.shape, bool))
    circles = CircularAperture([(10, 8), (22, 8)], 3)
    known = AperturePhotometry(np.ones(errors.shape), circles, error=errors)
    whole = AperturePhotometry(np.ones(errors.shape), circles, error=masked)
    np.testing.assert_array_equal(whole.flux_err, known.flux_err)
    masked[8, 10] = np.ma.masked
    found = AperturePhotometry(np.ones(errors.shape), circles, error=masked)
    np.testing.assert_allclose(found.flux_err, [np.nan, known.flux_err[1]], rtol=1e-12)
    np.testing.assert_allclose(found.flux, known.flux, rtol=1e-12)
    assert found.decode_flags() == {1: ["non_finite_error"], 2: []}


def test_inputs_are_not_changed():
    data, mask = SCENE.bad.copy(), SCENE.mask.copy()
    AperturePhotometry(data, CircularAperture(SCENE.positions, 3), mask=mask).to_table()
    np.testing.assert_array_equal(data, SCENE.bad)
    np.testing.assert_array_equal(mask, SCENE.mask)


@pytest.mark.parametrize("position", [(-1e9, 5), (1e300, 5), (5, -1e300)])
def test_apertures_anywhere_are_outside(position):
    found = AperturePhotometry(SCENE.data, CircularAperture(position, 3))
    assert np.isnan(found.flux)
    assert decode_aperture_flags(int(found.flags)) == ["no_overlap", "no_pixels"]


def test_an_aperture_larger_than_the_image_holds_all_of_it():
    found = AperturePhotometry(SCENE.data, CircularAperture((40, 40), 1e6))
    assert found.flux == pytest.approx(SCENE.data.sum(), rel=1e-12)
    assert found.flags == APERTURE_FLAGS.PARTIAL_OVERLAP


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": np.ones(5)}, ValueError, "2-D"),
        ({"data": np.array([["a"]])}, TypeError, "real numbers"),
        ({"error": np.ones((3, 3))}, ValueError, "same shape"),
        ({"mask": np.ones((20, 20))}, TypeError, "boolean"),
        ({"mask": np.ones((3, 3), bool)}, ValueError, "same shape"),
        ({"method": "precise"}, ValueError, "exact"),
        ({"method": "subpixel", "subpixels": 0}, ValueError, "strictly positive integer"),
        ({"n_threads": 0}, ValueError, "n_threads must be a positive integer"),
        ({"apertures": []}, ValueError, "must not be empty"),
        ({"apertures": 5}, TypeError, "skyshed.aperture"),
        ({"mask_method": "all"}, ValueError, "mask_method must be one of"),
        ({"mask_method": "mask"}, ValueError, "segmentation_image must be input"),
        ({"labels": [1, 2]}, ValueError, "same length"),
        (
            {"apertures": [CircularAperture((1, 2), 3), CircularAperture((1, 3), 3)]},
            ValueError,
            "identical positions",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    given = {"data": np.ones((20, 20)), "apertures": CircularAperture((10, 10), 3)} | change
    with pytest.raises(error, match=message):
        AperturePhotometry(given.pop("data"), given.pop("apertures"), **given)


def test_labels_that_are_not_there_are_refused():
    segments = SegmentationImage(np.eye(20, dtype=np.int32))
    circle = CircularAperture((10, 10), 3)
    with pytest.raises(ValueError, match=r"labels \[7\] are not present"):
        AperturePhotometry(
            np.ones((20, 20)), circle, segmentation_image=segments, labels=7, mask_method="mask"
        )
    with pytest.raises(TypeError, match="SegmentationImage"):
        AperturePhotometry(
            np.ones((20, 20)), circle, segmentation_image=np.eye(20, dtype=int), labels=1,
            mask_method="mask",
        )  # fmt: skip


def test_masks_hold_the_weights_that_sums_are_made_of():
    for aperture in (
        CircularAperture(SCENE.positions, 4.3),
        CircularAnnulus(SCENE.positions, 2.0, 5.0),
        RectangularAperture(SCENE.positions, 7.0, 3.0, theta=0.5),
    ):
        flux = AperturePhotometry(SCENE.data, aperture).flux
        sums = [mask.get_values(SCENE.data).sum() for mask in aperture.to_mask()]
        known = np.isfinite(flux)
        np.testing.assert_allclose(np.array(sums)[known], flux[known], rtol=1e-12, atol=1e-12)
        areas = [mask.data.sum() for mask in aperture.to_mask()]
        np.testing.assert_allclose(areas, aperture.area, rtol=1e-13)
