"""A segment, compared with photutils."""

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage


def test_segments_are_those_of_photutils(labels):
    image = np.arange(labels.size).reshape(labels.shape)
    ours, theirs = SegmentationImage(labels).segments, Peer(labels).segments
    assert len(ours) == len(theirs) > 5
    for segment, peer in zip(ours, theirs, strict=True):
        assert (segment.label, segment.slices, segment.area) == (
            peer.label, peer.slices, peer.area,
        )  # fmt: skip
        np.testing.assert_array_equal(segment.data, peer.data, strict=True)
        np.testing.assert_array_equal(segment.data_ma.mask, peer.data_masked.mask)
        np.testing.assert_array_equal(segment.data_masked.filled(77), peer.data_masked.filled(77))
        np.testing.assert_array_equal(np.asarray(segment), peer.data)
        np.testing.assert_array_equal(segment.make_cutout(image), peer.make_cutout(image))
        cutout = segment.make_cutout(image, masked_array=True)
        expected = peer.make_cutout(image, masked_array=True)
        np.testing.assert_array_equal(cutout.filled(-1), expected.filled(-1))
        assert np.shares_memory(cutout.data, image)


def test_a_segment_outlives_edits_of_its_image(labels):
    segm = SegmentationImage(labels)
    segment = segm.get_segment(segm.labels[1])
    before = segment.data.copy()
    segm.remove_label(segment.label)
    np.testing.assert_array_equal(segment.data, before)


def test_segments_come_in_the_order_asked_for(labels):
    segm = SegmentationImage(labels)
    some = segm.labels[[4, 0, 4]]
    assert [segment.label for segment in segm.get_segments(some)] == some.tolist()
    assert segm.get_segments(int(some[0]))[0].label == some[0]


def test_a_cutout_needs_an_image_of_the_same_shape(labels):
    segment = SegmentationImage(labels).segments[0]
    with pytest.raises(
        ValueError, match=r"same shape as the segmentation array, \(24, 31\); got \(3, 3\)"
    ):
        segment.make_cutout(np.ones((3, 3)))


def test_it_prints_its_label_box_and_area():
    segment = SegmentationImage(np.array([[0, 5, 5]])).segments[0]
    assert str(segment) == (
        "<skyshed.segmentation.Segment>\nlabel: 5\n"
        "slices: (slice(0, 1, None), slice(1, 3, None))\narea: 2"
    )
