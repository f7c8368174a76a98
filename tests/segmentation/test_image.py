"""What a segmentation image says about its labels, compared with photutils."""

import copy
import pickle
from functools import cached_property

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage
from skyshed.sources import Sources


def test_the_facts_are_those_of_photutils(labels):
    ours, peer = SegmentationImage(labels), Peer(labels)
    for name in ("labels", "areas", "missing_labels", "deblended_labels"):
        expected, actual = getattr(peer, name), getattr(ours, name)
        np.testing.assert_array_equal(actual, expected, strict=name != "areas", err_msg=name)
    for name in ("shape", "n_labels", "max_label", "background_area", "is_consecutive", "slices"):
        assert getattr(ours, name) == getattr(peer, name), name
    assert ours.nlabels == peer.n_labels
    for box, expected in zip(ours.bbox, peer.bbox, strict=True):
        assert (box.ixmin, box.ixmax, box.iymin, box.iymax) == (
            expected.ixmin, expected.ixmax, expected.iymin, expected.iymax,
        )  # fmt: skip
        assert box.shape == expected.shape
        assert box.center == expected.center
        assert box.extent == expected.extent
        assert box.slices == expected.get_overlap_slices(labels.shape)[0]
    np.testing.assert_array_equal(ours.data_ma.mask, peer.data_masked.mask)
    np.testing.assert_array_equal(ours.data_masked.filled(9), peer.data_masked.filled(9))
    np.testing.assert_array_equal(ours.flags, np.zeros(peer.n_labels))


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (0, 0), (0, 4), (4, 4)])
def test_an_image_without_labels_has_empty_facts(shape):
    ours = SegmentationImage(np.zeros(shape, int))
    assert (ours.nlabels, ours.max_label, ours.is_consecutive) == (0, 0, False)
    assert (ours.slices, ours.bbox, ours.segments, ours.cmap) == ([], [], [], None)
    assert ours.labels.size == ours.areas.size == ours.missing_labels.size == ours.flags.size == 0
    assert ours.background_area == shape[0] * shape[1]


def test_queries_by_label_are_those_of_photutils(labels):
    ours, peer = SegmentationImage(labels), Peer(labels)
    some = peer.labels[[2, 0, 2, 5]]
    assert ours.get_index(some[0]) == peer.get_index(some[0])
    assert ours.get_area(some[0]) == peer.get_area(some[0])
    np.testing.assert_array_equal(ours.get_indices(some), peer.get_indices(some))
    np.testing.assert_array_equal(ours.get_areas(some), peer.get_areas(some))
    np.testing.assert_array_equal(ours.get_areas(int(some[0])), peer.get_areas(int(some[0])))


@pytest.mark.parametrize(
    ("method", "labels", "named"),
    [
        ("check_label", 3, r"label \[3\] is invalid"),
        ("check_labels", [1, 9, 0, 9], r"labels \[0, 9\] are invalid"),
        ("get_index", -1, r"label \[-1\]"),
        ("get_indices", [1, 3], r"label \[3\]"),
        ("get_area", 0, r"label \[0\]"),
        ("get_areas", [8], r"label \[8\]"),
        ("get_segment", 8, r"label \[8\]"),
        ("get_segments", [1, 8, 9], r"labels \[8, 9\]"),
        ("check_labels", [1.5], r"label \[1.5\]"),
        ("check_labels", np.nan, r"label \[nan\]"),
    ],
)
def test_a_label_that_does_not_occur_is_named(method, labels, named):
    segm = SegmentationImage(np.array([[1, 0, 2]]))
    with pytest.raises(ValueError, match=f"{named}.*2 labels of the segmentation image"):
        getattr(segm, method)(labels)


def test_get_segment_takes_one_label():
    with pytest.raises(TypeError, match=r"label must be a scalar value, got \[1\].*get_segments"):
        SegmentationImage(np.array([[1, 0, 2]])).get_segment([1])


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ([[0, 1]], TypeError, "Input data must be a numpy array .*got list"),
        (np.ma.array([[0, 1]]), TypeError, "must not be a numpy masked array: fill it"),
        (np.array([[0.0, 1.0]]), TypeError, "data must have integer type, got dtype float64"),
        (np.array([[False, True]]), TypeError, "data must have integer type, got dtype bool"),
        (
            np.array([[0, -3]]),
            ValueError,
            "cannot contain negative integers: the least value of data is -3",
        ),
    ],
)
def test_data_that_are_no_labels_are_refused(data, error, text):
    with pytest.raises(error, match=text):
        SegmentationImage(data)
    segm = SegmentationImage(np.array([[7]]))
    with pytest.raises(error, match=text):
        segm.data = data
    assert segm.labels == [7]  # a refused assignment changes nothing


