"""The labels of sources in any window, from the pieces of tiles and what is painted over them."""

from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.mosaic.known_labels import read_labels
from skyshed.mosaic.records import Deblended, Detected, Numbered
from skyshed.mosaic.runs import paint

__all__ = ["labels_in"]


def labels_in(job: Job, window: Window) -> Any:
    """Return the labels of a window, an int32 array, once sources are numbered."""
    if job.request.known is not None:
        return read_labels(job, window)
    labels = np.zeros(window.shape, np.int32)
    painters = set()
    for tile in job.tiling.tiles_in(window):
        numbered = job.recent.load(Numbered, tile, ("pieces", "painters"))
        runs = job.recent.load(Detected, tile, ("runs",)).runs
        paint(runs, numbered.pieces, window, labels)
        painters.update(numbered.painters.tolist())
    for painter in sorted(painters):
        _paint_children(job, divmod(painter, job.tiling.grid[1]), window, labels)
    return labels


def _paint_children(job: Job, owner: tuple[int, int], window: Window, labels: Any) -> None:
    """Paint the children of the sources that a tile owns at its seams, as far as they lie here."""
    owned = job.recent.load(Deblended, owner, ("n_children", "start", "pixel", "child"))
    base = job.recent.load(Numbered, owner, ("seam_base",)).seam_base
    area = np.diff(owned.start)
    y, x = np.divmod(owned.pixel, job.shape[1])
    here = np.repeat(owned.n_children > 0, area)
    here &= (y >= window.y0) & (y < window.y1) & (x >= window.x0) & (x < window.x1)
    label = np.repeat(base, area)[here] + owned.child[here]
    labels[y[here] - window.y0, x[here] - window.x0] = label
