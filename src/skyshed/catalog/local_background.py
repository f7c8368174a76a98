"""The background around each source."""

from typing import Any

import numpy as np

from skyshed.catalog.reach import EDGE, enlarged, segment_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import apertures


def annulus_boxes(frame: Any, sources: Any, localbkg_width: int) -> Any:
    """Return the boxes of the annuli from which local backgrounds are estimated."""
    boxes = segment_boxes(frame, sources)
    if localbkg_width == 0:
        return boxes
    # The hole extends beyond the source's box by half the difference on each side.
    sides = boxes[:, 1::2] - boxes[:, ::2]
    hole = np.ceil((apertures.HOLE - 1) / 2 * sides).astype(np.int64)
    return enlarged(boxes, hole + localbkg_width + EDGE)


@measurement(
    Column(
        "local_background",
        "data",
        "Background per pixel in a rectangular annulus of localbkg_width pixels, from 1.5 times "
        "the bounding box on: 2.5 median - 1.5 mean after clipping (Bertin & Arnouts 1996). It is "
        "subtracted from all fluxes; 0 without a width.",
    ),
    Column("_too_few_around", description="Whether the annulus has too few usable pixels."),
    reach=annulus_boxes,
)
def local_background(
    frame: Any, sources: Any, localbkg_width: int, _count: Any, n_threads: int | None
) -> Any:
    """Estimate it, or take 0 where no annulus is wanted; NaN for sources that are all masked."""
    if localbkg_width == 0:
        value, too_few = frame.xp.zeros(len(sources)), frame.xp.zeros(len(sources), dtype=bool)
    else:
        value, count = apertures.local_background(
            frame.data, frame.labels, frame.mask, sources.bbox, localbkg_width, n_threads
        )
        too_few = count < apertures.FEWEST
    return np.where(_count > 0, value, np.nan), too_few
