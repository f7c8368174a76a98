"""Segmentation images whose labels are not in memory: what is read, and when."""

import copy
import pickle

import numpy as np
import pytest

from skyshed import SegmentationImage, SourceCatalog
from skyshed.segmentation.provenance import Provenance

#: What can be known without a pixel.
KNOWN = ("labels", "nlabels", "n_labels", "max_label", "shape", "dtype", "is_consecutive")
KNOWN += ("missing_labels", "areas", "background_area", "flags", "info", "cmap", "provenance")
KNOWN += ("deblended_labels", "deblended_labels_map", "deblended_labels_inverse_map")
#: What needs all pixels.
DERIVED = ("data", "sources", "slices", "bbox", "segments", "data_ma")


class Reader:
    """Reads windows of an image and notes which."""

    def __init__(self, image):
        self.image, self.windows = image, []

    def __call__(self, *window):
        self.windows.append(window)
        y0, y1, x0, x1 = window
        return self.image[y0:y1, x0:x1]


def opened(image, **known):
    """Return a segmentation image that reads ``image``, one that holds it, and the reader."""
    reader, held = Reader(image), SegmentationImage(image)
    arguments = {"shape": image.shape, "dtype": image.dtype, "areas": held.areas, **known}
    return SegmentationImage.from_reader(reader, held.labels, **arguments), held, reader


def whole(image):
    return [(0, image.shape[0], 0, image.shape[1])]


def test_facts_about_labels_need_no_pixels(labels):
    provenance = Provenance.from_maps({5: 7, 6: 7}, {5: 32})
    segm, held, reader = opened(labels, provenance=provenance, info={"note": 1})
    for name in set(KNOWN) - {"flags", "info", "cmap", "provenance"}:
        if not name.startswith("deblended"):
            np.testing.assert_array_equal(getattr(segm, name), getattr(held, name), err_msg=name)
    assert segm.labels.dtype == segm.dtype == labels.dtype
    assert segm.deblended_labels_map == {5: 7, 6: 7}
    np.testing.assert_array_equal(segm.deblended_labels, [5, 6])
    assert segm.deblended_labels.dtype == labels.dtype
    np.testing.assert_array_equal(segm.flags, provenance.flags_of(held.labels))
    assert segm.info == {"note": 1}
    assert repr(segm) == repr(held)
    assert segm.get_index(held.labels[3]) == 3
    assert segm.get_area(held.labels[3]) == held.areas[3]
    assert segm.to_host() is segm
    assert not hasattr(segm, "__cuda_array_interface__")
    assert segm.__dlpack_device__() == (1, 0)
    assert reader.windows == []


@pytest.mark.parametrize("name", DERIVED)
def test_what_needs_all_pixels_reads_them_once(labels, name):
    segm, _, reader = opened(labels.astype(np.int32))
    getattr(segm, name)
    assert reader.windows == whole(labels)
    for other in DERIVED + KNOWN:
        getattr(segm, other)
    assert reader.windows == whole(labels)
    np.testing.assert_array_equal(segm.data, labels)


def test_areas_that_are_not_given_are_counted(labels):
    segm, held, reader = opened(labels, areas=None)
    np.testing.assert_array_equal(segm.areas, held.areas)
    assert segm.background_area == held.background_area
    assert reader.windows == whole(labels)


@pytest.mark.parametrize(
    ("key", "window"),
    [
        ((slice(3, 17), slice(2, 9)), (3, 17, 2, 9)),
        ((slice(None), slice(-5, 100)), (0, 24, 26, 31)),
        ((slice(3, 17, 4), slice(20, 2, -3)), (3, 16, 5, 21)),
    ],
)
def test_a_window_is_read_alone(labels, key, window):
    segm, held, reader = opened(labels)
    cut = segm[key]
    assert type(cut) is SegmentationImage
    np.testing.assert_array_equal(cut.data, held[key].data, strict=True)
    np.testing.assert_array_equal(cut.labels, held[key].labels)
    assert reader.windows == [window]


def test_windows_as_arrays(labels):
    segm, held, reader = opened(labels)
    np.testing.assert_array_equal(segm.read(3, 9, 1, 5), labels[3:9, 1:5], strict=True)
    assert reader.windows == [(3, 9, 1, 5)]
    assert segm.read(3, 3, 1, 5).shape == held.read(3, 3, 1, 5).shape == (0, 4)
    assert reader.windows == [(3, 9, 1, 5)]
    assert np.shares_memory(held.read(3, 9, 1, 5), labels)
    for image in (segm, held):
        with pytest.raises(ValueError, match=r"y0=-1, y1=9, x0=1, x1=5 is not within .*\(24, 31\)"):
            image.read(-1, 9, 1, 5)
        with pytest.raises(ValueError, match="0 <= x0 <= x1 <= 31"):
            image.read(0, 9, 1, 32)
        with pytest.raises(ValueError, match="The sliced result is empty"):
            image[5:2, :]
    with pytest.raises(ValueError, match="requires a 2D segmentation image"):
        SegmentationImage(np.ones((2, 2, 2), int)).read(0, 1, 0, 1)


