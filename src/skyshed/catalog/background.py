"""Backgrounds: the one that was subtracted from the data, and what is left around each source."""

from typing import Any

import numpy as np

from skyshed.catalog.reach import EDGE, enlarged, segment_boxes
from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import apertures, isophotal
from skyshed.namespace import like


@measurement(
    Column(
        "background_sum",
        "data",
        "Sum of the background over the unmasked pixels.",
        requires=("background",),
        ucd="instr.background;phot.flux",
    ),
    Column(
        "background_mean",
        "data",
        "Mean of the background over the unmasked pixels.",
        requires=("background",),
        ucd="instr.background;phot.flux.density;stat.mean",
    ),
    reach=SEGMENT,
)
def background(frame: Any, sources: Any, _count: Any, n_threads: int | None) -> Any:
    """Sum the background; NaN where there is none."""
    if frame.background is None:
        return (frame.xp.full(len(sources), np.nan),) * 2
    total, _ = isophotal.total(sources, frame.background, frame.mask, False, n_threads)
    return total, total / np.maximum(_count, 1)


@measurement(
    Column(
        "background_centroid",
        "data",
        "Background at the centroid, by bilinear interpolation.",
        requires=("background",),
        ucd="instr.background;phot.flux.density",
    ),
    # Centroids are inside the box: a pixel beyond it has no weight.
    reach=SEGMENT,
)
def background_centroid(frame: Any, sources: Any, cutout_centroid: Any) -> Any:
    """Interpolate between pixel centres; beyond the image's edge, use the outermost pixels."""
    if frame.background is None:
        return frame.xp.full(len(sources), np.nan)
    is_finite = np.all(np.isfinite(cutout_centroid), axis=1)
    position = np.where(is_finite[:, None], cutout_centroid, 0.0)
    whole = np.floor(position).astype(np.int64)
    fx, fy = position[:, 0] - whole[:, 0], position[:, 1] - whole[:, 1]
    x, y = whole[:, 0] + sources.bbox[:, 2], whole[:, 1] + sources.bbox[:, 0]
    ny, nx = frame.shape
    first, last = 0, ny - 1
    if frame.n_images > 1:
        first = like(frame.first_rows(sources), y)
        last = first + ny // frame.n_images - 1

    def pixels(y: Any, x: Any) -> Any:
        return frame.background[np.clip(y, first, last), np.clip(x, 0, nx - 1)].astype(float)

    below = (1 - fx) * pixels(y, x) + fx * pixels(y, x + 1)
    above = (1 - fx) * pixels(y + 1, x) + fx * pixels(y + 1, x + 1)
    return np.where(is_finite, (1 - fy) * below + fy * above, np.nan)


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
        ucd="instr.background;phot.flux.density",
    ),
    Column("_too_few_around", description="Whether the annulus has too few usable pixels."),
)
def local_background(_count: Any, _around: Any, _count_around: Any) -> Any:
    """Leave out sources whose pixels are all masked."""
    return np.where(_count > 0, _around, np.nan), _count_around < apertures.FEWEST


@measurement(
    Column("_around", "data", "Background per pixel in the annulus; 0 without a width."),
    Column("_count_around", description="Number of usable pixels there; enough without a width."),
    reach=annulus_boxes,
)
def _annuli(frame: Any, sources: Any, localbkg_width: int, n_threads: int | None) -> Any:
    if localbkg_width == 0:
        return np.zeros(len(sources)), np.full(len(sources), apertures.FEWEST)
    images = frame.data, frame.labels, frame.mask
    if frame.n_images > 1:
        shape = (frame.n_images, -1, frame.shape[1])
        data, labels, mask = (None if each is None else each.reshape(shape) for each in images)
        images = data, labels, mask
    return apertures.local_background(*images, sources.bbox, localbkg_width, n_threads)
