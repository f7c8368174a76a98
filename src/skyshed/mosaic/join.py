"""Phases 3 and 5: what only the whole image knows. Both read tables, never pixels.

Phase 3 joins the components of tiles and says which tile owns those at the seams. Phase 5, when all
are split, numbers the sources as the untiled run does, and tells each tile the labels of its pieces
and which sources it measures.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.mosaic.job import Job
from skyshed.mosaic.stitch import Components, Stitched, stitch
from skyshed.splitting import number_labels

__all__ = ["join", "number"]


def join(job: Job) -> None:
    """Phase 3: join the components of all tiles; hand those at the seams to their owners."""
    found = {
        place: job.workspace.load(
            "detect", place,
            ("seam", "area", "first", "bbox", "face_top", "face_bottom", "face_left", "face_right"),
        )
        for place in job.tiling
    }  # fmt: skip
    parts = {place: Components.from_arrays(each) for place, each in found.items()}
    stitched = stitch(parts, job.tiling, job.parameters.npixels, job.parameters.connectivity)
    seam = {place: each["seam"] for place, each in found.items()}
    _hand_over(job, stitched, seam)
    sizes = [stitched.tables[place].size - 1 for place in job.tiling]
    job.workspace.save(
        "stitch", n=stitched.area.size,
        source=np.concatenate([stitched.tables[place][1:] for place in job.tiling]),
        start=np.concatenate([[0], np.cumsum(sizes)]),
    )  # fmt: skip


def _hand_over(job: Job, stitched: Stitched, seam: dict[tuple[int, int], Any]) -> None:
    """Write, for each tile, the sources that it owns of those at the seams, and their parts."""
    parts = []
    for number, place in enumerate(job.tiling):
        of_component = stitched.tables[place][1:].astype(np.int64)
        at = np.flatnonzero(seam[place] & (of_component > 0))
        parts.append((np.full(at.size, number), at, of_component[at]))
    tile, component, source = (np.concatenate(each) for each in zip(*parts, strict=True))
    y, x = np.divmod(stitched.first[source - 1], job.shape[1])
    owner = job.tiling.holder(y, x)
    for number, place in enumerate(job.tiling):
        mine = owner == number
        own = np.unique(source[mine])
        job.workspace.save(
            "seams", place, source=own, bbox=stitched.bbox[own - 1], part_tile=tile[mine],
            part_component=component[mine], part_source=source[mine],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Numbering:
    """What became of every source of the whole image; arrays of shape (n,).

    Attributes
    ----------
    n_children : array of int64
        0, or at least 2.
    flags : array of int64
        What deblending notes about each.
    base : array of int64
        The label of a whole source, or what to add to the numbers of its children.
    """

    n_children: Any
    flags: Any
    base: Any

    def pieces(self, source: Any, n_children: Any) -> tuple[Any, Any]:
        """Return the labels and the flags of the children of sources, or of those without.

        ``n_children`` are theirs, or 0 for the parts of sources that are known as one piece: what
        they get if the source is split counts for nothing.
        """
        count = np.maximum(n_children, 1)
        before = np.cumsum(count) - count
        child = np.arange(count.sum()) - np.repeat(before, count) + 1
        split = np.repeat(n_children > 0, count)
        flags = np.repeat(self.flags[source], count) + SEGMENTATION_FLAGS.DEBLENDED * split
        return np.repeat(self.base[source], count) + np.where(split, child, 0), flags


def number(job: Job) -> None:
    """Phase 5: number the sources of the whole image as the untiled run does.

    The counts that are left are ``n_sources``, and how many were deblended with another mode than
    asked for, by the names that `skyshed.deblend_sources` gives them in ``info``.
    """
    stitched = job.workspace.load("stitch")
    n = int(stitched["n"])
    edges = stitched["start"].tolist()
    # By tile: the position of each component's source, -1 where it is too small.
    source = [stitched["source"][lo:hi].astype(np.int64) - 1 for lo, hi in pairwise(edges)]
    detected = [
        job.workspace.load("detect", p, ("seam", "n_children", "flags")) for p in job.tiling
    ]
    seams = [job.workspace.load("deblend", place) for place in job.tiling]
    n_children, flags = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for of_component, here, seam in zip(source, detected, seams, strict=True):
        inner = ~here["seam"]
        for name, target in (("n_children", n_children), ("flags", flags)):
            target[of_component[inner]] = here[name][inner]
            target[seam["source"] - 1] = seam[name]
    base = np.zeros(n, np.int64)
    if n:
        base, _ = number_labels(np.arange(n), np.arange(1, n + 1, dtype=np.int32), n_children, True)
    _tell_tiles(job, _Numbering(n_children, flags, base), source, detected, seams)
    flag = SEGMENTATION_FLAGS
    job.workspace.save(
        "counts",
        n_sources=np.maximum(n_children, 1).sum(),
        non_positive_min_labels=np.sum(flags & flag.DEBLEND_NON_POSITIVE_MIN > 0),
        too_many_markers_labels=np.sum(flags & flag.DEBLEND_TOO_MANY_MARKERS > 0),
    )


def _tell_tiles(
    job: Job, known: _Numbering, source: list[Any], detected: list[Any], seams: list[Any]
) -> None:
    """Write, for each tile, the labels of its pieces and those of the sources that it measures.

    Sources at seams are measured by the tile that holds the middle of their box.
    """
    owner = np.full(known.base.size, -1)
    at_seams = []
    for tile, seam in enumerate(seams):
        position = seam["source"] - 1
        owner[position[seam["n_children"] > 0]] = tile
        at_seams.append((*known.pieces(position, seam["n_children"]), seam["bbox"]))
    labels, flags, boxes = (np.concatenate(each) for each in zip(*at_seams, strict=True))
    middle = (boxes[:, ::2] + boxes[:, 1::2]) // 2
    measured_by = job.tiling.holder(middle[:, 0], middle[:, 1])
    for tile, place in enumerate(job.tiling):
        seam = detected[tile]["seam"]
        real = np.maximum(source[tile], 0)
        n_children = detected[tile]["n_children"]
        pieces, marks = known.pieces(real, n_children) if real.size else (real, real)
        inner = np.repeat(~seam, np.maximum(n_children, 1))
        dropped = np.repeat(source[tile] < 0, np.maximum(n_children, 1))
        mine = measured_by == tile
        painters = np.unique(owner[source[tile][seam & (source[tile] >= 0)]])
        job.workspace.save(
            "number", place,
            pieces=np.concatenate([[0], np.where(dropped, 0, pieces)]).astype(np.int32),
            labels=pieces[inner].astype(np.int32), flags=marks[inner],
            seam_labels=labels[mine].astype(np.int32), seam_flags=flags[mine],
            seam_boxes=boxes[mine], painters=painters[painters >= 0],
            seam_base=known.base[seams[tile]["source"] - 1],
        )  # fmt: skip
