"""Outlines of segments as regions of the package ``regions``."""

from typing import Any

import numpy as np

from skyshed.segmentation.labels import check_scalar
from skyshed.segmentation.polygons import Polygons, need

__all__ = ["Regions"]


class Regions(Polygons):
    """The methods of a `SegmentationImage` that give regions. They need the package ``regions``.

    A region is the outer edge of a segment: its holes are filled.
    """

    def to_regions(self, *, group: bool = False, **kwargs: Any) -> Any:
        """Return the outer edge of each label as a region.

        Parameters
        ----------
        group : bool, optional
            Whether to return one item per label, where a label in several pieces is a
            `regions.Regions`. Otherwise there is one region for each piece, whose ``meta["label"]``
            tells the label.
        **kwargs
            Keywords of `regions.RegionVisual`: ``color``, ``linewidth``, ...

        Returns
        -------
        regions : `regions.Regions`, or a list if ``group``

        Raises
        ------
        ImportError
            If rasterio, Shapely or regions is not installed.
        """
        need("to_regions", "regions")
        from regions import Regions as Listed

        found = [
            _region(polygon, label, kwargs)
            for polygon, label in zip(self.polygons, self.labels.tolist(), strict=True)
        ]
        if group:
            return found
        each = [one.regions if isinstance(one, Listed) else [one] for one in found]
        return Listed([region for pieces in each for region in pieces])

    def get_region(self, label: int, **kwargs: Any) -> Any:
        """Return the outer edge of one label as a region; see `get_regions`.

        Raises
        ------
        TypeError
            If ``label`` is not a scalar.
        ValueError
            If it does not occur.
        """
        check_scalar(label, "get_regions")
        return self.get_regions(label, **kwargs)[0]

    def get_regions(self, labels: Any, **kwargs: Any) -> list[Any]:
        """Return the outer edges of some labels as regions.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.
        **kwargs
            Keywords of `regions.RegionVisual`.

        Returns
        -------
        regions : list of `regions.PolygonPixelRegion`, `regions.Regions` or None
            In the order of ``labels``. A label in several pieces is a `regions.Regions`. `None`
            without rasterio and Shapely.

        Raises
        ------
        ImportError
            If regions is not installed.
        ValueError
            If a label does not occur.
        """
        polygons = self.get_polygons(labels)
        return [
            None if polygon is None else _region(polygon, int(label), kwargs)
            for polygon, label in zip(polygons, np.atleast_1d(labels), strict=True)
        ]


def _region(polygon: Any, label: int, visual: dict[str, Any]) -> Any:
    """Return a polygon's outer edge as a region, or as several where it has several pieces."""
    need("a region", "regions")
    import regions

    if polygon.geom_type == "MultiPolygon":
        return regions.Regions([_region(piece, label, visual) for piece in polygon.geoms])
    # The last vertex repeats the first one; a region closes itself.
    x, y = np.transpose(polygon.exterior.coords[:-1])
    return regions.PolygonPixelRegion(
        regions.PixCoord(x, y),
        meta=regions.RegionMeta({"label": label}),
        visual=regions.RegionVisual(visual) if visual else None,
    )