def test_sources_are_numbered_in_32_bits_or_refused():
    segm = SegmentationImage(np.array([[0, 2**31]]))
    with pytest.raises(ValueError, match=r"at most 2147483647 here, the largest is 2147483648"):
        segm.sources  # noqa: B018
    segm.relabel_consecutive()
    np.testing.assert_array_equal(segm.sources.labels, [1])
    np.testing.assert_array_equal(
        SegmentationImage(np.array([[0, 2**31 - 1]])).sources.labels, 2**31 - 1
    )


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", ">i2", "i4", ">i4", "u4", "i8", "<u8", ">u8"])
def test_every_integer_dtype_is_kept(make_labels, dtype):
    data = make_labels(4).astype(dtype)
    segm = SegmentationImage(data)
    assert segm.data is data
    assert segm.labels.dtype == segm.data.dtype == data.dtype
    np.testing.assert_array_equal(segm.labels, Peer(data).labels)
    segm.remove_label(segm.labels[3], relabel=True)
    assert segm.data.dtype == segm.labels.dtype == data.dtype
    np.testing.assert_array_equal(segm.labels, np.unique(segm.data)[1:])


def test_views_that_are_not_contiguous_are_understood(make_labels):
    data = make_labels(5)
    for view in (data.T, data[::2, ::-3], data[3:-2, 4:9]):
        segm, peer = SegmentationImage(view), Peer(view)
        np.testing.assert_array_equal(segm.labels, peer.labels)
        assert segm.slices == peer.slices
        segm.remove_label(peer.labels[0])
        peer.remove_label(peer.labels[0])
        np.testing.assert_array_equal(segm.data, peer.data)


def test_known_labels_are_wrapped_without_a_scan():
    image = np.array([[1, 0, 2]], np.int32)
    sources = Sources.from_labels(image)
    segm = SegmentationImage.from_labels(image, sources=sources, info={"a": 1})
    assert segm.sources is sources
    assert segm.data is image
    assert segm.info == {"a": 1}


def test_assigning_data_starts_anew():
    segm = SegmentationImage.from_labels(
        np.array([[1, 2]], np.int32),
        deblended_labels_map={1: 5, 2: 5},
        flags_map={1: 32},
        info={"non_positive_min_labels": [5]},
    )
    assert segm.deblended_labels_map == {1: 5, 2: 5}
    segm.data = np.array([[1, 2, 4]])
    assert segm.info == segm.deblended_labels_map == segm.deblended_labels_inverse_map == {}
    np.testing.assert_array_equal(segm.flags, [0, 0, 0])
    np.testing.assert_array_equal(segm.labels, [1, 2, 4])
    assert segm.shape == (1, 3)


@pytest.mark.parametrize("name", ["nlabels", "n_labels"])
def test_the_number_of_labels_may_be_set_until_the_next_edit(name):
    # drizzlepac rejects all sources by ``segm.nlabels = 0``, and notes ``segm.big_segments``.
    segm = SegmentationImage(np.array([[1, 2, 0, 5]]))
    setattr(segm, name, 0)
    segm.big_segments = [2]
    assert (segm.nlabels, segm.n_labels, segm.big_segments) == (0, 0, [2])
    assert (segm.copy().nlabels, copy.copy(segm).nlabels) == (0, 0)
    assert segm.labels.tolist() == [1, 2, 5]
    segm.remove_label(5)
    assert (segm.nlabels, segm.n_labels, segm.big_segments) == (2, 2, [2])


@pytest.mark.parametrize("name", ["label_table", "shape", "max_label", "flags", "sources"])
def test_what_follows_from_the_data_is_not_assigned(name):
    segm = SegmentationImage(np.array([[1, 2]]))
    with pytest.raises(AttributeError, match=r"no setter|can't set"):
        setattr(segm, name, 3)
    np.testing.assert_array_equal(segm.data, [[1, 2]])


def test_what_subclasses_derive_follows_the_data():
    class Mine(SegmentationImage):
        @cached_property
        def total(self):
            return int(self.data.sum())

    segm = Mine(np.array([[1, 2]]))
    assert segm.total == 3
    segm.data = np.array([[4, 5]])
    assert segm.total == 9
    segm.remove_label(4)
    assert segm.total == 5
    assert type(segm.copy()) is Mine
    # A window is a plain segmentation image, as in photutils: a subclass may need more to be made.
    assert type(segm[:, :1]) is SegmentationImage


