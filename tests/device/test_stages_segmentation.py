"""Segmentation images of the device: facts on the host, images on the device."""

import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning

import skyshed
from tests.device.scenes import is_image, stages


def both(cupy, scene):
    return skyshed.SegmentationImage(cupy.asarray(scene.segm.data)), scene.segm.copy()


def test_facts_about_labels_come_to_the_host(cupy):
    there, here = both(cupy, stages())
    for name in ("labels", "areas", "missing_labels", "flags", "deblended_labels"):
        assert isinstance(getattr(there, name), np.ndarray)
    np.testing.assert_array_equal(there.labels, here.labels)
    np.testing.assert_array_equal(there.areas, here.areas)
    assert there.slices == here.slices
    assert there.bbox == here.bbox
    assert there.background_area == here.background_area
    assert (there.nlabels, there.max_label) == (here.nlabels, here.max_label)
    assert there.is_consecutive
    np.testing.assert_array_equal(there.get_areas([3, 1]), here.get_areas([3, 1]))
    with pytest.raises(ValueError, match="invalid"):
        there.check_label(10**6)
    assert repr(there) == repr(here)
    is_image(cupy, there.get_segment(4).data, here.get_segment(4).data)
    is_image(cupy, there[20:90, 5:70].data, here[20:90, 5:70].data)


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: s.remove_labels([1, 4, 9], relabel=True),
        lambda s: s.keep_labels([8, 3, 20]),
        lambda s: s.reassign_labels([2, 5, 30], 7),
        lambda s: s.relabel_consecutive(start_label=11),
        lambda s: s.remove_border_labels(4),
        lambda s: s.remove_border_labels(9, partial_overlap=False, relabel=True),
    ],
)
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_edits(cupy, edit, dtype):
    labels = stages().segm.data.astype(dtype)
    given = cupy.asarray(labels)
    there, here = skyshed.SegmentationImage(given), skyshed.SegmentationImage(labels)
    for segm in (there, here):
        edit(segm)
        edit_again = segm.copy()
        edit_again.reassign_label(int(segm.labels[-1]), int(segm.labels[0]))
        segm.again = edit_again
    is_image(cupy, there.data, here.data)
    is_image(cupy, there.again.data, here.again.data)
    for name in ("labels", "start", "pixel", "bbox"):
        for one, other in ((there, here), (there.again, here.again)):
            is_image(cupy, getattr(one.sources, name), getattr(other.sources, name))
    is_image(cupy, given, labels)


@pytest.mark.parametrize("partial", [True, False])
def test_labels_under_a_mask_are_removed(cupy, partial):
    there, here = both(cupy, stages())
    mask = np.zeros(here.shape, bool)
    mask[:90] = True
    there.remove_masked_labels(cupy.asarray(mask), partial_overlap=partial)
    here.remove_masked_labels(mask, partial_overlap=partial)
    is_image(cupy, there.data, here.data)
    with pytest.raises(TypeError, match=r"data is a cupy\.ndarray and mask a numpy\.ndarray"):
        there.remove_masked_labels(mask)


def test_masks_and_outlines(cupy):
    there, here = both(cupy, stages())
    disk = np.hypot(*np.ogrid[-3:4, -3:4]) < 3.2
    is_image(cupy, there.make_source_mask(), here.make_source_mask())
    is_image(cupy, there.make_source_mask(size=(3, 4)), here.make_source_mask(size=(3, 4)))
    for footprint in (disk, cupy.asarray(disk)):
        is_image(
            cupy, there.make_source_mask(footprint=footprint), here.make_source_mask(None, disk)
        )
    is_image(cupy, there.outline_segments(), here.outline_segments())


def test_labels_are_mapped_to_those_of_another_image(cupy):
    scene = stages()
    there, here = both(cupy, scene)
    parents = skyshed.SegmentationImage(cupy.asarray(scene.detected.data))
    found, expected = parents.get_label_mapping(there), scene.detected.get_label_mapping(here)
    assert found.keys() == expected.keys()
    for label, children in expected.items():
        np.testing.assert_array_equal(found[label], children)


def test_nothing_becomes_a_host_image_unasked(cupy):
    there, here = both(cupy, stages())
    with pytest.raises(TypeError, match=r"[Ii]mplicit conversion"):
        np.asarray(there)
    for get in (
        lambda: there.data_ma,
        lambda: there.outline_segments(mask_background=True),
        lambda: there.get_segment(1).data_ma,
        lambda: there.get_segment(1).make_cutout(there.data, masked_array=True),
    ):
        with pytest.raises(TypeError, match=r"can't be had of a cupy\.ndarray"):
            get()
    copied = there.to_host()
    assert isinstance(copied.data, np.ndarray)
    np.testing.assert_array_equal(copied.data, here.data)
    assert here.to_host() is here


def test_labels_are_shown_by_a_copy(cupy):
    import matplotlib

    matplotlib.use("Agg")
    there, here = both(cupy, stages())
    np.testing.assert_array_equal(there.imshow().get_array(), here.data)
    with pytest.warns(AstropyUserWarning, match="colorbar was not plotted"):
        shown, _ = there.imshow_map()
    assert shown.get_array().max() == here.nlabels


def test_labels_that_are_no_labels_are_refused(cupy):
    with pytest.raises(ValueError, match="the least value of data is -2"):
        skyshed.SegmentationImage(cupy.asarray([[0, -2]]))
    with pytest.raises(TypeError, match="must have integer type"):
        skyshed.SegmentationImage(cupy.zeros((3, 3)))
    empty = skyshed.SegmentationImage(cupy.zeros((3, 3), dtype=int))
    assert empty.nlabels == 0
    assert empty.slices == []
    assert empty.max_label == 0
