"""Segmentation images and other libraries: arrays, DLPack, photutils."""

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer

import skyshed
from skyshed import SegmentationImage
from skyshed.segmentation import as_segmentation_image


def deblended():
    """Return an image with parents, flags and notes."""
    return SegmentationImage.from_labels(
        np.array([[1, 2, 0, 5]], np.int32),
        deblended_labels_map=([2, 5, 5], [7, 7, 8]),
        flags_map={5: 96},
        info={"note": [1]},
    )


def test_the_labels_are_exported_by_dlpack(labels):
    segm = SegmentationImage(labels.copy())
    exported = np.from_dlpack(segm)
    np.testing.assert_array_equal(exported, labels, strict=True)
    assert np.shares_memory(exported, segm.data)
    assert segm.__dlpack_device__() == (1, 0)


def test_exported_labels_are_never_written(labels):
    segm = SegmentationImage.from_labels(labels.astype(np.int32))
    for export in (np.from_dlpack, np.asarray):
        exported = export(segm)
        before = exported.copy()
        segm.remove_label(segm.labels[0])
        np.testing.assert_array_equal(exported, before)


def test_labels_on_the_host_have_no_cuda_array_interface(labels):
    segm = SegmentationImage(labels)
    assert not hasattr(segm, "__cuda_array_interface__")
    with pytest.raises(AttributeError, match="__cuda_array_interface__"):
        segm.__cuda_array_interface__  # noqa: B018


def test_photutils_images_are_taken_over_with_what_they_know():
    theirs = Peer(np.array([[1, 2, 0, 5]]))
    theirs._deblend_label_map = {7: np.array([2, 5]), 8: np.array([5])}
    before = theirs.data.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segm = SegmentationImage.from_photutils(theirs)
    assert segm.data is theirs.data
    assert segm.deblended_labels_map == {2: 7, 5: 8}
    assert {k: v.tolist() for k, v in segm.deblended_labels_inverse_map.items()} == {
        7: [2, 5], 8: [5],
    }  # fmt: skip
    np.testing.assert_array_equal(segm.flags, [0, 0, 0])
    segm.remove_label(2)
    np.testing.assert_array_equal(theirs.data, before)


def test_flags_and_notes_of_newer_releases_are_taken_over():
    """photutils 3.1 has them, and older releases the older name of the map."""
    theirs = SimpleNamespace(
        data=np.array([[1, 2, 0, 5]]), labels=np.array([1, 2, 5]), slices=None, areas=None,
        keep_labels=None, relabel_consecutive=None, flags=np.array([0, 32, 64]),
        info={"note": 1}, deblended_labels_inverse_map={7: np.array([2, 5])},
    )  # fmt: skip
    segm = as_segmentation_image(theirs, "segm")
    np.testing.assert_array_equal(segm.flags, [0, 32, 64])
    assert segm.info == {"note": 1}
    assert segm.deblended_labels_map == {2: 7, 5: 7}


def test_a_round_trip_through_photutils_keeps_labels_and_parents(labels):
    segm = deblended()
    theirs = segm.to_photutils()
    assert isinstance(theirs, Peer)
    assert theirs.data is segm.data
    assert theirs.deblended_label_to_parent == segm.deblended_labels_map
    assert SegmentationImage.from_photutils(theirs).deblended_labels_map == {2: 7, 5: 8}
    theirs = SegmentationImage(labels).to_photutils()
    np.testing.assert_array_equal(theirs.data, labels, strict=True)


def test_flags_and_notes_go_to_a_photutils_that_knows_them(monkeypatch):
    class Newer(Peer):
        def __init__(self, data):
            super().__init__(data)
            self._flags_map, self.info = {}, {}

    monkeypatch.setattr("photutils.segmentation.SegmentationImage", Newer)
    segm = deblended()
    theirs = segm.to_photutils()
    assert theirs._flags_map == {5: 96}
    assert theirs.info == segm.info == {"note": [1]}
    assert theirs.info is not segm.info
    assert not hasattr(Peer(segm.data), "_flags_map")


def test_photutils_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "photutils.segmentation", None)
    with pytest.raises(ImportError, match=r"to_photutils\(\) needs photutils,.* pip install phot"):
        deblended().to_photutils()


def test_photutils_images_are_taken_where_ours_are(labels):
    segm, theirs = SegmentationImage(labels), Peer(labels)
    found, expected = segm.get_label_mapping(theirs), segm.get_label_mapping(segm)
    assert list(found) == list(expected)
    for label, children in found.items():
        np.testing.assert_array_equal(children, expected[label])
    assert as_segmentation_image(segm, "segm") is segm


@pytest.mark.parametrize("wrong", [None, 3, np.ones((2, 2), int), "a", Peer])
def test_what_is_no_segmentation_image_is_named(wrong):
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"segm must be a SegmentationImage instance, got {kind}"):
        as_segmentation_image(wrong, "segm")


def test_photutils_images_are_deblended_and_measured_like_ours():
    y, x = np.indices((20, 40))
    data = sum(np.exp(-((x - at) ** 2 + (y - 9) ** 2) / 8) for at in (10, 17, 30))
    labels = skyshed.detect_sources(data, 0.05, npixels=3).data
    segm, theirs = SegmentationImage(labels), Peer(labels)
    deblended = skyshed.deblend_sources(data, segm, npixels=3)
    assert deblended.nlabels == 3
    np.testing.assert_array_equal(
        skyshed.deblend_sources(data, theirs, npixels=3).data, deblended.data
    )
    catalogs = [skyshed.SourceCatalog(data, each) for each in (deblended, Peer(deblended.data))]
    for name in ("label", "segment_flux", "kron_flux", "xcentroid"):
        np.testing.assert_array_equal(*(getattr(catalog, name) for catalog in catalogs))
