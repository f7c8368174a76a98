"""The labels of sources in any window, from the pieces of tiles and what is painted over them."""

from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.kernels import labelling
from skyshed.mosaic.job import PIECES, Job
from skyshed.mosaic.known_labels import read_labels
from skyshed.mosaic.records import Deblended, Numbered

__all__ = ["labels_in"]


def labels_in(job: Job, window: Window) -> Any:
    """Return the labels of a window, an int32 array, once sources are numbered."""
    if job.request.known is not None:
        return read_labels(job, window)
    pieces = job.read_map(PIECES, window)
    painters = set()
    for tile in job.tiling.tiles_in(window):
        numbered = job.workspace.load(Numbered, tile, ("pieces", "painters"))
        where = job.tiling[tile].overlap(window).within(window)
        part = np.ascontiguousarray(pieces[where])
        pieces[where] = labelling.relabel(part, numbered.pieces, job.parameters.n_threads)
        painters.update(numbered.painters.tolist())
    for painter in sorted(painters):
        _paint(job, divmod(painter, job.tiling.grid[1]), window, pieces)
    return pieces


def _paint(job: Job, owner: tuple[int, int], window: Window, labels: Any) -> None:
    """Paint the children of the sources that a tile owns at its seams, as far as they lie here."""
    owned = job.workspace.load(Deblended, owner, ("n_children", "start", "pixel", "child"))
    base = job.workspace.load(Numbered, owner, ("seam_base",)).seam_base
    area = np.diff(owned.start)
    y, x = np.divmod(owned.pixel, job.shape[1])
    here = np.repeat(owned.n_children > 0, area)
    here &= (y >= window.y0) & (y < window.y1) & (x >= window.x0) & (x < window.x1)
    label = np.repeat(base, area)[here] + owned.child[here]
    labels[y[here] - window.y0, x[here] - window.x0] = label
