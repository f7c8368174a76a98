"""Phases 2 to 5 where the sources are known: a map of labels in place of a detection."""

from time import perf_counter
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Collected, Numbered, SourceList
from skyshed.namespace import to_host
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

#: What a detection notes of the modes of deblending.
MODES = ("non_positive_min_labels", "too_many_markers_labels")

__all__ = ["collect", "number_known", "read_labels"]


def read_labels(job: Job, window: Window) -> Any:
    """Return the known labels of a window as a NumPy array of int32."""
    known = job.request.known
    assert known is not None
    return np.ascontiguousarray(to_host(known.read(window)), dtype=np.int32)


def collect(job: Job, tile: tuple[int, int]) -> None:
    """Find the labels of a tile, and the box of each in it."""
    start = perf_counter()
    window = job.tiling[tile]
    sources = Sources.from_labels(read_labels(job, window), job.parameters.n_threads)
    boxes = sources.bbox + np.repeat(window.origin, 2)
    job.workspace.save(Collected(sources.labels, boxes, perf_counter() - start), tile)


def number_known(job: Job) -> None:
    """Join the boxes over tiles; have each source measured by the tile in the middle of its box."""
    collected = [job.workspace.load(Collected, tile, ("labels", "boxes")) for tile in job.tiling]
    labels = np.concatenate([record.labels for record in collected])
    names, group = np.unique(labels, return_inverse=True)
    boxes = np.concatenate([record.boxes for record in collected])
    joined = np.empty((names.size, 4), np.int64)
    joined[:, ::2], joined[:, 1::2] = np.iinfo(np.int64).max, 0
    for column, join in enumerate((np.minimum, np.maximum, np.minimum, np.maximum)):
        join.at(joined[:, column], group, boxes[:, column])
    middle = (joined[:, ::2] + joined[:, 1::2]) // 2
    measured_by = job.tiling.holder(middle[:, 0], middle[:, 1])
    known = job.request.known
    segmentation = None if known is None else known.segmentation
    provenance = Provenance() if segmentation is None else segmentation.provenance
    flags, before = _flags_of(job, names), provenance.labels_before(names)
    none = np.empty(0, np.int32)
    for number, tile in enumerate(job.tiling):
        mine = measured_by == number
        job.workspace.save(
            Numbered(
                labels=none, flags=none, before=none, seam_labels=names[mine],
                seam_flags=flags[mine], seam_before=before[mine],
                seam_boxes=joined[mine], pieces=none, painters=none, seam_base=none,
            ),
            tile,
        )  # fmt: skip
    none = np.empty(0, np.int64)
    job.workspace.save(SourceList(names, **vars(provenance), **dict.fromkeys(MODES, none)))


def _flags_of(job: Job, names: Any) -> Any:
    """Return what deblending noted about labels, where the map that was given knows it."""
    known = job.request.known
    segmentation = None if known is None else known.segmentation
    flags = np.zeros(names.size, np.int64)
    if segmentation is None or names.size == 0:
        return flags
    at = segmentation.get_index(names)
    return np.asarray(segmentation.flags)[at]
