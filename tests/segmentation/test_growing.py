"""Segments grow into the background: to the nearest, the lowest label where several are as near."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.segmentation import expand_labels

from skyshed import SegmentationImage
from skyshed.segmentation import growing


def field(seed, shape=(60, 70), density=0.01, dtype=np.int32):
    rng = np.random.default_rng(seed)
    some = rng.random(shape) < density
    return np.where(some, rng.integers(1, 100, shape), 0).astype(dtype)


def by_definition(labels, distance):
    """Return the lexicographic minimum of squared distance and label, pixel by pixel."""
    y, x = np.nonzero(labels)
    found = labels.copy()
    for at in np.argwhere(labels == 0):
        squared = (y - at[0]) ** 2 + (x - at[1]) ** 2
        if len(squared) and math.sqrt(squared.min()) <= distance:
            found[tuple(at)] = labels[y, x][squared == squared.min()].min()
    return found


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    density=st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0]),
    distance=st.sampled_from([0, 0.9, 1, math.sqrt(2), 2, math.sqrt(3), 3.7, 5, 6.5, 12, 1e9]),
    dtype=st.sampled_from([np.uint8, np.int32, np.uint64]),
)
def test_pixels_have_the_lowest_of_the_nearest_labels(seed, shape, density, distance, dtype):
    labels = field(seed, shape, density, dtype)
    before = labels.copy()
    found = SegmentationImage(labels).expand(distance).data
    np.testing.assert_array_equal(found, by_definition(labels, distance), strict=True)
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("distance", [1, 4.5, 25, 400])
def test_labels_are_those_of_scikit_image_but_for_ties(distance):
    labels = field(1, (300, 350), 0.001)
    found, expected = (
        SegmentationImage(labels).expand(distance).data,
        expand_labels(labels, distance),
    )
    np.testing.assert_array_equal(found > 0, expected > 0)
    differing = np.argwhere(found != expected)
    assert len(differing) < 0.03 * found.size
    y, x = np.nonzero(labels)
    for at in differing[:200]:
        squared = (y - at[0]) ** 2 + (x - at[1]) ** 2
        tied = labels[y, x][squared == squared.min()]
        assert expected[tuple(at)] in tied
        assert found[tuple(at)] == tied.min()


@pytest.mark.parametrize("distance", [1.0, 3.7, 1e9])
def test_labels_beyond_32_bits_grow_alike(distance):
    small = field(2, (40, 50), 0.01, np.uint64)
    large = np.where(small > 0, small * np.uint64(2**40) + np.uint64(7), 0).astype(np.uint64)
    found = growing.grown(large, distance)
    np.testing.assert_array_equal(found, by_definition(large, distance), strict=True)


@pytest.mark.parametrize("value", [0, 7, 2**40])
@pytest.mark.parametrize("dtype", [">i8", "<i8", np.uint64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (0, 3)])
def test_where_nothing_can_grow_labels_are_a_copy(value, dtype, shape):
    labels = np.full(shape, value, dtype)
    found = growing.grown(labels, 1e9)
    assert found.dtype.str == labels.dtype.str
    assert not np.shares_memory(found, labels)
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("dtype", [">i4", ">i8", "<i2", np.uint8])
@pytest.mark.parametrize("distance", [0.5, 1.0, 4.0])
def test_labels_keep_their_type_and_its_order_of_bytes(dtype, distance):
    labels = field(4, (20, 30), 0.02, dtype)
    assert growing.grown(labels, distance).dtype.str == labels.dtype.str


def test_a_pixel_at_the_distance_itself_is_reached():
    for squared in (1, 2, 5, 10, 1105, 99**2 + 98**2):
        distance = math.sqrt(squared)
        assert growing._squared(distance) == squared
        assert growing._squared(math.nextafter(distance, 0)) == squared - 1


def test_a_distance_beyond_32_bits_is_refused_where_the_image_is_as_large():
    labels = np.zeros((2, 46_100), np.int8)
    labels[0, 0] = 3
    with pytest.raises(ValueError, match=r"46000 pixels, as .* 2 x 46100 is longer, got 5"):
        growing.grown(labels, 5e4)
    found = growing.grown(labels, 46_000)
    assert found[0].tolist() == [3] * 46_001 + [0] * 99
    assert np.count_nonzero(found[1]) == 46_000
    assert (growing.grown(labels[:1, :46_001], 5e4) == 3).all()


def test_windows_of_labels_that_are_not_in_memory_read_a_halo():
    labels = field(3, (120, 130), 0.004)
    read = []

    def window(y0, y1, x0, x1):
        read.append((y0, y1, x0, x1))
        return labels[y0:y1, x0:x1]

    known = np.unique(labels)[1:]
    segm = SegmentationImage.from_reader(window, known, shape=labels.shape, dtype=np.int32)
    wide = segm.expand(9.5)
    assert read == []
    expected = SegmentationImage(labels).expand(9.5)
    np.testing.assert_array_equal(wide.read(40, 60, 0, 30), expected.data[40:60, :30])
    assert read == [(31, 69, 0, 39)]
    np.testing.assert_array_equal(wide.labels, known)
    np.testing.assert_array_equal(wide.data, expected.data)
    np.testing.assert_array_equal(wide.areas, expected.areas)


def test_parents_flags_and_notes_are_kept():
    labels = np.array([[1, 0, 0, 2, 0, 5]], np.int32)
    segm = SegmentationImage.from_labels(
        labels, deblended_labels_map={1: 9, 2: 9}, flags_map={5: 4}, info={"a": [1]}
    )
    wide = segm.expand(1)
    assert wide.data.tolist() == [[1, 1, 2, 2, 2, 5]]
    assert wide.deblended_labels_map == {1: 9, 2: 9}
    assert wide.flags.tolist() == segm.flags.tolist()
    assert wide.info == {"a": [1]}
    assert wide.info["a"] is not segm.info["a"]
    assert wide.areas.tolist() == [2, 3, 1]
    wide.remove_label(1)
    assert segm.data.tolist() == labels.tolist()


@pytest.mark.parametrize("distance", [-1, math.nan, math.inf, "3", None, True, np.zeros(2)])
def test_what_is_no_distance_is_refused(distance):
    with pytest.raises(ValueError, match="distance must be a number of pixels, 0 or larger, got"):
        SegmentationImage(field(1)).expand(distance)


def test_labels_that_are_not_an_image_are_refused():
    with pytest.raises(ValueError, match="expand requires a 2D segmentation image"):
        SegmentationImage(np.zeros((2, 3, 4), int)).expand(1)
