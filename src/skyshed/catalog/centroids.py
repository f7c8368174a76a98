"""Image moments and the centroids that follow from them."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import moments


@measurement(
    Column(
        "moments",
        description="Moments up to third order: [i, j] is the sum of y**i x**j, from the cutout's "
        "first pixel, over the positive values of the convolved data.",
    ),
    Column(
        "moments_central",
        description="Moments up to third order about the centroid: [i, j] as y, x.",
    ),
    geometry=True,
    reach=SEGMENT,
)
def image_moments(frame: Any, sources: Any, n_threads: int | None) -> Any:
    """Add up the moments; pixels whose data alone are not finite take part."""
    return moments.moments(sources, frame.shape_data, frame.input_mask, n_threads)


@measurement(
    Column("cutout_centroid", description="(x, y) of centroid, in the cutout."),
    geometry=True,
)
def cutout_centroid(moments: Any) -> Any:
    """Divide the first moments by the zeroth."""
    with np.errstate(invalid="ignore"):
        first = np.stack([moments[:, 0, 1], moments[:, 1, 0]], axis=-1)
        return first / moments[:, 0, 0, None]


@measurement(
    Column(
        "centroid",
        description="(x, y) of the centre of mass of the positive values of the convolved data.",
    ),
    Column("xcentroid", description="x of centroid.", alias="x_centroid"),
    Column("ycentroid", description="y of centroid.", alias="y_centroid"),
    geometry=True,
)
def centroid(cutout_centroid: Any, _corner: Any) -> Any:
    """Add where the cutout lies."""
    centre = cutout_centroid + _corner[:, ::-1]
    return centre, centre[:, 0].copy(), centre[:, 1].copy()
