"""The labels of sources in any window, from the pieces of tiles and what is painted over them."""

from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.kernels import labelling
from skyshed.mosaic.job import Job
from skyshed.mosaic.known_labels import read_labels

__all__ = ["labels_in"]


def labels_in(job: Job, window: Window) -> Any:
    """Return the labels of a window, an int32 array, once sources are numbered."""
    if job.given is not None:
        return read_labels(job, window)
    pieces = np.asarray(job.maps["pieces"][window.slices])
    painters = set()
    for place in job.tiling.places_in(window):
        here = job.workspace.load("number", place, ("pieces", "painters"))
        where = job.tiling[place].overlap(window).within(window)
        part = np.ascontiguousarray(pieces[where])
        pieces[where] = labelling.relabel(part, here["pieces"], job.parameters.n_threads)
        painters.update(here["painters"].tolist())
    for painter in sorted(painters):
        _paint(job, divmod(painter, job.tiling.grid[1]), window, pieces)
    return pieces


def _paint(job: Job, owner: tuple[int, int], window: Window, labels: Any) -> None:
    """Paint the children of the sources that a tile owns at its seams, as far as they lie here."""
    found = job.workspace.load("deblend", owner, ("n_children", "start", "pixel", "child"))
    (base,) = job.workspace.load("number", owner, ("seam_base",)).values()
    area = np.diff(found["start"])
    y, x = np.divmod(found["pixel"], job.shape[1])
    here = np.repeat(found["n_children"] > 0, area)
    here &= (y >= window.y0) & (y < window.y1) & (x >= window.x0) & (x < window.x1)
    name = np.repeat(base, area)[here] + found["child"][here]
    labels[y[here] - window.y0, x[here] - window.x0] = name
