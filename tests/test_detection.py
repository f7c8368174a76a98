"""Thresholds are those of photutils, labels those of SciPy and photutils, bit for bit."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from photutils.segmentation import detect_sources as peer_sources
from photutils.segmentation import detect_threshold as peer_threshold
from scipy import ndimage

from skyshed import NoDetectionsWarning, detect_sources, detect_threshold


@pytest.fixture(autouse=True, scope="module")
def narrow_ranges():
    """Split even small images into many ranges of work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skyshed.kernels.threads.PIXELS_PER_RANGE", 150)
        yield


DTYPES = ("f2", "f4", "f8", ">f4", ">f8", "i2", "i4", "i8", "u1", "u2", "u4", "?")


def noisy(shape, seed=0, sigma=1.0, dtype="f8"):
    """Smoothed noise of about unit scale, in the dtype asked for (integers: ten times that)."""
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=shape), sigma) * 2 * sigma**0.5 * 1.7
    if dtype == "?":
        return image > 0.7
    scale = 10 if np.dtype(dtype).kind in "iu" else 1
    return (image * scale).clip(0 if np.dtype(dtype).kind == "u" else None).astype(dtype)


def by_definition(data, threshold, npixels, connectivity, mask=None):
    """Labels by SciPy, small components dropped, the others renumbered in order."""
    with np.errstate(invalid="ignore"):
        above = data > threshold
    if mask is not None:
        above &= ~mask
    labels, n = ndimage.label(above, np.ones((3, 3)) if connectivity == 8 else None)
    large = np.bincount(labels.ravel(), minlength=n + 1) >= npixels
    large[0] = False
    return np.where(large, np.cumsum(large), 0)[labels].astype(np.int32)


