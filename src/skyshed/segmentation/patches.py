"""Outlines of segments as matplotlib patches."""

from typing import Any

import numpy as np

from skyshed.segmentation.labels import check_scalar
from skyshed.segmentation.polygons import Polygons, need

__all__ = ["Patches"]

#: How outlines look unless the caller says otherwise.
STYLE = {"edgecolor": "white", "facecolor": "none"}


class Patches(Polygons):
    """The methods of a `SegmentationImage` that plot outlines. They need matplotlib."""

    def to_patches(
        self, *, origin: tuple[float, float] = (0, 0), scale: float = 1.0, **kwargs: Any
    ) -> list[Any]:
        """Return the outline of each label as a patch, white and not filled unless told otherwise.

        Parameters
        ----------
        origin : array_like, optional
            The position ``(x, y)`` of the origin of the image that is shown.
        scale : float, optional
            How many of its pixels one of ours is.
        **kwargs
            Keywords of `matplotlib.patches.PathPatch`.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch`

        Raises
        ------
        ImportError
            If rasterio, Shapely or matplotlib is not installed.
        """
        return _patches(self.polygons, origin, scale, kwargs)

    def get_patch(
        self,
        label: int,
        *,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        **kwargs: Any,
    ) -> Any:
        """Return the outline of one label as a patch; see `get_patches`.

        Raises
        ------
        TypeError
            If ``label`` is not a scalar.
        ValueError
            If it does not occur.
        """
        check_scalar(label, "get_patches")
        return self.get_patches(label, origin=origin, scale=scale, **kwargs)[0]

    def get_patches(
        self,
        labels: Any,
        *,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the outlines of some labels as patches.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.
        origin, scale, **kwargs
            As in `to_patches`.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch` or None
            In the order of ``labels``; `None` without rasterio and Shapely.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        return _patches(self.get_polygons(labels), origin, scale, kwargs)

    def plot_patches(
        self,
        *,
        ax: Any = None,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        labels: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Plot the outlines of labels.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; `None` for the current axes.
        origin, scale, **kwargs
            As in `to_patches`.
        labels : int or array_like of int, optional
            The labels; `None` for all.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch`
            Those that were added to the axes.

        Raises
        ------
        ImportError
            If rasterio, Shapely or matplotlib is not installed.
        ValueError
            If a label does not occur.
        """
        need("plot_patches", "rasterio", "shapely")
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.gca()
        polygons = self.polygons if labels is None else self.get_polygons(labels)
        patches = _patches(polygons, origin, scale, kwargs)
        for patch in patches:
            ax.add_patch(patch)
        return patches


def _patches(polygons: list[Any], origin: Any, scale: float, style: dict[str, Any]) -> list[Any]:
    """Return a patch for each polygon, `None` where there is none."""
    from matplotlib.patches import PathPatch

    style = STYLE | style
    return [
        None if polygon is None else PathPatch(_path(polygon, np.array(origin), scale), **style)
        for polygon in polygons
    ]


def _path(polygon: Any, origin: Any, scale: float) -> Any:
    """Return all rings of a polygon, or of several, as one path, its corners moved and scaled."""
    import shapely
    from matplotlib.path import Path

    vertices = shapely.get_coordinates(polygon)
    rings = shapely.get_rings(shapely.get_parts(polygon))
    ends = np.cumsum(shapely.get_num_coordinates(rings))
    codes = np.full(len(vertices), Path.LINETO, Path.code_type)
    codes[np.append(0, ends[:-1])] = Path.MOVETO
    codes[ends - 1] = Path.CLOSEPOLY
    # A pixel's edge, half a pixel before its centre, stays an edge.
    return Path(scale * (vertices + 0.5) - 0.5 - origin, codes)
