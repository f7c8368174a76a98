"""Outlines of segments as regions of the package ``regions``."""

from typing import Any

import numpy as np

from skyshed.optional import need

__all__ = ["make_regions", "regions_by_label"]


def make_regions(polygons: list[Any], labels: Any, group: bool, visual: dict[str, Any]) -> Any:
    """Return the outer edges of polygons as regions; see `~skyshed.SegmentationImage.to_regions`.

    Parameters
    ----------
    polygons : list of `shapely.Polygon` or `shapely.MultiPolygon`
        The outline of each label.
    labels : array of int, shape (n,)
        The labels.
    group : bool
        Whether to return one item per label.
    visual : dict
        Keywords of `regions.RegionVisual`.
    """
    from regions import Regions

    by_label = regions_by_label(polygons, labels, visual)
    if group:
        return by_label
    pieces = [item.regions if isinstance(item, Regions) else [item] for item in by_label]
    return Regions([region for regions in pieces for region in regions])


def regions_by_label(polygons: list[Any], labels: Any, visual: dict[str, Any]) -> list[Any]:
    """Return the outer edge of each polygon as a region, `None` where there is no polygon.

    A label in several pieces is a `regions.Regions`.
    """
    return [
        None if polygon is None else _region(polygon, int(label), visual)
        for polygon, label in zip(polygons, np.atleast_1d(labels), strict=True)
    ]


def _region(polygon: Any, label: int, visual: dict[str, Any]) -> Any:
    """Return a polygon's outer edge as a region, or as several where it has several pieces."""
    regions = need("regions", "a region", "regions")
    if polygon.geom_type == "MultiPolygon":
        return regions.Regions([_region(piece, label, visual) for piece in polygon.geoms])
    # The last vertex repeats the first one; a region closes itself.
    x, y = np.transpose(polygon.exterior.coords[:-1])
    return regions.PolygonPixelRegion(
        regions.PixCoord(x, y),
        meta=regions.RegionMeta({"label": label}),
        visual=regions.RegionVisual(visual) if visual else None,
    )
