"""Kron apertures in a crowded field against photutils 3.1.1 and 3.0.0, and their limits."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as TheirImage
from photutils.segmentation import SourceCatalog as Theirs

from skyshed import SegmentationImage, SourceCatalog

path = Path(__file__).parents[1] / "oracle" / "make_apertures.py"
spec = importlib.util.spec_from_file_location("make_apertures", path)
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)


@pytest.fixture(scope="module")
def crowd():
    """The inputs, and photutils 3.1.1's answers by ``apermask_method`` and ``localbkg_width``."""
    return oracle.load()


def crowded(scene, method="correct", width=0, **keywords):
    inputs = {"kron_params": oracle.KRON_PARAMS, "error": scene["error"], "mask": scene["mask"]}
    return SourceCatalog(
        scene["data"], SegmentationImage(scene["labels"]), localbkg_width=width,
        apermask_method=method, **{**inputs, **keywords},
    )  # fmt: skip


def values(catalog, name):
    method, _, argument = name.partition("(")
    if argument:
        number = float(argument[:-1])
        if method == "fluxfrac_radius":
            return catalog.fluxfrac_radius(number).value
        return catalog.circular_photometry(number)[method.endswith("err")]
    found = getattr(catalog, name)
    return np.asarray(getattr(found, "value", found))


