"""Outlines as polygons: photutils' vertices, in its order."""

import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage
from skyshed.segmentation import Segment, polygons

ORACLE = Path(__file__).parents[1] / "oracle" / "segmentation_polygons.npz"


def rings_of(polygon):
    """Return (piece, ring, vertices) of each ring."""
    return [
        (piece, ring, shapely.get_coordinates(line))
        for piece, each in enumerate(getattr(polygon, "geoms", [polygon]))
        for ring, line in enumerate([each.exterior, *each.interiors])
    ]


def stored_images():
    """The oracle's images, each with its rows of rings and their vertices."""
    with np.load(ORACLE) as oracle:
        ends = np.cumsum(np.prod(oracle["shapes"], axis=1))
        images = np.split(oracle["images"].astype(np.int32), ends[:-1])
        rings = oracle["rings"]
        lines = np.split(oracle["twice_vertices"] / 2, np.cumsum(rings[:, 4])[:-1])
        for i, (image, shape) in enumerate(zip(images, oracle["shapes"], strict=True)):
            mine = np.flatnonzero(rings[:, 0] == i)
            yield image.reshape(shape), rings[mine, 1:4].tolist(), [lines[j] for j in mine]


def flattened(polygons):
    """Return rows (label, piece, ring), and the vertices of each."""
    found = [(row, *ring) for row, polygon in enumerate(polygons) for ring in rings_of(polygon)]
    return [list(each[:3]) for each in found], [each[3] for each in found]


def same(polygon, expected):
    assert polygon.geom_type == expected.geom_type
    assert shapely.to_wkb(polygon) == shapely.to_wkb(expected)


@pytest.mark.parametrize("together", [True, False])
def test_vertices_are_those_of_photutils_311(together, monkeypatch):
    monkeypatch.setattr(polygons, "PIXELS_AT_ONCE", 1 << 26 if together else 0)
    pieces = holes = 0
    for image, rings, vertices in stored_images():
        found, lines = flattened(SegmentationImage(image).polygons)
        assert found == rings
        for line, expected in zip(lines, vertices, strict=True):
            np.testing.assert_array_equal(line, expected)
        pieces += sum(piece > 0 for _, piece, _ in rings)
        holes += sum(ring > 0 for _, _, ring in rings)
    assert pieces > 100
    assert holes > 20


def test_every_way_to_a_polygon_gives_that_of_photutils(labels):
    segm, peer = SegmentationImage(labels), Peer(labels)
    some = segm.labels[[4, 0, 2, 4]]
    for found, expected in (
        (segm.polygons, peer.polygons),
        (segm.get_polygons(some), peer.get_polygons(some)),
        (segm.get_polygons(int(some[0])), peer.get_polygons(int(some[0]))),
        ([segm.get_polygon(some[1])], [peer.get_polygon(some[1])]),
        ([s.polygon for s in segm.segments], [s.polygon for s in peer.segments]),
        ([segm.get_segment(some[2]).polygon], [peer.get_segment(some[2]).polygon]),
    ):
        assert len(found) == len(expected)
        for polygon, theirs in zip(found, expected, strict=True):
            same(polygon, theirs)
    assert any(polygon.geom_type == "MultiPolygon" for polygon in segm.polygons)


def test_a_polygon_is_drawn_of_its_own_pixels_alone(monkeypatch):
    """Sources far apart are drawn one by one, those close together at once."""
    drawn = []

    def shapes(image, **kwargs):
        drawn.append(image.shape)
        return original(image, **kwargs)

    import rasterio.features

    original = rasterio.features.shapes
    monkeypatch.setattr(rasterio.features, "shapes", shapes)
    data = np.zeros((4000, 4000), np.uint16)
    data[7:10, 20:40], data[3000, 3990], data[3001:3003, 3991] = 1, 2, 3
    segm = SegmentationImage(data)
    together = segm.get_polygons([3, 2])
    assert drawn == [(3, 2)]
    apart = segm.polygons
    assert drawn[1:] == [(3, 20), (1, 1), (2, 1)]
    same(together[0], apart[2])
    same(together[1], apart[1])
    assert [polygon.bounds for polygon in apart] == [
        (19.5, 6.5, 39.5, 9.5), (3989.5, 2999.5, 3990.5, 3000.5), (3990.5, 3000.5, 3991.5, 3002.5),
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["u1", ">i2", "u4", ">i8", "u8"])
def test_labels_of_any_integer_have_polygons(make_labels, dtype):
    data = make_labels(6)
    wide = data.astype(dtype)
    if np.iinfo(dtype).max > 2**40:
        wide[wide > 3] += np.array(2**40, dtype)
    for polygon, expected in zip(
        SegmentationImage(wide).polygons, Peer(data).polygons, strict=True
    ):
        same(polygon, expected)


def test_an_image_without_labels_has_no_polygons():
    segm = SegmentationImage(np.zeros((4, 0), int))
    assert segm.polygons == segm.get_polygons([]) == []


def test_polygons_need_two_dimensions():
    segm = SegmentationImage(np.array([0, 1, 1]))
    for get in (lambda: segm.polygons, lambda: segm.get_polygon(1)):
        with pytest.raises(ValueError, match=r"2D segmentation image; the data are 1-D"):
            get()


def test_a_label_is_asked_for_by_a_scalar_that_occurs():
    segm = SegmentationImage(np.array([[0, 1, 3]]))
    with pytest.raises(TypeError, match=r"scalar value, got \[1, 3\]: get_polygons takes several"):
        segm.get_polygon([1, 3])
    with pytest.raises(ValueError, match=r"label \[2\] is invalid"):
        segm.get_polygon(2)


def test_a_polygon_that_rasterio_does_not_find_is_none(monkeypatch):
    monkeypatch.setattr("rasterio.features.shapes", lambda image, **kwargs: iter(()))
    segm = SegmentationImage(np.array([[0, 1, 3]]))
    assert segm.get_polygons([1, 3]) == [None, None]
    assert segm.get_segment(1).polygon is None


def test_a_segment_shows_its_outline():
    segm = SegmentationImage(np.array([[0, 1, 3]]))
    segment = segm.get_segment(3)
    assert segment._repr_svg_() == segment.polygon._repr_svg_()
    assert segment._repr_svg_().startswith("<svg")
    given = Segment(segm.data, 3, segment.slices, segment.bbox, 1, polygon=segment.polygon)
    assert given.polygon is segment.polygon
    without = Segment(segm.data, 3, segment.slices, segment.bbox, 1)
    assert without.polygon is None
    assert without._repr_svg_() is None


@pytest.fixture(params=["rasterio", "shapely"])
def lacking(request, monkeypatch):
    """The name of a package that can't be imported."""
    monkeypatch.setitem(sys.modules, request.param, None)
    return request.param


def test_without_the_packages_single_outlines_are_none_and_all_are_an_error(lacking):
    segm = SegmentationImage(np.array([[0, 1, 3]]))
    assert segm.get_polygon(1) is segm.get_patch(1) is segm.get_region(3) is None
    assert segm.get_patches([1, 3]) == segm.get_regions([3, 1]) == [None, None]
    assert [segment.polygon for segment in segm.segments] == [None, None]
    assert segm.segments[0]._repr_svg_() is None
    for get in (lambda: segm.polygons, segm.to_patches, segm.to_regions, segm.plot_patches):
        with pytest.raises(ImportError, match=rf"needs {lacking}, .* 'skyshed\[regions\]'"):
            get()
    with pytest.raises(ValueError, match="is invalid"):
        segm.get_polygon(2)
