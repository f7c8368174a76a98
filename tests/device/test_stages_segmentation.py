"""Segmentation images of the device: facts on the host, images on the device."""

import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning

import skyshed
from tests.device.scenes import is_image, stages
from tests.device.standin.counts import ledger


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


@pytest.mark.parametrize("distance", [0, 1.5, 7, 60])
def test_segments_grow_as_on_the_host(cupy, distance):
    """With ties: the scene's labels are many, and some of the distances are equal."""
    there, here = both(cupy, stages())
    is_image(cupy, there.expand(distance).data, here.expand(distance).data)
    np.testing.assert_array_equal(there.expand(distance).areas, here.expand(distance).areas)
    empty = skyshed.SegmentationImage(cupy.zeros((5, 6), np.int32))
    assert empty.expand(3).nlabels == 0


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


def test_outlines_are_drawn_of_the_sources_pixels_alone(counted):
    """Polygons, patches and regions are of the host: only the pixels they outline are copied."""
    there, here = both(counted, stages())
    there.labels  # noqa: B018 - the facts about the labels are there already
    some = [9, 2]
    with ledger() as costs:
        found = there.get_polygons(some)
    area = int(here.get_areas(some).sum())
    costs.no_transfer_larger_than(8 * area + 1000)
    assert [p.wkb for p in found] == [p.wkb for p in here.get_polygons(some)]
    assert [p.wkb for p in there.polygons] == [p.wkb for p in here.polygons]
    segment = there.get_segment(4)
    with ledger() as costs:
        assert segment.polygon.wkb == here.get_segment(4).polygon.wkb
    costs.no_transfer_larger_than(segment.data.size)
    for name in ("get_patches", "to_patches"):
        arguments = [some] * name.startswith("get")
        for patch, other in zip(
            getattr(there, name)(*arguments), getattr(here, name)(*arguments), strict=True
        ):
            np.testing.assert_array_equal(patch.get_path().vertices, other.get_path().vertices)
    for region, other in zip(there.to_regions(), here.to_regions(), strict=True):
        np.testing.assert_array_equal(region.vertices.xy, other.vertices.xy)
        assert region.meta == other.meta
    assert there.get_region(2).meta["label"] == 2


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_labels_beyond_int32(cupy, dtype):
    labels = stages().segm.data.astype(dtype)
    labels[labels > 3] += dtype(2**40)
    there, here = skyshed.SegmentationImage(cupy.asarray(labels)), skyshed.SegmentationImage(labels)
    for edit in (
        lambda s: None,
        lambda s: s.remove_labels(s.labels[::3]),
        lambda s: s.reassign_labels(s.labels[2:5], 2**41),
        lambda s: s.remove_border_labels(3, partial_overlap=False),
        lambda s: s.relabel_consecutive(),
    ):
        for segm in (there, here):
            edit(segm)
        is_image(cupy, there.data, here.data)
        np.testing.assert_array_equal(there.labels, here.labels, strict=True)
        np.testing.assert_array_equal(there.areas, here.areas)
        assert there.slices == here.slices
    parents = skyshed.SegmentationImage(cupy.asarray(labels))
    found = parents.get_label_mapping(there)
    expected = skyshed.SegmentationImage(labels).get_label_mapping(here)
    assert list(found) == list(expected)
    for label, children in expected.items():
        np.testing.assert_array_equal(found[label], children)
    np.testing.assert_array_equal(parents.to_host().labels, parents.labels)


def test_arrays_that_are_not_images(cupy):
    rng = np.random.default_rng(2)
    cube = (rng.integers(0, 9, (4, 5, 6)) * (rng.random((4, 5, 6)) < 0.2)).astype(np.int32)
    there, here = skyshed.SegmentationImage(cupy.asarray(cube)), skyshed.SegmentationImage(cube)
    assert there.slices == here.slices
    for segm in (there, here):
        segm.remove_border_labels(1, partial_overlap=False)
        segm.reassign_label(int(segm.labels[0]), 70)
    is_image(cupy, there.data, here.data)
    assert there.slices == here.slices


def test_the_labels_are_handed_over_on_the_device(cupy):
    there, here = both(cupy, stages())
    exported = cupy.from_dlpack(there)
    is_image(cupy, exported, here.data)
    assert exported.data.ptr == there.data.data.ptr
    assert there.__dlpack_device__() == there.data.__dlpack_device__()
    assert there.__dlpack_device__()[0] == 2
    shown, expected = there.__cuda_array_interface__, there.data.__cuda_array_interface__
    assert shown == expected
    assert shown["data"][0] == there.data.data.ptr
    assert (shown["shape"], shown["typestr"]) == (here.shape, here.data.dtype.str)
    there.remove_label(3)
    is_image(cupy, exported, here.data)


def test_photutils_gets_a_copy_on_the_host(cupy):
    there, here = both(cupy, stages())
    theirs = there.to_photutils()
    np.testing.assert_array_equal(theirs.data, here.data, strict=True)
    with pytest.raises(TypeError, match=r"data is a cupy\.ndarray and other a numpy\.ndarray"):
        there.get_label_mapping(theirs)
