"""The background that was subtracted, under each source."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import isophotal


@measurement(
    Column(
        "background_sum",
        "data",
        "Sum of the background over the unmasked pixels.",
        requires=("background",),
    ),
    Column(
        "background_mean",
        "data",
        "Mean of the background over the unmasked pixels.",
        requires=("background",),
    ),
    reach=SEGMENT,
)
def background(frame: Any, sources: Any, _count: Any, n_threads: int | None) -> Any:
    """Add up the background; NaN where there is none."""
    if frame.background is None:
        return (frame.xp.full(len(sources), np.nan),) * 2
    total = isophotal.total(sources, frame.background, frame.mask, False, n_threads)
    return total, total / np.maximum(_count, 1)


@measurement(
    Column(
        "background_centroid",
        "data",
        "Background at the centroid, by bilinear interpolation.",
        requires=("background",),
    ),
    # Centroids are inside the box: a pixel beyond it has no weight.
    reach=SEGMENT,
)
def background_centroid(frame: Any, sources: Any, cutout_centroid: Any) -> Any:
    """Interpolate between pixel centres; beyond the image's edge the outermost pixels count."""
    if frame.background is None:
        return frame.xp.full(len(sources), np.nan)
    known = np.all(np.isfinite(cutout_centroid), axis=1)
    place = np.where(known[:, None], cutout_centroid, 0.0)
    whole = np.floor(place).astype(np.int64)
    fx, fy = place[:, 0] - whole[:, 0], place[:, 1] - whole[:, 1]
    x, y = whole[:, 0] + sources.bbox[:, 2], whole[:, 1] + sources.bbox[:, 0]
    ny, nx = frame.shape

    def pixels(y: Any, x: Any) -> Any:
        return frame.background[np.clip(y, 0, ny - 1), np.clip(x, 0, nx - 1)].astype(float)

    below = (1 - fx) * pixels(y, x) + fx * pixels(y, x + 1)
    above = (1 - fx) * pixels(y + 1, x) + fx * pixels(y + 1, x + 1)
    return np.where(known, (1 - fy) * below + fy * above, np.nan)
