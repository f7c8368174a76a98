"""Labelling: against SciPy, on images drawn to be awkward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from skyshed.kernels import labelling, segments


@pytest.fixture(autouse=True, scope="module")
def narrow_ranges():
    """Split even small images into many ranges of work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skyshed.kernels.threads.PIXELS_PER_RANGE", 150)
        yield


def by_scipy(above, npixels, connectivity):
    labels, n = ndimage.label(above, np.ones((3, 3)) if connectivity == 8 else None)
    large = np.bincount(labels.ravel(), minlength=n + 1) >= npixels
    large[0] = False
    return np.where(large, np.cumsum(large), 0)[labels].astype(np.int32), int(large.sum())


@settings(max_examples=200)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 12), st.integers(0, 75)),
        elements=st.sampled_from([0.0, 1.0, 2.0, np.nan, np.inf, -np.inf]).map(np.float32),
    ),
    st.integers(1, 4),
    st.sampled_from([4, 8]),
    st.booleans(),
)
def test_labels_are_those_of_scipy(data, npixels, connectivity, masked):
    mask = np.roll(data == 2.0, 1) if masked else None
    above = data > 0.5
    expected = by_scipy(above & ~mask if masked else above, npixels, connectivity)
    for threshold in (np.asarray(0.5), np.full(data.shape, 0.5, np.float32)):
        labels, n = labelling.label_above(data, threshold, mask, npixels, connectivity, 2)
        np.testing.assert_array_equal(labels, expected[0], strict=True)
        assert n == expected[1]
        image, *rows, seen = labelling.sources_above(
            data, threshold, mask, npixels, connectivity, 2
        )
        assert seen == (data.size > 0 and not (masked and mask.all()), 0)
        np.testing.assert_array_equal(image, expected[0], strict=True)
        for one, other in zip(rows, segments.collect(image, 1), strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("data_dtype", ["f4", "f8"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_comparison_is_in_the_wider_dtype(data_dtype, dtype):
    value = np.dtype(data_dtype).type(0.1)
    data = np.array([[np.nextafter(value, -1), value, np.nextafter(value, 1)]], data_dtype)
    for threshold in (np.array(0.1, dtype), np.full((1, 3), 0.1, dtype)):
        labels, _ = labelling.label_above(data, threshold, None, 1, 8, 1)
        np.testing.assert_array_equal(labels > 0, data > threshold)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_components_that_cross_every_band_have_one_label(n_threads, connectivity):
    rng = np.random.default_rng(0)
    for density in (0.35, 0.45, 0.6):  # about where components percolate
        data = (rng.random((400, 60)) < density).astype(float)
        labels, n = labelling.label_above(data, np.array(0.5), None, 3, connectivity, n_threads)
        expected = by_scipy(data > 0.5, 3, connectivity)
        np.testing.assert_array_equal(labels, expected[0])
        assert n == expected[1]


@pytest.mark.parametrize("n_threads", [1, 3])
def test_relabelling_looks_every_pixel_up(n_threads):
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 6, (150, 31)).astype(np.int32)
    table = rng.permutation(6).astype(np.int32)
    before = labels.copy()
    np.testing.assert_array_equal(
        labelling.relabel(labels, table, n_threads), table[labels], strict=True
    )
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("wrong", [-1, 5, 50_000_000, np.iinfo(np.int32).min])
def test_labels_that_are_not_in_the_table_are_refused_and_read_nothing(wrong, n_threads):
    labels = np.random.default_rng(8).integers(0, 5, (400, 1100)).astype(np.int32)
    table = np.arange(5, dtype=np.int32)[::-1].copy()
    expected = labelling.relabel(labels, table, n_threads)
    assert np.array_equal(expected, table[labels])
    for y, x in ((0, 0), (211, 700), (399, 1099)):
        labels[y, x] = wrong
    with pytest.raises(IndexError, match="3 pixels have labels that are not in the table of 5"):
        labelling.relabel(labels, table, n_threads)
