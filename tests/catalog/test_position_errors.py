"""Errors of positions are those that noise of a known correlation makes."""

import numpy as np
import pytest
from astropy.wcs import WCS
from scipy.signal import fftconvolve

from skyshed import SegmentationImage, SourceCatalog, detect_sources
from skyshed.datasets import make_survey_image
from skyshed.datasets.profiles import moffat_scale

#: Sources on a grid, pixels from one to the next.
N, STEP = 24, 32
WHITE = ((1.0,),)
#: The noise of one of the tests is white noise convolved with this along each axis.
LINE = np.array([0.5, 1.0, 0.5])


def sources(profile, rng, noise):
    """Return an image of equal sources in noise, their segments, and where they truly are."""
    y, x = np.mgrid[:STEP, :STEP]
    side = N * STEP
    image, labels = np.zeros((side, side)), np.zeros((side, side), np.int32)
    true = rng.uniform(-0.5, 0.5, (N * N, 2))
    for k, (dx, dy) in enumerate(true):
        top, left = STEP * (k // N), STEP * (k % N)
        u, v = x - STEP // 2 - dx, y - STEP // 2 - dy
        image[top : top + STEP, left : left + STEP] += profile(u, v)
        labels[top : top + STEP, left : left + STEP][np.hypot(u, v) < 4] = k + 1
        true[k] += left + STEP // 2, top + STEP // 2
    return image + noise(rng, image.shape), labels, true


def white(rng, shape):
    return rng.normal(0, 1, shape)


def smooth(rng, shape):
    kernel = np.outer(LINE, LINE)
    return fftconvolve(rng.normal(0, 1, shape), kernel / np.sqrt((kernel**2).sum()), "same")


def gaussian(u, v, sigma=1.6):
    return 8 * np.exp(-(u**2 + v**2) / (2 * sigma**2))


def tilted(u, v):
    p, q = (u + v) / np.sqrt(2), (u - v) / np.sqrt(2)
    return 8 * np.exp(-0.5 * ((p / 2.4) ** 2 + (q / 1.3) ** 2))


def moffat(u, v):
    """A cusp in wide wings: the window of its half-light radius is wider than its core."""
    return 14 * (1 + (u**2 + v**2) / moffat_scale(2.6, 1.6) ** 2) ** -1.6


def correlation_of(line):
    along = np.convolve(line, line) / np.sum(line**2)
    return tuple(map(tuple, np.outer(along, along).tolist()))


@pytest.mark.parametrize(
    ("profile", "noise", "correlation"),
    [
        (gaussian, white, WHITE),
        (tilted, white, WHITE),
        (moffat, white, WHITE),
        (gaussian, smooth, correlation_of(LINE)),
        (moffat, smooth, correlation_of(LINE)),
    ],
    ids=["gaussian", "tilted", "moffat", "gaussian in smooth noise", "moffat in smooth noise"],
)
def test_errors_of_windowed_centroids_are_as_wide_as_their_deviations(profile, noise, correlation):
    data, labels, true = sources(profile, np.random.default_rng(5), noise)
    catalog = SourceCatalog(
        data, SegmentationImage(labels), error=np.ones_like(data), noise_correlation=correlation
    )
    found = np.array(catalog.centroid_win)
    error = np.array(catalog.centroid_win_err)
    pulls = (found - true) / error
    assert np.isfinite(pulls).all()
    # Of 1,152 numbers: known to 2 %, and what is not linear in the noise comes to that.
    assert 0.93 < np.std(pulls) < 1.09


def test_without_the_correlation_errors_are_those_of_photutils():
    """An upper bound, for sources that are narrower than their windows."""
    data, labels, true = sources(moffat, np.random.default_rng(5), white)
    catalog = SourceCatalog(data, SegmentationImage(labels), error=np.ones_like(data))
    pulls = (np.array(catalog.centroid_win) - true) / np.array(catalog.centroid_win_err)
    assert np.std(pulls) < 0.9


@pytest.mark.parametrize("kind", ["centroid", "centroid_win"])
def test_errors_on_the_sky_and_error_ellipses_are_those_of_the_pixels(kind):
    data, labels, _ = sources(gaussian, np.random.default_rng(6), smooth)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.cdelt, wcs.wcs.crpix = [-0.2 / 3600, 0.2 / 3600], [384, 384]
    catalog = SourceCatalog(
        data, SegmentationImage(labels), error=np.ones_like(data), wcs=wcs,
        noise_correlation=correlation_of(LINE),
    )  # fmt: skip
    errors = np.array(getattr(catalog, f"{kind}_err"))
    on_sky = getattr(catalog, f"sky_{kind}_err")
    np.testing.assert_allclose(np.asarray(on_sky) / 0.2, errors, rtol=1e-5)
    axes = [getattr(catalog, f"{kind}_err_semi{axis}").value for axis in ("major", "minor")]
    np.testing.assert_allclose(np.hypot(*axes), np.hypot(*errors.T), rtol=1e-12)


def test_a_source_without_a_peak_in_its_window_has_an_error_and_no_more_than_twice_as_large():
    """Light that does not fall from the middle: where it balances is hardly known."""
    y, x = np.mgrid[:41, :41]
    ring = np.exp(-0.5 * ((np.hypot(x - 20, y - 20) - 6) / 1.0) ** 2)
    segments = SegmentationImage((ring > 0.1).astype(np.int32))
    errors = [
        np.array(
            SourceCatalog(
                ring, segments, error=np.full_like(ring, 0.01), noise_correlation=correlation
            ).centroid_win_err
        )
        for correlation in (None, WHITE)
    ]
    assert np.isfinite(errors).all()
    assert (errors[1] > errors[0]).all()
    assert (errors[1] <= 2 * errors[0]).all()


@pytest.fixture(scope="module")
def catalog():
    image = make_survey_image((200, 260), seed=9, bad_fraction=0, chip_shape=None)
    data = (image.data - image.sky).astype(float)
    return SourceCatalog(data, detect_sources(data, 9.0, 6), error=image.error.astype(float))


@pytest.mark.parametrize(("name", "covariance"), [
    ("centroid", "_centroid_cov"), ("centroid_win", "_centroid_win_cov"),
])  # fmt: skip
def test_axes_and_angle_are_those_of_the_covariance(catalog, name, covariance):
    xx, yy, xy = catalog.results.on_host(covariance)[0].T
    values, vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]).transpose(2, 0, 1))
    a, b, theta = (
        getattr(catalog, f"{name}_err_{part}").value
        for part in ("semimajor", "semiminor", "orientation")
    )
    np.testing.assert_allclose(a, np.sqrt(values[:, 1]), rtol=1e-9)
    np.testing.assert_allclose(b, np.sqrt(values[:, 0]), rtol=1e-6)
    major = vectors[:, :, 1]
    along = np.cos(np.deg2rad(theta)) * major[:, 0] + np.sin(np.deg2rad(theta)) * major[:, 1]
    np.testing.assert_allclose(np.abs(along), 1, atol=1e-7)
    np.testing.assert_allclose(
        np.hypot(a, b), np.hypot(*np.array(getattr(catalog, f"{name}_err")).T), rtol=1e-9
    )


def test_the_limit_is_three_errors(catalog):
    np.testing.assert_array_equal(catalog.kron_flux_limit, 3 * catalog.kron_fluxerr)
