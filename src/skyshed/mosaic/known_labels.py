"""Phases 2 to 5 where the sources are known: a map of labels in place of a detection."""

from time import perf_counter
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.sources import Sources

__all__ = ["collect", "number", "read_labels"]


def read_labels(job: Job, window: Window) -> Any:
    """Return the labels of a window of the map that was given, as int32.

    Raises
    ------
    ValueError
        If one is negative, or more than int32 holds.
    """
    labels = job.given.read(window.y0, window.y1, window.x0, window.x1)
    largest = np.iinfo(np.int32).max
    for extreme in (labels.min(), labels.max()):
        if not 0 <= extreme <= largest:
            raise ValueError(
                f"segmentation must hold labels from 0, which is no source, to {largest}; it has "
                f"{extreme}: renumber it"
            )
    return labels.astype(np.int32, copy=False)


def collect(job: Job, place: tuple[int, int]) -> None:
    """Find the labels of a tile, and the box of each in it."""
    start = perf_counter()
    window = job.tiling[place]
    sources = Sources.from_labels(read_labels(job, window), job.parameters.n_threads)
    boxes = sources.bbox + np.repeat(window.origin, 2)
    job.workspace.save(
        "collect", place, labels=sources.labels, boxes=boxes, seconds=perf_counter() - start
    )


def number(job: Job) -> None:
    """Join the boxes over tiles; have each source measured by the tile in the middle of its box."""
    found = [job.workspace.load("collect", place, ("labels", "boxes")) for place in job.tiling]
    labels = np.concatenate([each["labels"] for each in found])
    names, group = np.unique(labels, return_inverse=True)
    boxes = np.concatenate([each["boxes"] for each in found])
    joined = np.empty((names.size, 4), np.int64)
    joined[:, ::2], joined[:, 1::2] = np.iinfo(np.int64).max, 0
    for column, join in enumerate((np.minimum, np.maximum, np.minimum, np.maximum)):
        join.at(joined[:, column], group, boxes[:, column])
    middle = (joined[:, ::2] + joined[:, 1::2]) // 2
    measured_by = job.tiling.holder(middle[:, 0], middle[:, 1])
    none = np.empty(0, np.int32)
    for tile, place in enumerate(job.tiling):
        mine = measured_by == tile
        job.workspace.save(
            "number", place, labels=none, flags=none, seam_labels=names[mine],
            seam_flags=np.zeros(np.count_nonzero(mine), np.int64), seam_boxes=joined[mine],
        )  # fmt: skip
    job.workspace.save("names", labels=names)
    job.workspace.save("counts", n_sources=names.size)