def test_a_view_that_was_read_is_never_written():
    segm = SegmentationImage.from_labels(np.array([[1, 2], [2, 0]], np.int32))
    window = segm.read(0, 1, 0, 2)
    segm.remove_label(2)
    np.testing.assert_array_equal(window, [[1, 2]])


def test_edits_are_those_of_labels_in_memory(labels):
    before = labels.copy()
    for name, args in [
        ("remove_labels", (SegmentationImage(labels).labels[:3],)),
        ("relabel_consecutive", ()),
        ("remove_border_labels", (2,)),
        ("remove_masked_labels", (np.eye(24, 31, dtype=bool),)),
    ]:
        segm, held, reader = opened(labels)
        for image in (segm, held):
            getattr(image, name)(*args)
        assert reader.windows == whole(labels)
        for fact in ("data", "labels", "areas"):
            np.testing.assert_array_equal(getattr(segm, fact), getattr(held, fact), strict=True)
        assert (segm.slices, segm.background_area) == (held.slices, held.background_area)
        np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize(
    "make",
    [SegmentationImage.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))],
)
def test_copies_and_pickles_hold_the_pixels(labels, make):
    segm, held, reader = opened(labels, info={"note": [1]})
    new = make(segm)
    assert reader.windows == whole(labels)
    np.testing.assert_array_equal(new.data, labels, strict=True)
    new.remove_label(new.labels[0])
    np.testing.assert_array_equal(segm.data, labels, strict=True)
    np.testing.assert_array_equal(segm.labels, held.labels)
    assert new.info == {"note": [1]}
    assert reader.windows == whole(labels)


def test_a_shallow_copy_reads_what_the_original_reads(labels):
    segm, _, reader = opened(labels)
    new = copy.copy(segm)
    assert reader.windows == []
    new.remove_label(new.labels[0])
    np.testing.assert_array_equal(segm.data, labels, strict=True)
    assert reader.windows == whole(labels)


def test_it_is_measured_as_one_in_memory(labels):
    data = np.random.default_rng(3).normal(5, 1, labels.shape)
    segm, held, _ = opened(labels)
    found, expected = (SourceCatalog(data, image) for image in (segm, held))
    np.testing.assert_array_equal(found.kron_flux, expected.kron_flux)


def test_assigning_data_drops_the_reader(labels):
    segm, _, reader = opened(labels)
    segm.data = np.array([[0, 3]])
    np.testing.assert_array_equal(segm.labels, [3])
    assert (segm.shape, segm.areas.tolist(), reader.windows) == ((1, 2), [1], [])


def test_a_reader_of_another_image_is_noticed(labels):
    segm = SegmentationImage.from_reader(Reader(labels), [1, 2], shape=(9, 90), dtype=int)
    with pytest.raises(ValueError, match=r"read\(0, 9, 0, 90\) must return .* \(9, 90\), got"):
        segm.data  # noqa: B018
    segm = SegmentationImage.from_reader(Reader(labels), [1, 2], shape=labels.shape, dtype=int)
    with pytest.raises(ValueError, match="labels of the pixels that were read are not the 2"):
        segm.sources  # noqa: B018


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"read": None}, TypeError, r"read must be a function read\(y0, y1, x0, x1\), got NoneT"),
        ({"dtype": float}, TypeError, "dtype must be an integer dtype, got float64"),
        ({"shape": (3,)}, ValueError, r"shape must be two integers \(ny, nx\).*got \(3,\)"),
        ({"shape": (3, -1)}, ValueError, "shape must be two integers"),
        ({"labels": [1.0]}, TypeError, "labels must be integers, got dtype float64"),
        ({"labels": [2, 1]}, ValueError, "labels must be positive and ascending"),
        ({"labels": [0, 1]}, ValueError, "labels must be positive and ascending"),
        ({"labels": [1, 300], "dtype": "u1"}, ValueError, "300, cannot be represented in .*uint8"),
        ({"areas": [3]}, ValueError, r"areas must have the shape of labels, \(2,\), got the shape"),
    ],
)
def test_wrong_arguments_are_named(wrong, error, text):
    arguments = {"read": len, "labels": [1, 2], "shape": (3, 3), "dtype": int} | wrong
    with pytest.raises(error, match=text):
        SegmentationImage.from_reader(**arguments)


def test_no_labels_at_all():
    segm = SegmentationImage.from_reader(Reader(np.zeros((2, 3), int)), [], shape=(2, 3), dtype=int)
    assert (segm.nlabels, segm.max_label, segm.is_consecutive) == (0, 0, False)
    assert segm.areas.size == segm.missing_labels.size == segm.flags.size == 0
