"""The positions of the sources: the bounds of their segments."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import SEGMENT, Column, measurement


@measurement(Column("_corner", description="(y, x) of the box's first pixel."), reach=SEGMENT)
def _corner(frame: Any, sources: Any) -> Any:
    return sources.host.bbox[:, ::2] + frame.origins(sources)


@measurement(
    Column(
        "bbox_xmin",
        description="Least x of the segment's pixels; the first of the image is 0.",
        ucd="pos.cartesian.x;instr.pixel;stat.min",
    ),
    Column(
        "bbox_xmax",
        description="Largest x of the segment's pixels; the first of the image is 0.",
        ucd="pos.cartesian.x;instr.pixel;stat.max",
    ),
    Column(
        "bbox_ymin",
        description="Least y of the segment's pixels; the first of the image is 0.",
        ucd="pos.cartesian.y;instr.pixel;stat.min",
    ),
    Column(
        "bbox_ymax",
        description="Largest y of the segment's pixels; the first of the image is 0.",
        ucd="pos.cartesian.y;instr.pixel;stat.max",
    ),
    geometry=True,
    reach=SEGMENT,
)
def bounds(frame: Any, sources: Any) -> Any:
    """Return the bounds; the upper ones are those of the last pixel."""
    inside = sources.host.bbox + np.repeat(frame.origins(sources), 2, axis=1) - [0, 1, 0, 1]
    rows = np.ascontiguousarray(inside.T)
    return rows[2], rows[3], rows[0], rows[1]
