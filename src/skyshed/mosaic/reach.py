"""What a window must hold, so that the sources of a tile are measured as in the whole image."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from skyshed.catalog.reach import ReachStep, enlarged, joined, reach_steps, segment_boxes
from skyshed.chain.columns import measured_columns
from skyshed.chain.sextractor_columns import aperture_radii_of, has_radii
from skyshed.mosaic.job import Job

__all__ = ["fits", "holds", "needs_of"]


def needs_of(job: Job) -> list[Callable[[Any], Any]]:
    """Return functions that say what a window must hold, in the order in which it becomes known.

    Each takes a catalog of n sources, measured in the window, and returns the boxes that the window
    must hold before the next one is right: int64, shape (n, 4), as of
    `skyshed.catalog.reach.ReachStep.boxes`.
    """
    parameters = job.parameters
    first, *others = reach_steps(
        measured_columns(parameters), aperture_radii_of(parameters), has_radii(parameters)
    )
    return [partial(_with_halo, first, job), *(step.boxes for step in others)]


def _with_halo(step: ReachStep, job: Job, catalog: Any) -> Any:
    """Return the boxes of a step, joined with those that the convolution of the sources reads."""
    segments = segment_boxes(catalog.frame, catalog.sources)
    boxes = joined(step.boxes(catalog), enlarged(segments, job.request.halo))
    return np.clip(boxes, 0, np.repeat(job.shape, 2))


def fits(boxes: Any, window: Any) -> Any:
    """Return whether each box lies in a window, bool, shape (n,)."""
    return (
        (boxes[:, 0] >= window.y0) & (boxes[:, 1] <= window.y1)
        & (boxes[:, 2] >= window.x0) & (boxes[:, 3] <= window.x1)
    )  # fmt: skip


def holds(boxes: Any, window: Any) -> Any:
    """Return whether each box holds a window, bool, shape (n,)."""
    return (
        (boxes[:, 0] <= window.y0) & (boxes[:, 1] >= window.y1)
        & (boxes[:, 2] <= window.x0) & (boxes[:, 3] >= window.x1)
    )  # fmt: skip
