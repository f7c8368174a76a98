"""Local backgrounds against photutils, and what they promise beyond its figures."""

import warnings

import numpy as np
import pytest
from astropy.stats import SigmaClip
from photutils.background import SExtractorBackground
from photutils.segmentation import SegmentationImage as TheirImage
from photutils.segmentation import SourceCatalog as Theirs

from skyshed import SegmentationImage, SourceCatalog
from skyshed.kernels import apertures


def blobs(seed, shape=(90, 110), step=0.0):
    """Sloped noise with outliers, square segments of many sizes, bad pixels; ``step`` quantises."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    data = rng.normal(0, 1, shape) + 0.02 * xx - 0.01 * yy
    data[rng.random(shape) < 0.02] += 15
    labels = np.zeros(shape, np.int32)
    for label in range(1, 25):
        y, x = rng.integers(0, shape[0] - 3), rng.integers(0, shape[1] - 3)
        labels[y : y + rng.integers(1, 8), x : x + rng.integers(1, 8)] = label
    labels = np.searchsorted(np.unique(labels), labels).astype(np.int32)
    if step:
        data = np.round(data / step) * step
    data[rng.random(shape) < 0.005] = np.nan
    return data, labels, rng.random(shape) < 0.03


@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("width", [1, 4, 24])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_that_of_photutils(step, width, dtype):
    """Quantised data have many equal values: clipping limits then widen again."""
    data, labels, mask = blobs(width, step=step)
    data = data.astype(dtype)
    ours = SourceCatalog(data, SegmentationImage(labels), mask=mask, localbkg_width=width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Theirs(data, TheirImage(labels), mask=mask, local_bkg_width=width)
        expected = np.atleast_1d(theirs.local_background)
    assert len(expected) > 15
    assert np.count_nonzero(expected) > 10
    np.testing.assert_allclose(ours.local_background, expected, rtol=1e-12, atol=1e-14)


def clipped_mode(values):
    """The estimate from these values, in the annulus of width 4 around a box of 5 x 5 pixels."""
    away = np.abs(np.mgrid[-8:9, -8:9]).max(axis=0)
    ring = np.flatnonzero((away >= 4) & (away <= 7))
    data, labels = np.zeros(away.shape), np.ones(away.shape, np.int32)
    data.flat[ring[: len(values)]], labels.flat[ring[: len(values)]] = values, 0
    found, count = apertures.local_background(
        data, labels, None, np.array([[6, 11, 6, 11]]), 4.0, 1
    )
    assert count[0] == len(values)
    return found[0]


def test_clipping_and_mode_are_those_of_astropy_and_photutils():
    """Few values and many, equal ones, outliers; rounds that clip, and limits that let in again."""
    rng = np.random.default_rng(77)
    estimate = SExtractorBackground(sigma_clip=SigmaClip(sigma=3.0, cenfunc="median", maxiters=20))
    n_clipped = 0
    for _ in range(600):
        n = int(rng.integers(10, 120))
        values = rng.normal(0, 2, n) * rng.choice([1, 5, 30], n, p=[0.8, 0.15, 0.05])
        if rng.random() < 0.5:
            values = np.round(values)
        values += rng.choice([0, 1000])
        expected = estimate(values)
        n_clipped += np.ptp(SigmaClip(cenfunc="median")(values, masked=False)) < np.ptp(values)
        found = clipped_mode(values)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert n_clipped > 300


def annulus(values, mask=None):
    """The estimate around one 5 x 5 box in the middle of ``values``."""
    n = values.shape[0]
    labels = np.zeros(values.shape, np.int32)
    middle = slice(n // 2 - 2, n // 2 + 3)
    labels[middle, middle] = 1
    bbox = np.array([[n // 2 - 2, n // 2 + 3] * 2])
    return apertures.local_background(values, labels, mask, bbox, 4, 1)[0][0]


def test_a_flat_background_is_exact():
    assert annulus(np.full((31, 31), 0.1)) == 0.1


def test_a_skewed_background_is_the_median():
    data = np.zeros((31, 31))
    data[::2, ::2] = 1.5
    assert annulus(data) == 0.0


def test_a_symmetric_background_is_the_mode_without_its_outliers():
    rng = np.random.default_rng(1)
    data = rng.normal(5, 0.1, (31, 31))
    data[15, 7] = 1e4
    data[7, 15] = -1e4
    assert annulus(data) == pytest.approx(5, abs=0.05)


def test_fewer_than_ten_pixels_give_no_background():
    data, mask = np.full((31, 31), 7.0), np.ones((31, 31), bool)
    mask[9, 12:21] = False
    assert annulus(data, mask) == 0.0
    mask[10, 12] = False
    assert annulus(data, mask) == 7.0


def test_without_a_width_it_is_zero_but_nan_where_all_is_masked(catalog_of, reference):
    found = catalog_of("full").local_background
    assert np.array_equal(np.isnan(found), np.isnan(reference.answers["full"]["segment_flux"]))
    assert np.isnan(found).sum() == 2
    assert not np.nan_to_num(found).any()


def test_fluxes_are_less_the_local_background():
    data, labels, _ = blobs(9)
    data = np.nan_to_num(data)
    segments = SegmentationImage(labels)
    plain = SourceCatalog(data, segments, localbkg_width=4)
    # Adding a constant changes nothing but the background, as long as shapes stay.
    raised = SourceCatalog(data + 64, segments, localbkg_width=4, convolved_data=data)
    shaped = SourceCatalog(data, segments, localbkg_width=4, convolved_data=data)
    used = plain.local_background != 0
    assert used.sum() > 10
    np.testing.assert_allclose(
        (raised.local_background - plain.local_background)[used], 64, rtol=1e-9
    )
    for radius in (2.5, 6.0):
        np.testing.assert_allclose(
            raised.circular_photometry(radius)[0][used],
            shaped.circular_photometry(radius)[0][used],
            atol=1e-9,
        )


def test_a_tile_gives_the_bits_of_the_whole_image_for_any_number_of_threads():
    data, labels, mask = blobs(4)
    mask |= ~np.isfinite(data)
    bbox = SegmentationImage(labels).sources.bbox
    expected = apertures.local_background(data, labels, mask, bbox, 6, 1)
    found = apertures.local_background(data, labels, mask, bbox, 6, 3)
    assert all(map(np.array_equal, found, expected))
    reach = 1.5 * 8 + 6
    held = (bbox[:, 0] > 20 + reach) & (bbox[:, 3] < 90 - reach)
    assert held.sum() > 3
    tile = [np.ascontiguousarray(image[20:, :90]) for image in (data, labels, mask)]
    found = apertures.local_background(*tile, bbox[held] - [20, 20, 0, 0], 6, 2)
    assert np.array_equal(found[0], expected[0][held])
    assert np.array_equal(found[1], expected[1][held])
