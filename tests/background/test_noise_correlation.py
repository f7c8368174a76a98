"""The correlation of noise is found, and errors of sums over such noise are right."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter

from skyshed import SegmentationImage, SourceCatalog, extract
from skyshed.background import noise_correlation
from skyshed.background.noise_correlation import (
    LAGS,
    LARGEST_LAG,
    STEPS,
    _groups,
    correlation_of,
    pair_sums,
    sampled_boxes,
)
from skyshed.catalog import noise_factors
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import same_tables

WEIGHTS = ([1.0], [0.158, 1, 0.158], [0.5, 1, 0.5], [-0.1, 1, -0.1])


def noise(weights, seed, shape=(512, 640)):
    """Return noise of variance 1, white noise convolved along both axes."""
    weights = np.array(weights) / np.sqrt(np.sum(np.square(weights)))
    white = np.random.default_rng(seed).standard_normal(shape)
    return correlate1d(correlate1d(white, weights, 0, mode="wrap"), weights, 1, mode="wrap")


def measured(image, box=64, mask=None, background=0.0):
    """Return the correlation found in an image of noise 1 on a background."""
    places = sampled_boxes(image.shape, (box, box))
    background = np.broadcast_to(background, image.shape)

    def level(k):
        y, x = places[k] * box
        return background[y : y + box, x : x + box]

    sums = pair_sums(image, mask, places * box, (box, box), level, np.ones(len(places)))
    return correlation_of(sums, np.zeros(len(places)))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_correlation_is_that_of_the_filter(weights):
    along = np.correlate(weights, weights, "full")
    along = along / along.max()
    along = np.pad(along, LARGEST_LAG - len(weights) + 1)
    found = np.array(measured(noise(weights, 3)))
    np.testing.assert_allclose(found, np.outer(along, along), atol=0.015)
    assert found[LARGEST_LAG, LARGEST_LAG] == 1
    np.testing.assert_array_equal(found, found[::-1, ::-1])


def test_masked_pixels_and_a_slope_that_the_background_follows_do_not_count():
    image = noise([0.5, 1, 0.5], 4)
    mask = np.random.default_rng(5).random(image.shape) < 0.3
    slope = np.linspace(0, 1, image.shape[1])
    spoiled = np.where(mask, 3.0, image) + slope
    found = measured(spoiled, mask=mask, background=slope)
    np.testing.assert_allclose(found, measured(image), atol=0.01)


@pytest.mark.parametrize("axes", [(2.0, 2.0), (3.5, 3.5), (6.0, 3.0), (9.0, 9.0)])
@pytest.mark.parametrize("wide", [0.0, 0.3])
def test_blocks_of_lags_make_the_factor_of_all_lags(axes, wide, monkeypatch):
    square = np.array(measured(noise([0.5, 1, 0.5], 12)))
    lags = np.arange(len(square)) - len(square) // 2
    square += wide * np.exp(-0.5 * (lags[:, None] ** 2 + lags**2) / 5.0**2)
    ellipse = [[0, 0, *axes, 0.7]]
    found = noise_factors.of_ellipses(square, ellipse)[0]
    monkeypatch.setattr(noise_correlation, "NEAR", len(square))
    monkeypatch.setattr(noise_correlation, "_groups", _groups.__wrapped__)
    assert found == pytest.approx(noise_factors.of_ellipses(square, ellipse)[0], rel=0.03)


@pytest.mark.parametrize("middle", range(21))
def test_each_pair_of_lags_counts_once(middle):
    seen = np.zeros((2 * middle + 1,) * 2, int)
    for dy, dx, rows, columns in _groups(middle):
        seen[rows, columns] += 1
        ys, xs = (np.arange(2 * middle + 1)[each] - middle for each in (rows, columns))
        assert (ys.mean(), xs.mean()) == (dy, dx)
    expected = np.ones_like(seen)
    expected[middle, middle] = 0
    np.testing.assert_array_equal(seen + seen[::-1, ::-1], expected)


def factor_of_sums(image, radius):
    """Return the variance of sums over circles of an image of noise 1, over their area."""
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) for n in image.shape)
    disk = (np.hypot(y[:, None], x) <= radius).astype(float)
    sums = np.fft.ifft2(np.fft.fft2(image) * np.fft.fft2(disk)).real
    inner = slice(80, -80)
    return sums[inner, inner].var() / disk.sum()


@pytest.mark.filterwarnings("ignore::skyshed.NoDetectionsWarning")
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.02])
def test_a_slope_that_is_subtracted_makes_no_error_larger(slope):
    image = np.random.default_rng(3).normal(0, 1, (768, 768)) + slope * np.arange(768)
    found = extract(image, background_passes=2, nsigma=4)
    for radius in (3, 6, 12):
        expected = factor_of_sums(image - np.asarray(found.background), radius)
        assert found.noise_factor(radius) == pytest.approx(expected, rel=0.25)


@pytest.mark.filterwarnings("ignore::skyshed.NoDetectionsWarning", "ignore::skyshed.ImageWarning")
def test_what_a_given_background_leaves_is_in_the_errors():
    rng = np.random.default_rng(4)
    wobble = gaussian_filter(rng.normal(0, 1, (768, 768)), 40)
    image = rng.normal(100, 1, (768, 768)) + 0.2 * wobble / wobble.std()
    found = extract(image, background=100.0, background_passes=2, nsigma=6)
    assert found.noise_factor(6) == pytest.approx(factor_of_sums(image - 100, 6), rel=0.3)
    assert found.noise_factor(6) > 3


@pytest.mark.filterwarnings("ignore::skyshed.NoDetectionsWarning")
@pytest.mark.parametrize(("box", "radius"), [(8, 4), (16, 6), (16, 10), (32, 12)])
def test_small_boxes_tell_as_much(box, radius):
    image = np.random.default_rng(5).normal(0, 1, (512, 512))
    found = extract(image, box_size=box, background_passes=2, nsigma=4)
    expected = factor_of_sums(image - np.asarray(found.background), radius)
    assert found.noise_factor(radius) == pytest.approx(expected, rel=0.3)


def test_what_the_background_does_not_follow_is_correlated_over_all_of_a_box():
    offsets = np.random.default_rng(8).normal(0, 0.5, (16, 16))
    image = noise([1.0], 9, (1024, 1024))
    found = np.array(measured(image + np.kron(offsets, np.ones((64, 64)))))
    variance = offsets[tuple(sampled_boxes(image.shape, (64, 64)).T)].var()
    np.testing.assert_allclose(found[:3, :3], variance / (1 + variance), atol=0.01)


def test_too_few_pixels_tell_nothing():
    image = noise([1.0], 6)
    assert measured(image, mask=np.ones(image.shape, bool)) is None


@pytest.mark.parametrize("box_size", [(1, 1), (3, 4), (4, 9), (5, 2)])
def test_boxes_that_are_smaller_than_a_lag_have_no_pairs_there(box_size):
    height, width = box_size
    box = np.zeros((1, 2))
    sums = pair_sums(
        np.ones(box_size), None, box.astype(int), box_size, lambda k: np.zeros(box_size), np.ones(1)
    )
    pairs = [max(height - dy, 0) * max(width - abs(dx), 0) for dy, dx in LAGS]
    np.testing.assert_array_equal(sums[0, 2 + len(LAGS) :], pairs)
    np.testing.assert_array_equal(sums[0, 2 : 2 + len(LAGS)], STEPS**2 * np.array(pairs))


@pytest.mark.filterwarnings("ignore::skyshed.NoDetectionsWarning")
@pytest.mark.parametrize(("shape", "box_size"), [((3, 3), 64), ((60, 60), 4)])
def test_a_second_pass_has_boxes_of_any_size(shape, box_size):
    image = np.random.default_rng(1).normal(0, 1, shape)
    found = extract(image, background_passes=2, nsigma=1.6, box_size=box_size)
    assert found.background.shape == shape


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("axes", [(2.5, 2.5, 0.0), (7.0, 7.0, 0.0), (8.0, 3.0, 0.6)])
def test_errors_of_apertures_are_the_scatter_of_empty_ones(weights, axes):
    image = noise(weights, 7, (900, 900))
    y, x = np.mgrid[12:888:16, 12:888:16]
    n = x.size
    ellipses = np.column_stack([x.ravel(), y.ravel(), *(np.full(n, each) for each in axes)])
    from skyshed.kernels.apertures import NONE, aperture_sums

    empty, one = np.zeros(image.shape, np.int32), np.ones(image.shape)
    flux, variance, _ = aperture_sums(
        image, one, None, empty, None, (0, 0, *image.shape), np.ones(n, np.int32), ellipses,
        np.zeros(n), NONE, None,
    )  # fmt: skip
    factor = noise_factors.of_ellipses(measured(image), ellipses)
    pull = flux / np.sqrt(variance * factor)
    # Weights of pixels at the edge of an aperture are below 1, of which the lens knows nothing.
    assert 0.88 < np.std(pull) < 1.12
    plain = np.std(flux / np.sqrt(variance))
    if weights == [0.5, 1, 0.5]:
        assert plain > 1.8


@pytest.mark.parametrize("weights", [[1.0], [0.5, 1, 0.5]])
def test_errors_of_windowed_centroids_are_their_scatter(weights):
    rng = np.random.default_rng(8)
    image = noise(weights, 9, (700, 700))
    y, x = (
        each.ravel() + rng.uniform(-0.5, 0.5, each.size) for each in np.mgrid[20:690:25, 20:690:25]
    )
    stars = np.zeros(image.shape)
    yy, xx = np.mgrid[:700, :700]
    for x0, y0 in zip(x, y, strict=True):
        near = np.s_[int(y0) - 12 : int(y0) + 13, int(x0) - 12 : int(x0) + 13]
        stars[near] += 40 * np.exp(-((xx[near] - x0) ** 2 + (yy[near] - y0) ** 2) / 2 / 1.7**2)
    labels = np.zeros(image.shape, int)
    for k, (x0, y0) in enumerate(zip(x, y, strict=True), 1):
        labels[int(y0) - 5 : int(y0) + 6, int(x0) - 5 : int(x0) + 6] = k
    catalog = SourceCatalog(
        stars + image, SegmentationImage(labels), error=np.ones(image.shape),
        noise_correlation=measured(image),
    )  # fmt: skip
    pull = (catalog.xcentroid_win - x) / catalog.xcentroid_win_err
    assert 0.85 < np.std(pull) < 1.15


def test_a_catalog_without_it_has_the_errors_of_independent_noise():
    data = gaussian_filter(np.random.default_rng(10).normal(0, 1, (60, 60)), 1) + 5
    labels = SegmentationImage((np.hypot(*(np.mgrid[:60, :60] - 30)) < 9).astype(int))
    one = np.ones(data.shape)
    alone = np.zeros((3, 3))
    alone[1, 1] = 1
    plain = SourceCatalog(data, labels, error=one)
    same = SourceCatalog(data, labels, error=one, noise_correlation=alone)
    for name in ("kron_fluxerr", "segment_fluxerr", "centroid_err"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(same, name))
    assert plain.segment_fluxerr[0] == pytest.approx(np.sqrt(plain.area[0].value))


@pytest.mark.parametrize("wrong", [1.0, [[1.0, 0.0]], np.zeros((3, 3)), "high", [[1.0]] * 2])
def test_a_wrong_correlation_is_refused(wrong):
    data = np.ones((4, 4))
    with pytest.raises(ValueError, match="noise_correlation must be"):
        SourceCatalog(data, SegmentationImage(np.ones((4, 4), int)), noise_correlation=wrong)


COLUMNS = (
    "default", "best_flux", "best_fluxerr", "isocor_fluxerr", "kron_neighbor_share",
    "petrosian_radius", "petrosian_flux", "petrosian_fluxerr", "concentration",
    "detection_threshold", "centroid_win", "centroid_win_err", "dilated_fluxerr",
)  # fmt: skip


@pytest.mark.parametrize("tile", [(64, 128), (128, 192), (256, 256)])
def test_tiles_have_the_errors_of_the_image_to_the_bit(tile):
    from skyshed.datasets import make_survey_image

    image = make_survey_image((300, 400), density=2500, seed=12)
    options = {
        "background_passes": 2, "aperture_radii": (2.5, 6.0), "columns": COLUMNS, "n_threads": 1,
        "localbkg_width": 16,
    }  # fmt: skip
    whole = extract(image.data, mask=image.mask, **options)
    tiles = by_tiles(image.data, tile, companions={"mask": image.mask}, **options)
    assert same_tables(tiles.table, whole.table)
    without = extract(image.data, mask=image.mask, **options, correlated_noise=False)
    assert not np.array_equal(without.table["kron_fluxerr"], whole.table["kron_fluxerr"])


@pytest.mark.parametrize("given", ["measured", "rms"])
def test_a_map_of_depth_is_that_of_empty_circles(given):
    image = 50 + 3 * noise([0.5, 1, 0.5], 13, (512, 512))
    options = {"background_passes": 2, "n_threads": 1, "nsigma": 6}
    rms = np.full(image.shape, 3.0) if given == "rms" else None
    with pytest.warns(match="No sources were found"):
        found = extract(image, rms=rms, **options)
    with pytest.warns(match="No sources were found"):
        tiles = by_tiles(image, (128, 192), companions={"rms": rms}, **options)
    depth = found.depth(4.0, nsigma=3)
    from skyshed.kernels.apertures import NONE, aperture_sums

    y, x = (each.ravel() for each in np.mgrid[10:500:12, 10:500:12])
    four, n = np.full(x.size, 4.0), x.size
    flux, _, _ = aperture_sums(
        image - 50, None, None, np.zeros(image.shape, np.int32), None, (0, 0, *image.shape),
        np.ones(n, np.int32), np.column_stack([x, y, four, four, 0 * four]), np.zeros(n), NONE, 1,
    )  # fmt: skip
    assert np.median(depth[:]) == pytest.approx(3 * np.std(flux), rel=0.1)
    np.testing.assert_array_equal(depth[:], tiles.depth(4.0, nsigma=3)[:])
    with pytest.raises(ValueError, match="radius must be a number above 0, got -1"):
        found.depth(-1)


def test_bands_have_their_own_correlation_by_tiles_too():
    from skyshed import extract_bands
    from skyshed.datasets import make_survey_image
    from skyshed.extraction.bands import open_bands
    from skyshed.extraction.entry import run_request
    from skyshed.extraction.plan import Resources, make_plan

    image = make_survey_image((192, 256), density=3000, seed=14, chip_shape=None, bad_fraction=0)
    bands = {"g": image.data, "r": image.data + 6 * noise([0.5, 1, 0.5], 15, (192, 256))}
    options = {"background_passes": 2, "n_threads": 1, "aperture_radii": (4.0,)}
    whole = extract_bands(bands, **options)
    request = open_bands(bands, **options)
    resources = Resources(None, None, None, tile=(64, 128))
    tiles = run_request(request, make_plan(request, resources), resources)
    assert same_tables(tiles.table, whole.table)
    plain = extract_bands(bands, **options, correlated_noise=False).table
    rise = {
        name: np.median(whole.table[column] / plain[column])
        for name, column in ((name, f"aperture_4_fluxerr_{name}") for name in bands)
    }
    assert rise["r"] > 1.2 * rise["g"]
