"""Phase 5: the numbers of the sources of the whole image, from tables and never from pixels.

When all are split, sources are numbered as the untiled run does; each tile is told the labels of
its pieces and which sources it measures.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from skyshed.deblending import children_of, number_labels
from skyshed.flags import SEGMENTATION_FLAGS as FLAGS
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Deblended, Detected, Numbered, SourceList, StitchedSources
from skyshed.segmentation.provenance import Provenance

__all__ = ["number_sources"]


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

    def pieces(self, source: Any, n_children: Any) -> tuple[Any, Any, Any]:
        """Return labels, flags and labels before of the children of sources, or of those without.

        ``n_children`` are theirs, or 0 for the parts of sources that are known as one piece: what
        they get if the source is split counts for nothing.
        """
        count = np.maximum(n_children, 1)
        before = np.cumsum(count) - count
        child = np.arange(count.sum()) - np.repeat(before, count) + 1
        split = np.repeat(n_children > 0, count)
        flags = np.repeat(self.flags[source], count) + FLAGS.DEBLENDED * split
        labels = np.repeat(self.base[source], count) + np.where(split, child, 0)
        return labels, flags, np.repeat(np.asarray(source) + 1, count)


def number_sources(job: Job) -> None:
    """Number the sources of the whole image as the untiled run does."""
    stitched = job.workspace.load(StitchedSources)
    n = int(stitched.n)
    edges = stitched.start.tolist()
    # By tile: the position of each component's source, -1 where it is too small.
    source = [stitched.source[lo:hi].astype(np.int64) - 1 for lo, hi in pairwise(edges)]
    detected = [
        job.workspace.load(Detected, tile, ("seam", "n_children", "flags")) for tile in job.tiling
    ]
    seams = [
        job.workspace.load(Deblended, tile, ("source", "n_children", "flags", "bbox"))
        for tile in job.tiling
    ]
    n_children, flags = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for of_component, here, owned in zip(source, detected, seams, strict=True):
        inner = ~here.seam
        n_children[of_component[inner]] = here.n_children[inner]
        flags[of_component[inner]] = here.flags[inner]
        n_children[owned.source - 1] = owned.n_children
        flags[owned.source - 1] = owned.flags
    base, parents = np.zeros(n, np.int64), np.empty(0, np.int64)
    if n:
        base, parents = number_labels(
            np.arange(n), np.arange(1, n + 1, dtype=np.int32), n_children, True
        )
    numbering = _Numbering(n_children, flags, base)
    # Pieces that are dropped look up the first source, which need not be there: nothing of it is
    # told.
    first = numbering if n else _Numbering(*np.zeros((3, 1), np.int64))
    _tell_tiles(job, first, source, detected, seams)
    _list_sources(job, numbering, parents)


def _list_sources(job: Job, numbering: _Numbering, parents: Any) -> None:
    """Write what deblending did, as `skyshed.deblend_sources` notes it."""
    n_children, flags = numbering.n_children, numbering.flags
    labels, marks, _ = numbering.pieces(np.arange(n_children.size), n_children)
    whole = np.flatnonzero(n_children == 0)
    provenance = Provenance.from_maps(
        (
            children_of(parents, numbering.base, n_children),
            np.repeat(parents + 1, n_children[parents]),
        ),
        (labels, marks),
        (numbering.base[whole], whole + 1),
    )
    job.workspace.save(
        SourceList(
            labels=np.sort(labels).astype(np.int32),
            **vars(provenance),
            non_positive_min_labels=_labels_with(flags, FLAGS.DEBLEND_NON_POSITIVE_MIN),
            too_many_markers_labels=_labels_with(flags, FLAGS.DEBLEND_TOO_MANY_MARKERS),
        )
    )


def _labels_with(flags: Any, flag: int) -> Any:
    """Return the labels, as detected, of the sources that have a flag."""
    return (np.flatnonzero(flags & flag) + 1).astype(np.int32)


def _tell_tiles(
    job: Job,
    known: _Numbering,
    source: list[Any],
    detected: list[Detected],
    seams: list[Deblended],
) -> None:
    """Write, for each tile, the labels of its pieces and those of the sources that it measures.

    Sources at seams are measured by the tile that holds the middle of their box.
    """
    owner = np.full(known.base.size, -1)
    at_seams = []
    for number, owned in enumerate(seams):
        position = owned.source - 1
        owner[position[owned.n_children > 0]] = number
        at_seams.append((*known.pieces(position, owned.n_children), owned.bbox))
    labels, flags, before, boxes = (np.concatenate(each) for each in zip(*at_seams, strict=True))
    middle = (boxes[:, ::2] + boxes[:, 1::2]) // 2
    measured_by = job.tiling.holder(middle[:, 0], middle[:, 1])
    for number, tile in enumerate(job.tiling):
        seam, n_children = detected[number].seam, detected[number].n_children
        real = np.maximum(source[number], 0)
        pieces, marks, old = known.pieces(real, n_children) if real.size else (real,) * 3
        inner = np.repeat(~seam, np.maximum(n_children, 1))
        dropped = np.repeat(source[number] < 0, np.maximum(n_children, 1))
        mine = measured_by == number
        painters = np.unique(owner[source[number][seam & (source[number] >= 0)]])
        job.workspace.save(
            Numbered(
                labels=pieces[inner].astype(np.int32),
                flags=marks[inner],
                before=old[inner],
                seam_labels=labels[mine].astype(np.int32),
                seam_flags=flags[mine],
                seam_before=before[mine],
                seam_boxes=boxes[mine],
                pieces=np.concatenate([[0], np.where(dropped, 0, pieces)]).astype(np.int32),
                painters=painters[painters >= 0],
                seam_base=known.base[seams[number].source - 1],
            ),
            tile,
        )