@pytest.mark.parametrize("case", oracle.CASES)
def test_a_crowded_field_is_measured_as_by_photutils_3_1_1(crowd, case):
    scene, answers = crowd
    catalog = crowded(scene, *case)
    for name, expected in answers[case].items():
        found = values(catalog, name)
        checked = np.ones(len(found), bool)
        if name == "fluxfrac_radius(1.0)":
            # Where the Kron aperture is a circle, it holds all of its flux: photutils leaves it to
            # rounding whether that circle or a smaller one is found.
            checked = catalog.kron_radius.value != 0
            assert np.all(found[~checked] == oracle.KRON_PARAMS[2])
        # Infinities: errors that are not finite.
        np.testing.assert_allclose(
            found[checked], expected[checked], rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_the_crowd_is_one(crowd):
    """Neighbours in most apertures, mirrors that are no help, circles, apertures off the image."""
    scene, answers = crowd
    fluxes = [answers[case]["kron_flux"] for case in (("correct", 9), ("mask", 9), ("none", 0))]
    assert np.sum(np.abs(fluxes[0] - fluxes[1]) > 1e-3 * fluxes[0]) > 25
    assert np.sum(np.abs(fluxes[1] - fluxes[2]) > 1e-3 * fluxes[1]) > 35
    assert np.sum(answers["correct", 0]["kron_radius"] == 0) >= 2
    assert not np.isfinite(answers["correct", 0]["kron_fluxerr"]).all()
    catalog = crowded(scene)
    outside = catalog.xcentroid - catalog.results["_kron_minor"] < -0.5
    assert outside.sum() >= 2


@pytest.mark.parametrize("method", ["correct", "mask", "none"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fluxes_and_radii_are_those_of_photutils_3_0(crowd, method, dtype):
    scene, _ = crowd
    data = scene["data"].astype(dtype)
    ours = SourceCatalog(data, SegmentationImage(scene["labels"]), apermask_method=method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Theirs(data, TheirImage(scene["labels"]), aperture_mask_method=method)
        expected = theirs.kron_radius.value, theirs.kron_flux, theirs.flux_radius(0.5).value
    found = ours.kron_radius.value, ours.kron_flux, ours.fluxfrac_radius(0.5).value
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert np.isnan(ours.kron_fluxerr).all()


def test_the_measured_radius_is_the_one_used_within_the_limits(crowd):
    scene, _ = crowd
    catalog = crowded(scene, kron_params=(2.5, 1.3))
    measured, used = catalog.kron_radius_measured.value, catalog.kron_radius.value
    inside = (measured >= 1.3) & (measured <= 6)
    assert 0 < (~inside).sum() < inside.sum()
    assert np.array_equal(used[inside], measured[inside])
    assert np.all(used[measured < 1.3] == 1.3)


def spot(background, value=10.0):
    data = np.full((41, 41), float(background))
    data[19:22, 18:23] = value
    labels = (data == value).astype(np.int32)
    return data, labels


def test_a_radius_without_positive_light_is_the_least():
    data, labels = spot(-1)
    catalog = SourceCatalog(data, SegmentationImage(labels), kron_params=(2.5, 1.7))
    assert catalog.kron_radius.value == [1.7]
    assert np.isnan(catalog.kron_radius_measured.value).all()
    assert np.isfinite(catalog.kron_flux).all()


def test_a_radius_beyond_its_ellipse_is_nan():
    """The total all but cancels while the moment does not: no radius, no aperture, no flux."""
    data, labels = spot(0)
    source = SegmentationImage(labels)
    catalog = SourceCatalog(data, source)
    a = catalog.semimajor_sigma.value[0]
    far = 20 + int(5.5 * a)
    data[20, far] = 50
    data[20, 21] -= 190
    shape = np.where(labels, 10.0, 0.0)
    catalog = SourceCatalog(data, source, convolved_data=shape, error=np.ones(data.shape))
    assert catalog.kron_radius_measured.value[0] > 6
    for name in ("kron_radius", "kron_flux", "kron_fluxerr"):
        assert np.isnan(values(catalog, name)).all()
    assert np.isnan(catalog.fluxfrac_radius(0.5).value).all()
    assert np.isfinite(catalog.circular_photometry(3)[0]).all()


def test_a_small_aperture_is_the_least_circle():
    data, labels = spot(0)
    segments = SegmentationImage(labels)
    catalog = SourceCatalog(data, segments, kron_params=(2.5, 1.4, 8.0))
    assert catalog.kron_radius.value == [0]
    assert np.array_equal(catalog.kron_flux, catalog.circular_photometry(8.0)[0])
    assert np.array_equal(
        SourceCatalog(data, segments).kron_photometry((2.5, 1.4, 8.0))[0], catalog.kron_flux
    )


def test_other_parameters_do_not_measure_the_radius_again(crowd, monkeypatch):
    from skyshed.kernels import apertures

    scene, _ = crowd
    catalog = crowded(scene)
    expected = crowded(scene, kron_params=(1.5, 1.0)).kron_flux
    assert np.isfinite(catalog.kron_flux).all()
    monkeypatch.delattr(apertures, "kron_sums")
    assert np.array_equal(catalog.kron_photometry((1.5, 1.0))[0], expected)


def test_errors_are_quadrature_sums_of_weighted_errors():
    """A constant error times the root of the summed squared weights; by pi r^2 only inside."""
    data, labels = spot(0)
    catalog = SourceCatalog(data, SegmentationImage(labels), error=np.full(data.shape, 0.5))
    assert catalog.circular_photometry(0.5)[1] == pytest.approx(0.5 * np.pi * 0.25, rel=1e-14)
    flux, error = catalog.circular_photometry(200.0)
    assert flux == pytest.approx(data.sum())
    assert error == pytest.approx(0.5 * 41)


def test_results_have_the_same_bits_for_any_number_of_threads_and_for_a_subset(crowd):
    scene, _ = crowd
    one, many = crowded(scene, width=9, n_threads=1), crowded(scene, width=9, n_threads=5)
    subset = crowded(scene, width=9)[20:45]
    for name in ("kron_radius", "kron_flux", "kron_fluxerr", "local_background",
                 "circular_flux(3.5)", "fluxfrac_radius(0.5)"):  # fmt: skip
        expected = values(one, name)
        assert np.array_equal(values(many, name), expected, equal_nan=True)
        assert np.array_equal(values(subset, name), expected[20:45], equal_nan=True)