def test_it_prints_its_shape_and_labels():
    segm = SegmentationImage(np.arange(1, 88).reshape(3, 29))
    assert str(segm) == repr(segm) == (
        "<skyshed.segmentation.SegmentationImage>\nshape: (3, 29)\nnlabels: 87\n"
        "labels: [ 1  2  3  4  5 ... 83 84 85 86 87]"
    )  # fmt: skip


def test_a_window_is_a_view(labels):
    segm, peer = SegmentationImage(labels), Peer(labels)
    window = segm[3:17, ::2]
    assert window.data.base is labels or np.shares_memory(window.data, labels)
    np.testing.assert_array_equal(window.labels, peer[3:17, ::2].labels)
    assert window.slices == peer[3:17, ::2].slices


@pytest.mark.parametrize("key", [3, slice(0, 2), (0, 1), (slice(0, 2), 1), [1, 2], "a"])
def test_a_window_needs_two_slices(key):
    with pytest.raises(TypeError, match="is not a valid 2D slice object"):
        SegmentationImage(np.ones((4, 4), int))[key]


def test_an_empty_window_is_refused():
    with pytest.raises(
        ValueError, match=r"The sliced result is empty: .* cuts nothing out of an image of shape"
    ):
        SegmentationImage(np.ones((4, 4), int))[4:, :]


def test_it_becomes_an_array(labels):
    segm = SegmentationImage(labels)
    assert np.asarray(segm) is segm.data
    np.testing.assert_array_equal(np.array(segm, dtype=float), labels.astype(float), strict=True)
    assert not np.shares_memory(np.array(segm), labels)


def test_copies_are_independent(labels):
    original = SegmentationImage(labels)
    original.info["note"] = [1]
    original.reset_cmap(seed=5)
    for make in (SegmentationImage.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))):
        segm = make(original)
        np.testing.assert_array_equal(segm.data, labels)
        np.testing.assert_array_equal(segm.cmap.colors, original.cmap.colors)
        segm.info["note"].append(2)
        segm.keep_label(segm.labels[0])
        assert original.info == {"note": [1]}
        np.testing.assert_array_equal(original.data, labels)
        np.testing.assert_array_equal(original.labels, Peer(labels).labels)


def test_edits_of_a_shallow_copy_do_not_reach_the_original(labels):
    original = SegmentationImage.from_labels(labels.astype(np.int32))
    new = copy.copy(original)
    new.remove_label(new.labels[0])
    np.testing.assert_array_equal(original.label_table.data, labels)
    assert original.nlabels == new.nlabels + 1


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="'SegmentationImage' object has no attribute 'labls'"):
        SegmentationImage(np.ones((1, 1), int)).labls  # noqa: B018


def test_a_mapping_lists_the_others_labels_on_each_label(make_labels):
    data, other = make_labels(1), make_labels(2, dtype=np.uint8)
    mapping = SegmentationImage(data).get_label_mapping(SegmentationImage(other))
    assert list(mapping) == np.unique(data)[1:].tolist()
    for label, theirs in mapping.items():
        np.testing.assert_array_equal(theirs, np.unique(other[data == label]), strict=True)
    some = SegmentationImage(data).get_label_mapping(
        SegmentationImage(other.T.copy().T), labels=list(mapping)[3:0:-1]
    )
    assert list(some) == list(mapping)[3:0:-1]
    for label, theirs in some.items():
        np.testing.assert_array_equal(theirs, mapping[label])
    empty = SegmentationImage(np.zeros_like(data))
    assert empty.get_label_mapping(SegmentationImage(other)) == {}


def test_a_mapping_needs_a_segmentation_image_of_the_same_shape():
    segm = SegmentationImage(np.array([[1, 2]]))
    with pytest.raises(TypeError, match="other must be a SegmentationImage instance, got ndarray"):
        segm.get_label_mapping(segm.data)
    with pytest.raises(ValueError, match=r"this segmentation image, \(1, 2\); got \(2, 1\)"):
        segm.get_label_mapping(SegmentationImage(segm.data.T))
    with pytest.raises(ValueError, match=r"label \[9\] is invalid"):
        segm.get_label_mapping(segm, labels=9)