def detected(*args, **kwargs):
    """The labels of `detect_sources`, which are all 0 where there is no source."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        segm = detect_sources(*args, **kwargs)
    return np.zeros(np.shape(args[0]), np.int32) if segm is None else segm.data


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_are_those_of_scipy_and_photutils(dtype, connectivity):
    data = noisy((70, 83), dtype=dtype)
    level = 5 if np.dtype(dtype).kind in "iu" else 0.5
    limits = np.full(data.shape, level, float)
    limits[:, 40:] = 0.4 * level
    sources = 0
    for threshold in (level, limits, limits.astype("f4"), np.float32(level), np.float64(level)):
        for npixels in (1, 7):
            labels = detected(data, threshold, npixels, connectivity=connectivity)
            expected = by_definition(data, threshold, npixels, connectivity)
            np.testing.assert_array_equal(labels, expected, strict=True)
            peer = peer_sources(data, threshold, npixels, connectivity=connectivity)
            np.testing.assert_array_equal(labels, peer.data)
            sources += expected.max()
    assert sources > 100


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 97), (130, 3), (64, 64), (65, 33)])
def test_images_of_any_shape(shape):
    for seed in range(4):
        data = noisy(shape, seed, sigma=0.6)
        for connectivity in (4, 8):
            for npixels in (1, 2):
                np.testing.assert_array_equal(
                    detected(data, 0.0, npixels, connectivity),
                    by_definition(data, 0.0, npixels, connectivity),
                    strict=True,
                )
    everything = detected(np.ones(shape), 0.5, 1)
    np.testing.assert_array_equal(everything, np.ones(shape, np.int32))


def test_shapes_that_join_late_and_across_bands():
    """Spirals, combs and diagonals: components whose parts meet far below their first pixels."""
    y, x = np.mgrid[:200, :90]
    comb = (x % 3 == 0) | (y == 199)
    upside_down = (x % 3 == 0) | (y == 0)
    diagonals = (x + y) % 5 == 0
    spiral = np.sin(np.hypot(x - 45, y - 100) + np.arctan2(y - 100, x - 45)) > 0
    checks = (x + y) % 2 == 0
    for image in (comb, upside_down, diagonals, spiral, checks, comb[::-1] & (y % 67 != 0)):
        for connectivity in (4, 8):
            for npixels in (1, 30):
                np.testing.assert_array_equal(
                    detected(image, 0.5, npixels, connectivity),
                    by_definition(image, 0.5, npixels, connectivity),
                )


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(n_threads):
    data = noisy((300, 71), 3, dtype="f4")
    mask = noisy((300, 71), 4) > 1
    for keywords in ({}, {"mask": mask}, {"connectivity": 4}):
        np.testing.assert_array_equal(
            detected(data, 0.3, 3, n_threads=n_threads, **keywords),
            by_definition(data, 0.3, 3, keywords.get("connectivity", 8), keywords.get("mask")),
        )


def test_nan_and_masked_pixels_belong_to_no_source():
    data = noisy((50, 60), 5)
    data[:, 33] = np.inf
    data[:, 34] = -np.inf
    data[10:13] = np.nan
    threshold = np.full(data.shape, 0.2)
    threshold[30] = np.nan
    mask = np.zeros(data.shape, bool)
    mask[20:25, 5:50] = True
    for given in (threshold, 0.2):
        labels = detected(data, given, 2, mask=mask)
        np.testing.assert_array_equal(labels, by_definition(data, given, 2, 8, mask))
        assert not labels[10:13].any()
        assert not labels[mask].any()
    np.testing.assert_array_equal(detected(data, 0.2, 2, mask=mask.astype(int)), labels)
    np.testing.assert_array_equal(detected(data, 0.2, 2, mask=mask.tolist()), labels)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_python_float_is_rounded_to_the_dtype_of_data(dtype):
    value = np.dtype(dtype).type(0.1)
    steps = [np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)]
    data = np.array([steps], dtype=dtype)
    for threshold in (0.1, np.float64(0.1), np.float32(0.1), np.array(0.1), float(value)):
        expected = (data > threshold).astype(int)
        np.testing.assert_array_equal(detected(data, threshold, 1) > 0, expected > 0)
    assert detected(data, 0.1, 1).tolist() == [[0, 0, 1]]


def test_inputs_are_not_modified_and_views_are_understood():
    data = noisy((64, 80), 6)
    before = data.copy()
    data.setflags(write=False)
    for view in (data[::2, ::-1], data.T, data[5:, 7:]):
        np.testing.assert_array_equal(detected(view, 0.5, 2), by_definition(view, 0.5, 2, 8))
    np.testing.assert_array_equal(data, before)


def test_quantities_need_the_same_unit():
    data = noisy((40, 40), 7)
    segm = detect_sources(data * u.Jy, 0.5 * u.Jy, npixels=3)
    np.testing.assert_array_equal(segm.data, detected(data, 0.5, 3))
    image = np.full(data.shape, 0.5) * u.Jy
    np.testing.assert_array_equal(detected(data * u.Jy, image, 3), segm.data)
    for threshold in (0.5, 0.5 * u.mJy):
        with pytest.raises(ValueError, match="data, threshold must all have the same units"):
            detect_sources(data * u.Jy, threshold, 3)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"npixels": 0}, ValueError, "npixels/n_pixels must be a positive integer, got 0"),
        ({"npixels": 2.5}, ValueError, "npixels/n_pixels must be a positive integer, got 2.5"),
        ({"npixels": "5"}, ValueError, "npixels/n_pixels must be a positive integer, got '5'"),
        ({"connectivity": 6}, ValueError, "Invalid connectivity=6: it must be 4"),
        ({"mask": np.ones((4, 4), bool)}, ValueError, "mask must not be True for every pixel"),
        ({"mask": np.ones((4, 5), bool)}, ValueError, r"mask has \(4, 5\), .* data has \(4, 4\)"),
        ({"threshold": np.ones((1, 4))}, ValueError, r"threshold has \(1, 4\), data has \(4, 4\)"),
        ({"threshold": np.ones(4)}, ValueError, "threshold must be a 2-D array, got 1-D"),
        ({"data": np.ones(4)}, ValueError, "data must be a 2-D array, got 1-D"),
        ({"threshold": "high"}, TypeError, "threshold must be a real number or an image, got 'hi"),
        ({"threshold": 1j}, TypeError, "threshold must be a real number or an image, got 1j"),
        ({"data": np.ones((4, 4), complex)}, TypeError, "data must hold real numbers"),
        ({"n_threads": 0}, ValueError, "n_threads must be a positive integer"),
        ({"n_pixels": 5}, TypeError, "'npixels' and its alias 'n_pixels'"),
    ],
)
def test_wrong_arguments_are_named(keywords, error, text):
    with pytest.raises(error, match=text):
        detect_sources(**{"data": np.ones((4, 4)), "threshold": 0.5, "npixels": 2, **keywords})


def test_no_source_is_none_and_a_warning():
    for data, npixels in ((np.zeros((5, 5)), 1), (np.eye(5), 6), (np.zeros((0, 5)), 1)):
        with pytest.warns(
            NoDetectionsWarning, match=f"No sources were found: no {npixels} connected pixels"
        ):
            assert detect_sources(data, 0.5, npixels) is None


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(-0.5, r"threshold is negative \(-0.5\)"), ("image", r"has 3 negative value\(s\)")],
)
def test_a_negative_threshold_warns_where_it_was_given(threshold, text):
    if threshold == "image":
        threshold = np.zeros((4, 4))
        threshold[1, :3] = -1
        threshold[2, 2] = np.nan
    with pytest.warns(AstropyUserWarning, match=text) as caught:
        detect_sources(np.ones((4, 4)), threshold, 1)
    assert caught[0].filename == __file__


def test_a_threshold_with_nan_and_no_negative_value_does_not_warn():
    threshold = np.zeros((4, 4))
    threshold[0, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect_sources(np.ones((4, 4)), threshold, 1)


LEVELS = [
    {},
    {"background": 1.0},
    {"error": 2.0},
    {"background": 1.0, "error": 1.5},
    {"background": np.full((60, 70), 1.0)},
    {"error": np.full((60, 70), 2.0, "f4")},
]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", ">f4"])
@pytest.mark.parametrize("levels", LEVELS, ids=lambda levels: "+".join(levels) or "estimated")
def test_the_threshold_is_that_of_photutils(dtype, levels):
    rng = np.random.default_rng(1)
    data = rng.normal(9, 2, (60, 70))
    data[5:9, 5:9] += 100
    data = data.astype(dtype)
    mask = np.zeros(data.shape, bool)
    mask[:10] = True
    clips = [None, SigmaClip(2.0, maxiters=3), SigmaClip(2.5, stdfunc="mad_std")]
    clips += [SigmaClip(3.0, grow=1.5), SigmaClip(3.0, cenfunc=np.nanmean)]
    for more in ({}, {"mask": mask}, *({"sigma_clip": clip} for clip in clips)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            threshold = detect_threshold(data, 2.5, **levels, **more)
        if more.get("sigma_clip", 1) is None:  # photutils 3.0 cannot do without clipping
            level, noise = np.mean(data, dtype=float), np.std(data, dtype=float)
            expected = levels.get("background", level) + 2.5 * levels.get("error", noise)
        else:
            expected = peer_threshold(data, 2.5, **levels, **more)
        # photutils and astropy sum float32 images in float32, and convert integers to it to grow
        single = "f4" in dtype or "grow" in str(more)
        np.testing.assert_allclose(threshold, expected, rtol=3e-6 if single else 1e-12)
        given = [np.asarray(level).dtype for level in levels.values() if np.ndim(level)]
        kept = np.float32 if dtype in ("f4", ">f4") else np.float64
        assert threshold.dtype == np.result_type(kept, *given)


def test_values_that_are_not_finite_are_left_out_with_a_warning():
    data = np.random.default_rng(2).normal(5, 1, (40, 40))
    mask = np.zeros(data.shape, bool)
    mask[:3] = True
    data[0, 0] = np.nan
    clean = detect_threshold(data, 2.0, mask=mask)
    data[10, 10:12] = np.nan, np.inf
    mask_all = mask.copy()
    mask_all[10, 10:12] = True
    for clip in (SigmaClip(3.0), None, SigmaClip(3.0, grow=1)):
        with pytest.warns(
            AstropyUserWarning, match=r"data contains nonfinite values .* in 2 unmasked pixels"
        ) as caught:
            threshold = detect_threshold(data, 2.0, mask=mask, sigma_clip=clip)
        assert caught[0].filename == __file__
        expected = detect_threshold(data, 2.0, mask=mask_all, sigma_clip=clip)
        np.testing.assert_allclose(threshold, expected, rtol=1e-12)
    assert np.isfinite(clean).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect_threshold(data, 2.0, background=0.0, error=1.0)


def test_what_a_masked_array_masks_is_left_out_of_the_statistics_only():
    rng = np.random.default_rng(5)
    data = rng.normal(5, 1, (40, 50))
    hidden, mask = np.zeros((2, *data.shape), bool)
    hidden[:20] = mask[10:30] = True
    data[:20] += 3
    data[0, 0] = np.nan
    masked = np.ma.array(data, mask=hidden)
    for clip in (SigmaClip(3.0), None, SigmaClip(3.0, grow=1)):
        for more, both in (({}, hidden), ({"mask": mask}, mask | hidden)):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                threshold = detect_threshold(masked, 2.0, sigma_clip=clip, **more)
            assert not isinstance(threshold, np.ma.MaskedArray)
            expected = detect_threshold(data, 2.0, sigma_clip=clip, mask=both)
            np.testing.assert_array_equal(threshold, expected)
            if clip is not None:  # photutils 3.0 cannot do without clipping
                peer = peer_threshold(masked, 2.0, sigma_clip=clip, **more)
                np.testing.assert_allclose(threshold, peer, rtol=1e-12)
    data[0, 0] = 9.0
    bright = np.ma.array(data, mask=hidden)
    np.testing.assert_array_equal(detected(bright, 7.0, 2), detected(data, 7.0, 2))
    np.testing.assert_array_equal(detected(bright, 7.0, 2), peer_sources(bright, 7.0, 2).data)


def test_a_threshold_has_the_unit_of_data():
    data = np.random.default_rng(3).normal(5, 1, (20, 20)) * u.Jy
    threshold = detect_threshold(data, 3, background=0 * u.Jy)
    assert threshold.unit == u.Jy
    plain = detect_threshold(data.value, n_sigma=3, background=0.0)
    np.testing.assert_array_equal(threshold.value, plain)
    with pytest.raises(ValueError, match="data, error must all have the same units"):
        detect_threshold(data, 3, error=1.0)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"sigma_clip": 3.0}, TypeError, "sigma_clip must be a SigmaClip object or None, got 3.0"),
        ({"background": np.ones(3)}, ValueError, r"background has \(3,\), data has \(4, 4\)"),
        ({"error": np.ones((4, 1))}, ValueError, r"error has \(4, 1\), data has \(4, 4\)"),
        ({"mask": np.ones((2, 2))}, ValueError, r"mask has \(2, 2\), data has \(4, 4\)"),
        ({"data": np.ones(3)}, ValueError, "data must be a 2-D array"),
    ],
)
def test_wrong_arguments_of_the_threshold_are_named(keywords, error, text):
    with pytest.raises(error, match=text):
        detect_threshold(**{"data": np.ones((4, 4)), "nsigma": 3, **keywords})
