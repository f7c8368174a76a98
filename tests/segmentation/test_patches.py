"""Outlines as matplotlib patches and as regions, compared with photutils."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage

mpl.use("Agg")


@pytest.fixture
def ax():
    """Axes of a figure that is closed again."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture
def torn(make_labels):
    """An image with labels in pieces and with holes, ours and photutils'."""
    data = make_labels(8)
    data[12:14, :3] = 3
    data[2:9, 2:9] = 31
    data[4:6, 4:7] = 0
    data[20, 25:28] = 31
    return SegmentationImage(data), Peer(data)


def same_patches(found, expected):
    assert len(found) == len(expected) > 0
    for patch, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(patch.get_path().vertices, theirs.get_path().vertices)
        np.testing.assert_array_equal(patch.get_path().codes, theirs.get_path().codes)
        assert patch.get_edgecolor() == theirs.get_edgecolor()
        assert patch.get_facecolor() == theirs.get_facecolor()
        assert patch.get_linewidth() == theirs.get_linewidth()


def test_patches_are_those_of_photutils(torn):
    segm, peer = torn
    moved = {"origin": (3, -2.5), "scale": 1.7}
    for style in ({}, moved, {"edgecolor": "red", "lw": 3.0, "facecolor": "blue"} | moved):
        same_patches(segm.to_patches(**style), peer.to_patches(**style))
        same_patches(segm.get_patches([31, 3], **style), peer.get_patches([31, 3], **style))
        same_patches([segm.get_patch(31, **style)], [peer.get_patch(31, **style)])


@pytest.mark.parametrize("labels", [None, 31, (31, 3)])
def test_plotted_patches_are_those_that_come_back(torn, ax, labels):
    segm, peer = torn
    plotted = segm.plot_patches(ax=ax, labels=labels, edgecolor="red", scale=2)
    assert isinstance(plotted, list)
    assert plotted == list(ax.patches)
    same_patches(plotted, peer.plot_patches(ax=ax, labels=labels, edgecolor="red", scale=2))


def test_patches_are_plotted_on_the_current_axes(torn, ax):
    (patch,) = torn[0].plot_patches(labels=[31])
    assert patch.axes is ax


def same_regions(found, expected):
    assert type(found).__name__ == type(expected).__name__
    if type(found).__name__ == "Regions":
        found, expected = found.regions, expected.regions
    if isinstance(found, list):
        assert len(found) == len(expected) > 0
        for region, theirs in zip(found, expected, strict=True):
            same_regions(region, theirs)
        return
    np.testing.assert_array_equal(found.vertices.xy, expected.vertices.xy)
    assert found.meta == expected.meta
    assert found.visual == expected.visual


def test_regions_are_those_of_photutils(torn):
    segm, peer = torn
    for group in (False, True):
        same_regions(segm.to_regions(group=group), peer.to_regions(group=group))
    same_regions(segm.get_region(31), peer.get_region(31))
    same_regions(segm.get_region(3), peer.get_region(3))
    same_regions(segm.get_regions([3, 31]), peer.get_regions([3, 31]))
    assert [region.meta["label"] for region in segm.get_region(31)] == [31, 31]


def test_regions_have_the_style_asked_for(torn):
    segm, _ = torn
    style = {"color": "red", "linewidth": 2}
    for region in (*segm.to_regions(**style), segm.get_region(3, **style)):
        assert region.visual == style
    assert not segm.get_region(3).visual


def test_a_label_is_asked_for_by_a_scalar_that_occurs(torn):
    segm, _ = torn
    for one, several in ((segm.get_patch, "get_patches"), (segm.get_region, "get_regions")):
        with pytest.raises(TypeError, match=rf"scalar value, got \[3\]: {several} takes"):
            one([3])
        with pytest.raises(ValueError, match=r"label \[77\] is invalid"):
            one(77)
        with pytest.raises(ValueError, match=r"labels \[77, 78\] are invalid"):
            getattr(segm, several)([3, 77, 78])


def test_regions_without_the_package_say_what_to_install(torn, monkeypatch):
    monkeypatch.setitem(sys.modules, "regions", None)
    for get in (torn[0].to_regions, lambda: torn[0].get_region(3)):
        with pytest.raises(ImportError, match=r"needs regions.*'skyshed\[regions\]'"):
            get()
