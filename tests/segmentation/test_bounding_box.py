"""Bounding boxes, compared with photutils."""

import pickle
import sys

import matplotlib as mpl
import numpy as np
import pytest
from photutils.aperture import BoundingBox as Peer

from skyshed.segmentation import BoundingBox
from skyshed.segmentation.bounding_box import boxes_of

mpl.use("Agg")


def bounds(box):
    return None if box is None else (box.ixmin, box.ixmax, box.iymin, box.iymax)


@pytest.fixture
def pairs():
    """Boxes that lie beside, over and in each other, ours and photutils'."""
    rng = np.random.default_rng(4)
    corners = rng.integers(-4, 12, (40, 2))
    both = np.stack([corners, corners + rng.integers(1, 8, (40, 2))], 2).reshape(40, 4)
    return [(BoundingBox(*each), Peer(*each)) for each in both.tolist()]


def test_the_facts_are_those_of_photutils(pairs):
    for box, peer in pairs:
        for name in ("shape", "center", "extent"):
            assert getattr(box, name) == getattr(peer, name), name
        assert repr(box) == repr(peer)
        assert box == peer
        assert box != BoundingBox(box.ixmin, box.ixmax, box.iymin, box.iymax + 1)
        assert box != bounds(box)


def test_unions_and_intersections_are_those_of_photutils(pairs):
    empty = 0
    for (box, peer), (other, their_other) in zip(pairs[1:], pairs, strict=False):
        assert bounds(box | other) == bounds(box.union(their_other)) == bounds(peer | their_other)
        common = peer & their_other
        # photutils 3.0 returns an empty box where two boxes touch, 3.1 none.
        common = None if common is None or 0 in common.shape else bounds(common)
        assert bounds(box & other) == bounds(box.intersection(their_other)) == common
        empty += common is None
    assert 0 < empty < len(pairs) - 1
    for do, what in ((box.union, "joined"), (box.intersection, "intersected")):
        with pytest.raises(TypeError, match=f"{what} only with another BoundingBox, got tuple"):
            do((1, 2, 3, 4))
    for wrong in (lambda: box | 3, lambda: box & 3):
        with pytest.raises(TypeError, match="unsupported operand"):
            wrong()


def test_slices_of_the_overlap_with_an_image_are_those_of_photutils(pairs):
    for box, peer in pairs:
        for shape in ((9, 7), (3, 20)):
            assert box.get_overlap_slices(shape) == peer.get_overlap_slices(shape)
    with pytest.raises(ValueError, match=r"input shape must have 2 elements, got shape=\(3,\)"):
        box.get_overlap_slices((3,))


def test_rectangles_round_outwards_as_in_photutils():
    rng = np.random.default_rng(1)
    for x, y in [*rng.uniform(-5, 5, (50, 2)), (0.5, -0.5), (1.0, 2.0)]:
        found = BoundingBox.from_float(x, x + 2.3, y, y + 1)
        assert bounds(found) == bounds(Peer.from_float(x, x + 2.3, y, y + 1))


def test_artists_plots_and_apertures_are_those_of_photutils(pairs):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    for box, peer in pairs[:3]:
        np.testing.assert_array_equal(
            box.as_artist(lw=3).get_extents().bounds, peer.as_artist(lw=3).get_extents().bounds
        )
        assert box.as_artist(lw=3).get_linewidth() == 3
        found = box.plot(ax=ax, origin=(2, -1), color="red")
        expected = peer.plot(ax=ax, origin=(2, -1), color="red")
        np.testing.assert_allclose(found.get_extents().bounds, expected.get_extents().bounds)
        assert found.get_edgecolor() == expected.get_edgecolor()
        assert found.get_fill() is expected.get_fill() is False
        assert found in ax.patches
        assert repr(box.to_aperture()) == repr(peer.to_aperture())
    assert BoundingBox(1, 2, 3, 4).plot().axes is ax
    plt.close(figure)


def test_photutils_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "photutils.aperture", None)
    with pytest.raises(ImportError, match=r"to_aperture\(\) needs photutils"):
        BoundingBox(1, 2, 3, 4).to_aperture()


def test_boxes_of_sources_are_photutils_ones_too_where_a_program_has_imported_these():
    (box,) = boxes_of(np.array([[1, 3, 2, 7]]))
    assert isinstance(box, Peer)
    assert isinstance(box, BoundingBox)
    assert box == Peer(2, 7, 1, 3)
    assert box.union(Peer(0, 1, 0, 1)) == Peer(0, 7, 0, 3)
    assert pickle.loads(pickle.dumps(box)) == box
