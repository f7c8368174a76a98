"""The labels of sources in any window, from the pieces of tiles and what is painted over them."""

from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.mosaic.known_labels import read_labels
from skyshed.mosaic.records import Deblended, Detected, Numbered, Runs

__all__ = ["labels_in"]

#: Pixels that are painted at a time, which bounds the memory that their indices take.
PAINTED = 1 << 20


def labels_in(job: Job, window: Window) -> Any:
    """Return the labels of a window, an int32 array, once sources are numbered."""
    if job.request.known is not None:
        return read_labels(job, window)
    labels = np.zeros(window.shape, np.int32)
    painters = set()
    for tile in job.tiling.tiles_in(window):
        numbered = job.workspace.load(Numbered, tile, ("pieces", "painters"))
        runs = job.workspace.load(Detected, tile, ("runs",)).runs
        _paint_runs(runs, numbered.pieces, window, labels)
        painters.update(numbered.painters.tolist())
    for painter in sorted(painters):
        _paint_children(job, divmod(painter, job.tiling.grid[1]), window, labels)
    return labels


def _paint_runs(runs: Runs, label_of: Any, window: Window, labels: Any) -> None:
    """Paint the pieces of a tile with their labels, as far as they lie in the window."""
    label = label_of[runs.piece]
    first, last = np.maximum(runs.x, window.x0), np.minimum(runs.x + runs.length, window.x1)
    here = np.flatnonzero(
        (runs.y >= window.y0) & (runs.y < window.y1) & (first < last) & (label != 0)
    )
    label, length = label[here], (last - first)[here].astype(np.int64)
    width = window.x1 - window.x0
    begin = (runs.y[here] - window.y0) * np.int64(width) + (first[here] - window.x0)
    before = np.cumsum(length) - length
    flat = labels.reshape(-1)
    edges = np.searchsorted(before, np.arange(0, length.sum() + PAINTED, PAINTED))
    for lo, hi in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        some = length[lo:hi]
        pixel = np.arange(some.sum()) + np.repeat(
            begin[lo:hi] - (before[lo:hi] - before[lo : lo + 1]), some
        )
        flat[pixel] = np.repeat(label[lo:hi], some)


def _paint_children(job: Job, owner: tuple[int, int], window: Window, labels: Any) -> None:
    """Paint the children of the sources that a tile owns at its seams, as far as they lie here."""
    owned = job.workspace.load(Deblended, owner, ("n_children", "start", "pixel", "child"))
    base = job.workspace.load(Numbered, owner, ("seam_base",)).seam_base
    area = np.diff(owned.start)
    y, x = np.divmod(owned.pixel, job.shape[1])
    here = np.repeat(owned.n_children > 0, area)
    here &= (y >= window.y0) & (y < window.y1) & (x >= window.x0) & (x < window.x1)
    label = np.repeat(base, area)[here] + owned.child[here]
    labels[y[here] - window.y0, x[here] - window.x0] = label
