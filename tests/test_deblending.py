"""Deblending: the labels are photutils', to the pixel; so are numbers, maps, flags and notes.

The oracle is photutils 3.0 live where it agrees with 3.1.1, the reference, and 3.1.1's stored
answers where it does not (see `oracle/make_deblending.py`).
"""

import importlib.util
import json
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, generate_binary_structure
from skimage.segmentation import watershed

from skyshed import DeblendWarning, SegmentationImage, deblend_sources, detect_sources
from skyshed.deblending import thresholds

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import photutils.segmentation as photutils

ORACLE = Path(__file__).with_name("oracle")


def _cases():
    spec = importlib.util.spec_from_file_location("make_deblending", ORACLE / "make_deblending.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


CASES = _cases()


def crowded_field(seed, n=460, density=0.016, width=1.6):
    """Stars of power-law brightness, so dense that most blend, and smooth noise."""
    rng = np.random.default_rng(seed)
    n_stars = int(n * n * density)
    stars = np.zeros((n, n))
    place = rng.integers(0, n, n_stars), rng.integers(0, n, n_stars)
    np.add.at(stars, place, rng.pareto(1.2, n_stars) * 60 + 30)
    return gaussian_filter(stars, width) + gaussian_filter(rng.normal(0, 4, (n, n)), 1)


def big_blend(n, n_peaks, seed):
    """Peaks on an extended envelope, all one source; and that source."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:n, :n] - n / 2
    data = 60 + 40 * np.exp(-(x**2 + y**2) / (2 * (0.3 * n) ** 2))
    for x0, y0 in rng.uniform(-n / 2, n / 2, (n_peaks, 2)):
        width = rng.uniform(1.2, 3)
        data += rng.uniform(8, 200) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * width**2))
    return data, (np.hypot(x, y) < n / 2 - 1).astype(np.int32)


def with_photutils(data, segments, npixels, nlevels=32, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return photutils.deblend_sources(
            data,
            photutils.SegmentationImage(segments),
            npixels,
            n_levels=nlevels,
            progress_bar=False,
            **options,
        )


def quietly(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeblendWarning)
        return deblend_sources(*args, **options)


#: Kind of data, npixels, keywords; the seed is the index in the list. Coarse data have no contrast:
#: 3.1.1 removes several faint peaks at once, which can give other pixels than 3.0's one at a time.
FIELDS = [
    ("f8", 5, {}),
    ("f4", 5, {"contrast": 0.01}),
    ("f8", 1, {"connectivity": 4, "nlevels": 16}),
    ("f4", 10, {"mode": "linear", "contrast": 0.0}),
    ("f8", 5, {"mode": "sinh", "contrast": 0.03}),
    ("f4", 1, {"mode": "sinh", "connectivity": 4, "contrast": 0.01, "nlevels": 16}),
    ("f4 masked", 5, {"mode": "linear", "contrast": 0.1}),
    ("f8 masked", 5, {"connectivity": 4, "contrast": 0.0}),
    ("f8 saturated", 5, {"contrast": 0.01}),
    ("f4 saturated", 1, {"mode": "sinh", "contrast": 0.0, "nlevels": 16}),
    ("i4", 5, {"contrast": 0.001}),
    ("u2", 5, {"mode": "linear", "connectivity": 4}),
    ("i2 coarse", 5, {"contrast": 0.0}),
    ("i8 coarse", 2, {"mode": "linear", "contrast": 0.0, "connectivity": 4, "nlevels": 16}),
]


def draw(kind, seed):
    """Data of a kind, and a mask."""
    data, mask = crowded_field(seed), None
    dtype = kind[:2]
    if "saturated" in kind:
        data = np.minimum(data, np.percentile(data, 96))
    if "masked" in kind:
        mask = np.random.default_rng(seed).random(data.shape) < 0.02
    if np.dtype(dtype).kind in "iu":
        data = np.clip(np.round(data / 2 if "coarse" in kind else data * 8), 0, 32000)
    return data.astype(dtype), mask


def compare(kind, npixels, options, seed):
    """Return how many sources split, how many into at least 4, and how many peaks were removed."""
    data, mask = draw(kind, seed)
    threshold = 8 if kind in ("i4", "u2") else 1
    connectivity = options.get("connectivity", 8)
    found = detect_sources(data, threshold, npixels, mask=mask, connectivity=connectivity)
    result = quietly(data, found, npixels, **options)
    expected = with_photutils(data, found.data, npixels, **options)
    np.testing.assert_array_equal(result.data, expected.data)
    children = {k: list(v) for k, v in expected.parent_to_deblended_labels.items()}
    assert {k: list(v) for k, v in result.deblended_labels_inverse_map.items()} == children
    counts = np.array([len(c) for c in children.values()])
    everything = quietly(data, found, npixels, **{**options, "contrast": 0.0})
    return np.array([counts.size, (counts >= 4).sum(), everything.nlabels - result.nlabels])


def test_labels_are_those_of_photutils():
    total = np.zeros(3, int)
    for seed, (kind, npixels, options) in enumerate(FIELDS):
        total += compare(kind, npixels, options, seed)
    split, into_four, removed = total
    assert split >= 2000
    assert into_four >= 200
    assert removed >= 100


def without_faint_basins(data, basins, contrast, connectivity):
    """The contrast rule by its definition: flood the whole source again after each removal.

    ``basins`` are those of all markers. The faintest goes; or, if no value is negative, the largest
    group of the faintest that together is below both the contrast and the next basin.
    """
    inside = basins > 0
    values = data[inside].astype(float)
    total = np.cumsum(values)[-1]
    footprint = generate_binary_structure(2, 1 if connectivity == 4 else 2)
    n_removed, labels = 0, np.unique(basins[inside])
    while labels.size > 1:
        share = np.bincount(basins[inside], values)[labels] / total
        if not (share < contrast).any():
            break
        order = np.argsort(share, kind="stable")
        n = 1
        if values.min() >= 0 and labels.size > 2:
            together, following = np.cumsum(share[order])[1:-1], share[order][2:]
            n += max(np.flatnonzero((together < contrast) & (together < following)) + 1, default=0)
        kept = np.where(np.isin(basins, labels[order[:n]]), 0, basins)
        basins = watershed(-data.astype(float), kept, mask=inside, connectivity=footprint)
        n_removed += n
        labels = np.unique(basins[inside])
    return np.searchsorted(labels, basins) + inside, n_removed


def compare_with_the_definition(kind, npixels, options, seed, contrast):
    """Return how many basins were removed from the sources of a field, all compared."""
    data, mask = draw(kind, seed)
    connectivity = options.get("connectivity", 8)
    threshold = 8 if kind in ("i4", "u2") else 1
    found = detect_sources(data, threshold, npixels, mask=mask, connectivity=connectivity)
    everything = quietly(data, found, npixels, **{**options, "contrast": 0.0})
    result = quietly(data, found, npixels, relabel=False, **{**options, "contrast": contrast})
    children = result.deblended_labels_inverse_map
    n_removed = 0
    for parent, basins in everything.deblended_labels_inverse_map.items():
        box = found.slices[found.get_index(parent)]
        inside = found.data[box] == parent
        numbers = np.where(inside, everything.data[box] - basins[0] + 1, 0)
        expected, removed = without_faint_basins(data[box], numbers, contrast, connectivity)
        n_removed += removed
        first = children[parent][0] - 1 if parent in children else parent - 1
        np.testing.assert_array_equal(np.where(inside, result.data[box] - first, 0), expected)
    return n_removed


@pytest.mark.parametrize("place", [4, 10, 12, 13])
def test_the_contrast_rule_is_that_of_flooding_everything_again(place):
    kind, npixels, options = FIELDS[place]
    removed = compare_with_the_definition(kind, npixels, options, seed=50 + place, contrast=0.1)
    assert removed > 40


@pytest.mark.slow
def test_labels_are_those_of_photutils_and_of_the_definition_in_many_fields():
    for seed in range(100, 128):
        kind, npixels, options = FIELDS[seed % len(FIELDS)]
        compare(kind, npixels, {**options, "contrast": 0.0}, seed)
        for contrast in (0.003, 0.3):
            compare_with_the_definition(kind, npixels, options, seed, contrast)


@pytest.mark.parametrize("contrast", [0.0, 0.005])
def test_a_big_blend_is_that_of_photutils_for_any_number_of_threads(contrast):
    data, segments = big_blend(280, 150, seed=1)
    segm = SegmentationImage(segments)
    options = {"mode": "linear", "contrast": contrast}
    expected = with_photutils(data, segments, 5, **options)
    assert segments.sum() > 60000
    assert expected.data.max() > 60
    for n_threads in (1, 2, 3):
        result = deblend_sources(data, segm, 5, n_threads=n_threads, **options)
        np.testing.assert_array_equal(result.data, expected.data)


@pytest.mark.slow
def test_a_giant_blend_loses_a_hundred_peaks_as_in_photutils():
    data, segments = big_blend(420, 600, seed=2)
    options = {"mode": "linear", "contrast": 0.002}
    result = deblend_sources(data, SegmentationImage(segments), 5, **options)
    whole = deblend_sources(data, SegmentationImage(segments), 5, mode="linear", contrast=0)
    assert whole.nlabels - result.nlabels > 100
    np.testing.assert_array_equal(result.data, with_photutils(data, segments, 5, **options).data)


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_that_of_photutils_3_1_1(case):
    scene, npixels, options = CASES[case]
    with np.load(ORACLE / "deblending.npz") as stored:
        data, segments = stored[f"{scene}/data"], stored[f"{scene}/segments"]
        labels, flags = stored[f"{case}/labels"], stored[f"{case}/flags"]
        notes = json.loads(str(stored[f"{case}/notes"]))
    segm = SegmentationImage(segments.astype(np.int32))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = deblend_sources(data, segm, npixels, **options)
    np.testing.assert_array_equal(result.data, labels)
    np.testing.assert_array_equal(result.flags, flags)
    children = [[k, v.tolist()] for k, v in result.deblended_labels_inverse_map.items()]
    assert children == notes["children"]
    assert {name: values.tolist() for name, values in result.info.items()} == notes["info"]
    assert [w.category for w in caught] == [DeblendWarning] * notes["warns"]


def test_the_stored_answers_cover_every_fallback_and_splits():
    with np.load(ORACLE / "deblending.npz") as stored:
        flags = [stored[f"{case}/flags"] for case in CASES]
        splits = sum(len(json.loads(str(stored[f"{case}/notes"]))["children"]) for case in CASES)
    assert splits > 300
    for bit in (32, 64, 128):
        assert sum(((f & bit) != 0).sum() for f in flags) > 20


def test_thresholds_are_those_of_numpy_for_one_source_to_the_bit():
    rng = np.random.default_rng(5)
    for dtype in (np.float32, np.float64):
        low = rng.uniform(0.1, 50, 300).astype(dtype)
        high = (low * (1 + rng.pareto(0.5, 300))).astype(dtype)
        high[0] = np.nextafter(low[0], dtype(np.inf))
        got = {mode: thresholds(low, high, 32, mode) for mode in ("linear", "exponential", "sinh")}
        for i in range(300):
            even = np.linspace(low[i], high[i], 34)
            share = (even - low[i]) / (high[i] - low[i])
            power = low[i] * (high[i] / low[i]) ** share
            sinh = np.sinh(share / 0.25) / np.sinh(1 / 0.25) * (high[i] - low[i]) + low[i]
            np.testing.assert_array_equal(got["linear"][i], even[1:-1])
            np.testing.assert_array_equal(got["exponential"][i], power[1:-1])
            np.testing.assert_array_equal(got["sinh"][i], sinh[1:-1])


def test_thresholds_of_a_minimum_that_is_not_positive_are_sinh():
    low, high = np.array([-3.0, 0.0, 2.0]), np.array([5.0, 7.0, 9.0])
    mixed, sinh = (thresholds(low, high, 8, mode) for mode in ("exponential", "sinh"))
    np.testing.assert_array_equal(mixed[:2], sinh[:2])
    assert (mixed[2] != sinh[2]).all()


def test_any_number_of_threads_gives_the_same_labels():
    data = crowded_field(77)
    found = detect_sources(data, 1.0, 5)
    expected = quietly(data, found, 5, contrast=0.01, n_threads=1)
    for n_threads in (2, 3, 7, None):
        result = quietly(data, found, 5, contrast=0.01, n_threads=n_threads)
        np.testing.assert_array_equal(result.data, expected.data)


@pytest.fixture(scope="module")
def small():
    data = crowded_field(3, n=90)
    return data, detect_sources(data, 1.0, 5)


def test_aliases_and_units_change_nothing(small):
    data, segm = small
    expected = deblend_sources(data, segm, 5, nlevels=20).data
    assert expected.max() > segm.nlabels
    alias = deblend_sources(
        data * u.Jy, segmentation_image=segm, n_pixels=5, n_levels=20, n_processes=2
    )
    np.testing.assert_array_equal(alias.data, expected)
    basin = deblend_sources(data, segm, 5, None, 20, contrast_method="basin", nproc=1)
    np.testing.assert_array_equal(basin.data, expected)
    order = deblend_sources(np.asfortranarray(data).astype(">f8"), segm, npixels=5, nlevels=20)
    np.testing.assert_array_equal(order.data, expected)


@pytest.mark.parametrize("keyword", [{"progress_bar": False}, {"nproc": 2}, {"n_processes": 2}])
def test_keywords_of_older_releases_change_nothing_and_are_not_warned_of(small, keyword):
    data, segm = small
    expected = deblend_sources(data, segm, 5)
    assert expected.nlabels > segm.nlabels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = deblend_sources(data, segm, 5, **keyword)
    np.testing.assert_array_equal(result.data, expected.data)


def test_inputs_are_not_modified_and_not_shared(small):
    data, segm = small
    data, labels = data.copy(), segm.data.copy()
    data.setflags(write=False)
    for contrast in (0.001, 1):
        result = deblend_sources(data, segm, 5, contrast=contrast)
        assert not np.shares_memory(result.data, segm.data)
    np.testing.assert_array_equal(segm.data, labels)


def test_children_of_integers_with_a_wide_range_do_not_overflow():
    row = np.array([[-30000, 30000, -30000, 30000, -30000]])
    segm = SegmentationImage(np.ones((1, 5), int))
    for mode in ("linear", "sinh", "exponential"):
        wide = quietly(row, segm, 1, mode=mode, contrast=0)
        narrow = quietly(row.astype(np.int16), segm, 1, mode=mode, contrast=0)
        np.testing.assert_array_equal(narrow.data, wide.data)
        assert wide.nlabels == 2


@pytest.mark.parametrize("relabel", [True, False])
@pytest.mark.parametrize("kind", ["u1", "i2", "<i4", ">i4", ">i8", "u8", "i8"])
def test_labels_keep_the_dtype_of_the_segments(small, kind, relabel):
    data, segm = small
    expected = deblend_sources(data, segm, 3, relabel=relabel)
    result = deblend_sources(data, SegmentationImage(segm.data.astype(kind)), 3, relabel=relabel)
    assert result.data.dtype == result.labels.dtype == result.deblended_labels.dtype == kind
    assert 5 < len(expected.deblended_labels) < 200
    np.testing.assert_array_equal(result.data, expected.data)
    np.testing.assert_array_equal(result.flags, expected.flags)
    children = result.parent_to_deblended_labels
    assert children.keys() == expected.parent_to_deblended_labels.keys()
    for parent, labels in expected.parent_to_deblended_labels.items():
        assert children[parent].dtype == kind
        np.testing.assert_array_equal(children[parent], labels)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4"])
def test_labels_that_the_dtype_can_not_hold_are_refused(kind):
    data = np.array([[1, 9, 2, 9, 1]])
    largest = np.iinfo(kind).max
    segm = SegmentationImage(np.full((1, 5), largest, kind))
    np.testing.assert_array_equal(deblend_sources(data, segm, 1).data, [[1, 1, 1, 2, 2]])
    message = rf"segmentation_image has labels up to {largest}: .* {largest + 2}.*wider dtype"
    with pytest.raises(ValueError, match=message):
        deblend_sources(data, segm, 1, relabel=False)


@pytest.mark.parametrize("relabel", [True, False])
@pytest.mark.parametrize("offset", [np.iinfo(np.int32).max - 4, 2**40])
def test_labels_of_more_than_32_bits_are_numbers_like_others(small, offset, relabel):
    data, segm = small
    expected = deblend_sources(data, segm, 3, relabel=relabel)
    wide = SegmentationImage(np.where(segm.data > 0, segm.data.astype(int) + offset, 0))
    result = deblend_sources(data, wide, 3, relabel=relabel)
    shift = 0 if relabel else offset
    assert result.data.dtype == np.int64
    labels = expected.data.astype(int)
    np.testing.assert_array_equal(result.data, np.where(labels > 0, labels + shift, 0))
    np.testing.assert_array_equal(result.flags, expected.flags)
    children = expected.parent_to_deblended_labels
    assert result.parent_to_deblended_labels.keys() == {parent + offset for parent in children}
    for parent, labels in children.items():
        np.testing.assert_array_equal(
            result.parent_to_deblended_labels[parent + offset], labels.astype(int) + shift
        )
    last = int(wide.labels[-1])
    some = deblend_sources(data, wide, 3, labels=[last], relabel=False)
    np.testing.assert_array_equal(some.labels[: wide.nlabels - 1], wide.labels[:-1])


def test_a_source_in_pieces_that_no_marker_reaches_is_an_error_that_names_it():
    segments = np.array([[4, 4, 4, 0, 4], [0, 0, 0, 0, 0], [9, 9, 9, 9, 9]])
    data = np.array([[5.0, 1, 5, 0, 1], [0, 0, 0, 0, 0], [1, 2, 3, 2, 1]])
    segm = SegmentationImage(segments)
    with pytest.raises(
        ValueError, match=r"Deblending failed for source labels \[4\] .*connectivity"
    ):
        deblend_sources(data, segm, 1)
    np.testing.assert_array_equal(
        deblend_sources(data, segm, 1, labels=9, relabel=False).data, segments
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"npixels": 1.5}, "npixels/n_pixels must be a positive integer, got 1.5"),
        ({"nlevels": 0}, "nlevels/n_levels must be a positive integer, got 0"),
        ({"contrast": 1.5}, "contrast must be >= 0 and <= 1, got 1.5"),
        ({"contrast": np.nan}, "contrast must be >= 0 and <= 1, got nan"),
        ({"mode": "log"}, "mode must be 'exponential', 'linear', or 'sinh', got 'log'"),
        ({"connectivity": 6}, "Invalid connectivity=6: it must be 4"),
        ({"contrast_method": "x"}, "contrast_method must be None, 'basin', or 'saddle', got 'x'"),
        ({"n_threads": 0}, "n_threads must be a positive integer"),
        ({"labels": [1, 99]}, r"label \[99\] is invalid"),
        (
            {"data": np.ones((2, 2))},
            "segment_img/segmentation_image must have the same shape as data",
        ),
    ],
)
def test_a_bad_argument_is_named(options, message):
    good = {
        "data": np.array([[1.0, 3, 2, 4]]),
        "segment_img": SegmentationImage(np.ones((1, 4), int)),
        "npixels": 1,
    }
    with pytest.raises(ValueError, match=message):
        deblend_sources(**{**good, **options})


def test_segments_must_be_a_segmentation_image_with_labels():
    with pytest.raises(
        TypeError,
        match="segment_img/segmentation_image must be a SegmentationImage instance, got ndarray",
    ):
        deblend_sources(np.ones((2, 2)), np.ones((2, 2), int), 1)
    with pytest.raises(ValueError, match="at least one nonzero label"):
        deblend_sources(np.ones((2, 2)), SegmentationImage(np.zeros((2, 2), int)), 1)


def test_the_warning_points_at_the_caller():
    segm = SegmentationImage(np.ones((1, 5), int))
    with pytest.warns(
        DeblendWarning, match=r"from the input was changed from 'exponential'.*not positive"
    ) as caught:
        deblend_sources(np.array([[0.0, 3, 1, 4, 0]]), segm, 1)
    assert caught[0].filename == __file__
