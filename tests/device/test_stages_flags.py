"""Flags and dtypes of labels on the device: those of the host, through deblending and edits."""

import warnings

import numpy as np
import pytest

import skyshed
from tests.device.scenes import is_image, stages


def deblended(xp, kind="i4", offset=0, **options):
    """Deblend the scene, sunk until some sources have minima that are not positive."""
    scene = stages()
    labels = scene.detected.data.astype(kind)
    labels[labels > 0] += offset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyshed.DeblendWarning)
        return skyshed.deblend_sources(
            xp.asarray(scene.convolved - np.float32(1.6)),
            skyshed.SegmentationImage(xp.asarray(labels)),
            5,
            **options,
        )


def test_flags_and_notes_of_deblending(cupy):
    there, here = deblended(cupy), deblended(np)
    assert {32, 64, 96} <= set(here.flags.tolist())
    assert isinstance(there.flags, np.ndarray)
    np.testing.assert_array_equal(there.flags, here.flags)
    assert there.info.keys() == here.info.keys() == {"non_positive_min_labels"}
    for name, labels in here.info.items():
        assert isinstance(there.info[name], np.ndarray)
        np.testing.assert_array_equal(there.info[name], labels)


def test_flags_follow_edits(cupy):
    there, here = deblended(cupy), deblended(np)
    for segm in (there, here):
        segm.remove_labels(segm.labels[::5], relabel=True)
        segm.reassign_labels(segm.labels[3:12:2], int(segm.labels[2]))
    assert len(set(here.flags.tolist())) > 2
    np.testing.assert_array_equal(there.flags, here.flags)
    assert there.deblended_labels_map == here.deblended_labels_map
    is_image(cupy, there.data, here.data)


def test_flags_of_the_device_are_decoded(cupy):
    flags = np.array([[0, 33], [48, 2**19]])
    assert skyshed.decode_segmentation_flags(cupy.asarray(flags)) == [
        [[], ["masked_pixels", "deblended"]],
        [["edge_touch", "deblended"], ["local_bkg_too_few_pixels"]],
    ]
    assert skyshed.decode_segmentation_flags(cupy.asarray(48)) == ["edge_touch", "deblended"]


@pytest.mark.parametrize("relabel", [True, False])
@pytest.mark.parametrize(("kind", "offset"), [("i2", 0), ("u4", 0), ("i8", 0), ("i8", 2**40)])
def test_labels_keep_their_dtype(cupy, kind, offset, relabel):
    there = deblended(cupy, kind, offset, relabel=relabel)
    here = deblended(np, kind, offset, relabel=relabel)
    assert here.data.dtype == there.data.dtype == kind
    is_image(cupy, there.data, here.data)
    np.testing.assert_array_equal(there.flags, here.flags)
    np.testing.assert_array_equal(there.labels, here.labels)


def test_the_finder_passes_flags_on(cupy):
    scene = stages()
    data, threshold = scene.convolved, scene.threshold
    finder = skyshed.SourceFinder(5)
    there = finder(cupy.asarray(data), cupy.asarray(threshold), cupy.asarray(scene.mask))
    assert (there.flags & skyshed.SEGMENTATION_FLAGS.DEBLENDED).any()
    np.testing.assert_array_equal(there.flags, scene.segm.flags)
