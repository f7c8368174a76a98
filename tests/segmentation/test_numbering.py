"""Labels that do not fit 32 bits, and arrays that are not images."""

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer
from scipy import ndimage

from skyshed import SegmentationImage
from skyshed.segmentation.numbering import collect, consecutive, coordinate, extents
from skyshed.sources import Sources

FACTS = ("areas", "slices", "background_area", "nlabels", "flags")


def huge(data, dtype, offset=2**40):
    """Return the same sources under labels beyond int32, in the same order."""
    return np.where(data > 0, data.astype(dtype) + np.array(offset, dtype), 0).astype(dtype)


def test_labels_that_fit_are_the_sources_own(labels):
    for dtype in ("i4", "u4", "i8", ">i8", "u8", "u1"):
        sources, found = collect(labels.astype(dtype))
        np.testing.assert_array_equal(sources.labels, found)
        assert sources.labels.dtype == np.int32
        assert found.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["u4", "i8", "u8", ">i8", ">u8"])
def test_labels_that_do_not_fit_are_numbered_in_their_order(make_labels, dtype):
    data = make_labels(3)
    largest = np.iinfo(dtype).max
    wide = data.astype(dtype)
    wide[wide > 5] += np.array(largest - 40, dtype)
    sources, labels = collect(wide)
    np.testing.assert_array_equal(labels, np.unique(wide)[1:], strict=True)
    expected = Sources.from_labels(consecutive(data)[0].astype(np.int32))
    for name in ("labels", "start", "pixel", "bbox"):
        np.testing.assert_array_equal(getattr(sources, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", ">i4", "i8", ">i8"])
@pytest.mark.parametrize("least", [-1, -100])
def test_a_negative_value_is_found_in_every_dtype(make_labels, dtype, least):
    data = make_labels(4).astype(dtype)
    data[5, 7] = least
    with pytest.raises(ValueError, match=f"the least value of data is {least};"):
        collect(data)
    data[:] = 0
    data[3] = least
    with pytest.raises(ValueError, match=f"the least value of data is {least};"):
        collect(data)


@pytest.mark.parametrize("dtype", ["i8", "u8", ">i8"])
@pytest.mark.parametrize("relabel", [False, True])
def test_edits_of_huge_labels_are_those_of_small_ones(make_labels, dtype, relabel):
    data = make_labels(2)
    offset = 2**63 - 40 if dtype == "i8" else 2**40
    wide = huge(data, dtype, offset)
    present = np.unique(data)[1:]
    mask = np.zeros(data.shape, bool)
    mask[3:11, 5:20] = True
    for edit in (
        lambda s, labels: s.remove_labels(labels[::2], relabel=relabel),
        lambda s, labels: s.keep_labels(labels[::3], relabel=relabel),
        lambda s, labels: s.reassign_labels(labels[[1, 4]], int(labels[2]), relabel=relabel),
        lambda s, labels: s.remove_border_labels(3, partial_overlap=False, relabel=relabel),
        lambda s, labels: s.remove_masked_labels(mask, relabel=relabel),
    ):
        segm, small = SegmentationImage(wide), SegmentationImage(data)
        edit(segm, segm.labels)
        edit(small, present)
        expected = small.data if relabel else huge(small.data, dtype, offset)
        np.testing.assert_array_equal(segm.data, expected)
        assert segm.data.dtype == segm.labels.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(segm.labels, np.unique(segm.data[segm.data > 0]))
        for name in FACTS:
            np.testing.assert_array_equal(getattr(segm, name), getattr(small, name), err_msg=name)


def test_labels_become_huge_and_small_again(make_labels):
    data = make_labels(2)
    segm = SegmentationImage(data)
    facts = segm.areas, segm.slices, segm.bbox
    segm.relabel_consecutive(start_label=2**50)
    n = len(np.unique(data)) - 1
    np.testing.assert_array_equal(segm.labels, 2**50 + np.arange(n), strict=True)
    assert (segm.areas, segm.slices, segm.bbox) == facts
    segm.reassign_label(2**50, 2**33)
    assert segm.copy().labels[0] == 2**33
    segm.relabel_consecutive()
    np.testing.assert_array_equal(segm.data, consecutive(data)[0])
    np.testing.assert_array_equal(segm.sources.labels, np.arange(1, n + 1))


def test_flags_and_parents_follow_huge_labels():
    segm = SegmentationImage.from_labels(
        np.array([[1, 2, 3]]), deblended_labels_map={2: 9, 3: 9}, flags_map={3: 32}
    )
    segm.reassign_label(3, 2**40)
    np.testing.assert_array_equal(segm.flags, [0, 0, 32])
    assert segm.deblended_labels_map == {2: 9, 2**40: 9}
    segm.relabel_consecutive(start_label=2**41)
    assert segm.deblended_labels_map == {2**41 + 1: 9, 2**41 + 2: 9}
    np.testing.assert_array_equal(segm.flags, [0, 0, 32])


def test_neighbouring_labels_beyond_float64_are_told_apart():
    top = 2**64 - 1
    segm = SegmentationImage(np.array([[top, top - 1, 1, 0]], np.uint64))
    assert segm.get_index(top) == 2
    assert segm.get_index(1) == 0
    some = np.array([1, top - 1, top], np.uint64)
    np.testing.assert_array_equal(segm.get_indices(some), [0, 1, 2])
    with pytest.raises(ValueError, match=rf"label \[{top - 2}\] is invalid"):
        segm.check_label(top - 2)
    with pytest.raises(ValueError, match=r"labels \[-1, 0\] are invalid"):
        segm.check_labels([-1, 1, 0])
    mapping = segm.get_label_mapping(SegmentationImage(segm.data[:, ::-1].copy()))
    assert {label: theirs.tolist() for label, theirs in mapping.items()} == {
        1: [top - 1], top - 1: [1], top: [0],
    }  # fmt: skip
    assert segm.get_segment(top).label == np.uint64(top)
    assert segm.max_label == top


@pytest.mark.parametrize("shape", [(41,), (5, 6, 7), (0, 4, 5), (3,), ()])
def test_arrays_that_are_not_images_have_labels_areas_and_slices(shape):
    rng = np.random.default_rng(len(shape))
    for dtype, offset in (("i4", 0), ("i8", 2**40)):
        data = rng.integers(0, 9, shape) * (rng.random(shape) < 0.4)
        data = np.where(data > 0, data + offset, 0).astype(dtype)
        segm = SegmentationImage(data)
        labels, areas = np.unique(data[data != 0], return_counts=True)
        np.testing.assert_array_equal(segm.labels, labels)
        np.testing.assert_array_equal(segm.areas, areas)
        assert segm.shape == shape
        assert segm.background_area == np.sum(data == 0)
        small = np.where(data > 0, data - offset, 0)
        found = ndimage.find_objects(small) if data.size and data.ndim else []
        if data.ndim:
            assert segm.slices == [box for box in found if box is not None]
        with pytest.raises(ValueError, match="'bbox' attribute requires a 2D segmentation image"):
            segm.bbox  # noqa: B018


def test_arrays_that_are_not_images_are_edited_as_by_photutils():
    rng = np.random.default_rng(3)
    mask = rng.random((6, 7, 8)) < 0.02
    for edit in (
        lambda s: s.remove_labels(s.labels[::2]),
        lambda s: s.reassign_labels(s.labels[1:3], 70),
        lambda s: s.relabel_consecutive(start_label=4),
        lambda s: s.remove_border_labels(2),
        lambda s: s.remove_border_labels(2, partial_overlap=False),
        lambda s: s.remove_masked_labels(mask, partial_overlap=False),
        lambda s: s.remove_masked_labels(mask),
    ):
        data = np.zeros((6, 7, 8), np.int32)
        for label in range(1, 10):
            corner = rng.integers(0, 6, 3)
            data[tuple(slice(c, c + 2) for c in corner)] = 3 * label
        segm, peer = SegmentationImage(data), Peer(data.copy())
        edit(segm)
        edit(peer)
        np.testing.assert_array_equal(segm.data, peer.data, strict=True)
        np.testing.assert_array_equal(segm.labels, peer.labels)
        assert segm.slices == peer.slices


def test_what_needs_an_image_says_so():
    segm = SegmentationImage(np.array([0, 1, 1]))
    for get in (
        lambda: segm.make_source_mask(size=3), segm.outline_segments, lambda: segm.get_segment(1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"2D segmentation image; the data are 1-D .*\(3,\)"):
            get()
    np.testing.assert_array_equal(segm.make_source_mask(), [False, True, True])


def test_coordinates_and_extents_are_those_of_numpy():
    rng = np.random.default_rng(5)
    data = rng.integers(0, 4, (3, 4, 5)).astype(np.int32)
    sources = Sources.from_labels(data.reshape(1, -1))
    places = np.unravel_index(sources.pixel, data.shape)
    for axis, expected in enumerate(places):
        np.testing.assert_array_equal(coordinate(sources.pixel, data.shape, axis), expected)
    for box, place in zip(
        extents(sources, data.shape),
        np.split(np.stack(places, 1), sources.start[1:-1]),
        strict=True,
    ):
        np.testing.assert_array_equal(box, np.stack([place.min(0), place.max(0) + 1], 1))
