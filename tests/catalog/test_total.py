"""Estimates of the whole light: definitions, and profiles whose answers are known."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from skyshed import SegmentationImage, SourceCatalog, detect_sources
from skyshed.datasets import make_survey_image

THRESHOLD = 12.0


def profile(radial, seed, threshold, side=161):
    """Return the catalog of one source, at a place drawn from the seed, and its image."""
    rng = np.random.default_rng(seed)
    x, y = side / 2 + rng.uniform(-1, 1, 2)
    fine = 5
    at = (np.arange(side * fine) + 0.5) / fine - 0.5
    r = np.hypot(at - x, (at - y)[:, None])
    data = radial(r).reshape(side, fine, side, fine).mean((1, 3))
    level = np.full(data.shape, threshold)
    return SourceCatalog(data, detect_sources(data, threshold, 5), threshold=level), data


@pytest.fixture(scope="module")
def field():
    """Return the catalog of a crowded field."""
    image = make_survey_image((260, 300), density=9000, seed=8, bad_fraction=0, chip_shape=None)
    data = np.nan_to_num(image.data - image.sky).astype(float)
    level = np.full(data.shape, THRESHOLD)
    return SourceCatalog(
        data, detect_sources(data, level, 5), error=image.error.astype(float), threshold=level
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("depth", [0.05, 0.2])
def test_the_isophotal_correction_gives_the_light_of_a_gaussian(seed, depth):
    sigma, peak = 4.0, 1000.0
    catalog, _ = profile(lambda r: peak * np.exp(-(r**2) / 2 / sigma**2), seed, depth * peak)
    whole = 2 * np.pi * sigma**2 * peak
    assert catalog.segment_flux[0] < (1 - 0.8 * depth) * whole
    np.testing.assert_allclose(catalog.isocor_flux, whole, rtol=0.02)


def test_the_isophotal_flux_is_corrected_as_source_extractor_does(field):
    # analyse.c of SourceExtractor 2.25: flux / (1 - 0.196099 a - 0.751208 a^2).
    a = np.clip(THRESHOLD * field.area.value / field.segment_flux, 0, 0.99)
    said = field.segment_flux / (1 - 0.196099 * a - 0.751208 * a**2)
    np.testing.assert_allclose(field.isocor_flux, said, rtol=1e-3)
    # photom.c, computeisocorflux: the derivative of the correction, and 1 / area.
    relative = field.segment_fluxerr / field.segment_flux
    of_share = a * np.hypot(relative, field.area.value**-0.5)
    of_correction = (0.196099 + 2 * 0.751208 * a) * of_share
    said = field.segment_flux * np.hypot(relative, of_correction)
    np.testing.assert_allclose(field.isocor_fluxerr, said, rtol=1e-4)


def test_the_share_of_neighbours_is_that_of_the_pixels_in_the_aperture(field):
    ny, nx = field.frame.shape
    y, x = np.mgrid[:ny, :nx]
    labels = field.frame.labels
    for k, (x0, y0, a, b, theta) in enumerate(field.results["_kron_ellipse"]):
        along = (x - x0) * np.cos(theta) + (y - y0) * np.sin(theta)
        across = (y - y0) * np.cos(theta) - (x - x0) * np.sin(theta)
        inside = (along / a) ** 2 + (across / b) ** 2 <= 1
        others = inside & (labels != 0) & (labels != field.labels[k])
        share = np.count_nonzero(others) / np.count_nonzero(inside)
        assert field.kron_neighbor_share[k] == pytest.approx(share, abs=0.04)
    assert (field.kron_neighbor_share > 0.1).any()
    assert (field.kron_neighbor_share == 0).any()


def test_the_best_flux_is_the_kron_flux_where_there_are_no_neighbours(field):
    excess = field.kron_flux - field.isocor_flux
    foreign = (field.kron_flux > 2.5 * field.isocor_flux) & (excess > 3 * field.kron_fluxerr)
    disturbed = (field.kron_neighbor_share > 0.05) | foreign
    assert 0 < np.count_nonzero(disturbed) < len(field)
    np.testing.assert_array_equal(field.best_is_isocor, disturbed)
    np.testing.assert_array_equal(field.best_flux[~disturbed], field.kron_flux[~disturbed])
    np.testing.assert_array_equal(field.best_flux[disturbed], field.isocor_flux[disturbed])
    np.testing.assert_array_equal(field.best_fluxerr[disturbed], field.isocor_fluxerr[disturbed])


def on_a_glow(glow, error):
    """Return the catalog of a star on light that is nowhere as bright as the threshold."""
    y, x = np.mgrid[:101, :101] - 50
    data = 15 * np.exp(-(x**2 + y**2) / 2 / 1.2**2)
    data += glow * np.exp(-(x**2 + y**2) / 2 / 12**2)
    level = np.full(data.shape, 5.0)
    error = None if error is None else np.full(data.shape, error)
    labels = detect_sources(data, level, 5)
    return SourceCatalog(data, labels, error=error, threshold=level)


def test_light_of_undetected_sources_is_not_in_the_best_flux():
    star, glow = 15 * 2 * np.pi * 1.2**2, on_a_glow(3.0, 1.0)
    assert glow.kron_flux[0] > 3 * star
    assert glow.kron_neighbor_share[0] == 0
    assert glow.best_is_isocor[0]
    assert glow.best_flux[0] == glow.isocor_flux[0] < 0.4 * glow.kron_flux[0]
    assert glow.best_fluxerr[0] == glow.isocor_fluxerr[0]


@pytest.mark.parametrize(("glow", "error"), [(0.0, 1.0), (3.0, 30.0), (3.0, None)])
def test_the_best_flux_is_the_kron_flux_where_no_more_light_is_significant(glow, error):
    catalog = on_a_glow(glow, error)
    assert not catalog.best_is_isocor[0]
    assert catalog.best_flux[0] == catalog.kron_flux[0]


def test_light_is_foreign_where_it_was_detected():
    deep, band = on_a_glow(3.0, 1.0), on_a_glow(0.0, 1.0)
    same = SourceCatalog(
        band.frame.data, SegmentationImage(deep.frame.labels), error=band.frame.error,
        detection_cat=deep,
    )  # fmt: skip
    assert deep.best_is_isocor[0]
    assert same.best_is_isocor[0]
    assert same.best_flux[0] == same.isocor_flux[0]


def test_without_a_threshold_the_best_flux_is_the_kron_flux(field):
    data = field.frame.data
    catalog = SourceCatalog(data, SegmentationImage(field.frame.labels))
    assert np.isnan(catalog.detection_threshold).all()
    np.testing.assert_array_equal(catalog.best_flux, catalog.kron_flux)
    assert not catalog.best_is_isocor.any()


def petrosian_of(radial):
    """Return the radius and flux of a profile by numerical integration of the definition."""

    def light(r0, r1):
        return 2 * np.pi * quad(lambda r: r * radial(r), r0, r1)[0]

    def ratio(r):
        around = light(0.8 * r, 1.25 * r) / (np.pi * (1.25**2 - 0.8**2) * r**2)
        return around / (light(0, r) / (np.pi * r**2)) - 0.2

    radius = brentq(ratio, 1.0, 60.0)
    return radius, light(0, 2 * radius)


@pytest.mark.parametrize("seed", [4, 5])
@pytest.mark.parametrize(
    "radial",
    [lambda r: 800 * np.exp(-r / 4.0), lambda r: 800 * np.exp(-(r**2) / 50)],
    ids=["exponential", "gaussian"],
)
def test_the_petrosian_radius_is_that_of_its_definition(radial, seed):
    catalog, _ = profile(radial, seed, 8.0)
    radius, flux = petrosian_of(radial)
    assert catalog.petrosian_radius[0].value == pytest.approx(radius, rel=0.02)
    assert catalog.petrosian_flux[0] == pytest.approx(flux, rel=0.01)


@pytest.mark.parametrize(
    ("radial", "known"),
    [(lambda r: 900 * np.exp(-(r**2) / 32), 2.1), (lambda r: 900 * np.exp(-r / 3.5), 2.7)],
    ids=["gaussian", "exponential"],
)
def test_the_concentration_of_known_profiles(radial, known):
    catalog, _ = profile(radial, 6, 2.0)
    assert catalog.concentration[0] == pytest.approx(known, abs=0.1)


def test_the_threshold_is_that_of_the_brightest_pixel():
    data = np.zeros((9, 12))
    data[2:5, 2:5], data[3, 4] = 10, 20
    level = np.arange(data.size, dtype=float).reshape(data.shape) / 100
    catalog = SourceCatalog(data, SegmentationImage((data > 0).astype(int)), threshold=level)
    assert catalog.detection_threshold == [level[3, 4]]
