"""Outlines of segments as matplotlib patches."""

from typing import Any

import numpy as np

__all__ = ["make_patches", "plot_patches"]

#: The style of outlines unless the caller gives another one.
STYLE = {"edgecolor": "white", "facecolor": "none"}


def make_patches(
    polygons: list[Any], origin: Any, scale: float, style: dict[str, Any]
) -> list[Any]:
    """Return a patch for each polygon, `None` where there is none.

    Parameters
    ----------
    polygons : list of `shapely.Polygon`, `shapely.MultiPolygon` or None
        Outlines in pixels.
    origin, scale
        As in `~skyshed.SegmentationImage.to_patches`.
    style : dict
        Keywords of `matplotlib.patches.PathPatch`.
    """
    from matplotlib.patches import PathPatch

    style = STYLE | style
    return [
        None if polygon is None else PathPatch(_path(polygon, np.array(origin), scale), **style)
        for polygon in polygons
    ]


def plot_patches(
    polygons: list[Any], ax: Any, origin: Any, scale: float, style: dict[str, Any]
) -> list[Any]:
    """Add a patch for each polygon to axes, the current ones if ``ax`` is `None`."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.gca()
    patches = make_patches(polygons, origin, scale, style)
    for patch in patches:
        ax.add_patch(patch)
    return patches


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
    # The edges of pixels, half a pixel from their centres, stay edges.
    return Path(scale * (vertices + 0.5) - 0.5 - origin, codes)
