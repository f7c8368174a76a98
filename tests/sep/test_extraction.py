"""Objects of `skyshed.sep.extract`: SEP's, bit for bit."""

import numpy as np
import pytest
import sep as oracle

import skyshed.sep
from tests.sep.field import field, noise

SETTINGS = [
    {"thresh": 3.0},
    {"thresh": 1.5, "err": 2.0},
    {"thresh": 1.5, "var": 4.0, "gain": 1.5},
    {"thresh": 1.5, "err": "map"},
    {"thresh": 1.5, "err": "map", "filter_type": "conv", "gain": 2.0},
    {"thresh": 2.0, "var": "map", "minarea": 1, "clean": False},
    {"thresh": 4.0, "filter_kernel": None, "deblend_nthresh": 64, "deblend_cont": 1e-4},
    {"thresh": 2.0, "minarea": 9, "clean_param": 1.5, "deblend_cont": 0.0},
    {"thresh": 1.5, "err": "map", "filter_kernel": np.outer([1, 2, 3, 2, 1], [1, 3, 1])},
    {"thresh": 2.0, "err": 2.0, "deblend_cont": 1.0, "mask": "map"},
    {"thresh": 1e5},
]


@pytest.fixture(autouse=True)
def _room():
    """SEP has limits; skyshed has none."""
    before = oracle.get_extract_pixstack(), oracle.get_sub_object_limit()
    oracle.set_extract_pixstack(10**6)
    oracle.set_sub_object_limit(100_000)
    yield
    oracle.set_extract_pixstack(before[0])
    oracle.set_sub_object_limit(before[1])


def arguments(settings, data):
    given = dict(settings)
    for name in ("err", "var", "mask"):
        if given.get(name) == "map":
            sigma = noise(data.shape)
            given[name] = {"err": sigma, "var": sigma**2}.get(name, mask_of(data.shape))
    return given


def mask_of(shape):
    mask = np.random.default_rng(4).random(shape) < 0.02
    mask[0] = False  # SEP 1.4.1 forgets the first row's mask where it filters
    return mask


@pytest.mark.parametrize("number", range(len(SETTINGS)))
@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objects_are_those_of_sep(number, crowded, dtype):
    data = field(900 if crowded else 150, (180, 200), dtype)
    given = arguments(SETTINGS[number], data)
    found, labels = skyshed.sep.extract(data, segmentation_map=True, **given)
    expected, expected_labels = oracle.extract(data, segmentation_map=True, **given)
    assert found.dtype == expected.dtype
    for name in found.dtype.names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(labels, expected_labels, strict=True)
    assert len(found) > 1 or number == len(SETTINGS) - 1
    if number == 3 and crowded:
        assert (found["flag"] & skyshed.sep.OBJ_MERGED != 0).sum() > 10


@pytest.mark.parametrize("err", [None, 2.0, "map"])
def test_given_objects_are_measured_as_sep_does(err):
    data = field(300, (180, 200), np.float32)
    given = arguments({"err": err}, data)
    _, labels = oracle.extract(data, 1.5, segmentation_map=True, **given)
    found, numbered = skyshed.sep.extract(data, 1.5, segmentation_map=3 * labels, **given)
    expected, _ = oracle.extract(data, 1.5, segmentation_map=3 * labels, **given)
    for name in found.dtype.names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(numbered, labels)


@pytest.mark.parametrize("pattern", ["spiral", "comb", "rings", "noise", "full"])
def test_objects_of_any_outline_are_connected_as_in_sep(pattern):
    n = 41
    y, x = np.mgrid[:n, :n]
    if pattern == "spiral":
        angle = np.arctan2(y - 20, x - 20)
        inside = np.abs((np.hypot(y - 20, x - 20) - 1.6 * (angle + np.pi)) % 10 - 5) < 1
    elif pattern == "comb":
        inside = (x % 2 == 0) | (y == n - 1)
    elif pattern == "rings":
        inside = np.hypot(y - 20, x - 20).astype(int) % 3 == 0
    elif pattern == "noise":
        inside = np.random.default_rng(2).random((n, n)) < 0.45
    else:
        inside = np.ones((n, n), bool)
    data = np.where(inside, 10 + np.random.default_rng(3).random((n, n)), 0).astype(np.float32)
    given = {"filter_kernel": None, "minarea": 1, "segmentation_map": True}
    found, labels = skyshed.sep.extract(data, 1.0, **given)
    expected, expected_labels = oracle.extract(data, 1.0, **given)
    np.testing.assert_array_equal(labels, expected_labels)
    for name in found.dtype.names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_masked_pixels_of_the_first_row_count_for_nothing():
    data = np.zeros((20, 20), np.float32)
    data[0, 4:9] = 100
    mask = data > 0
    assert len(skyshed.sep.extract(data, 1.0, mask=mask, minarea=1)) == 0
    assert len(oracle.extract(data, 1.0, mask=mask, minarea=1)) == 1


def test_only_a_limit_lower_than_seps_own_is_one_to_the_pixels_of_objects():
    data, before = np.zeros((20, 20)), skyshed.sep.get_extract_pixstack()
    data[2:6, 2:6] = data[12:16, 2:6] = 1.0  # one after the other
    full = "^internal pixel buffer full: The limit of 15"
    try:
        for limit, fits in ((300_000, True), (16, True), (15, False)):
            skyshed.sep.set_extract_pixstack(limit)
            assert skyshed.sep.get_extract_pixstack() == limit
            if fits:
                assert len(skyshed.sep.extract(data, 0.1, filter_kernel=None)) == 2
                continue
            with pytest.raises(ValueError, match=full):
                skyshed.sep.extract(data, 0.1, filter_kernel=None)
    finally:
        skyshed.sep.set_extract_pixstack(before)


def test_inputs_are_not_changed():
    data = field(100, (80, 90), np.float32)
    before, mask = data.copy(), mask_of(data.shape)
    skyshed.sep.extract(data, 2.0, err=np.full(data.shape, 2.0), mask=mask)
    np.testing.assert_array_equal(data, before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": np.ones(5)}, ValueError, "2-D"),
        ({"data": np.ones((9, 9)).astype(">f8")}, ValueError, "byte order"),
        ({"err": 1.0, "var": 1.0}, ValueError, "both err and var"),
        ({"err": np.ones((3, 3))}, ValueError, "same shape"),
        ({"mask": np.ones((3, 3), bool)}, ValueError, "must match data"),
        ({"filter_type": "best"}, ValueError, "'matched' or 'conv'"),
        ({"minarea": 0}, ValueError, "minarea must be a positive integer"),
        ({"segmentation_map": np.ones((3, 3), int)}, ValueError, "must match data"),
        ({"filter_kernel": np.ones(3)}, ValueError, "2-D"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    given = {"data": np.ones((9, 9))} | change
    with pytest.raises(error, match=message):
        skyshed.sep.extract(given.pop("data"), 0.5, **given)
