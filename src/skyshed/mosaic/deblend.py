"""Phase 4: the sources that touch a face between tiles, put together from their tiles and split.

Each belongs to the tile that holds its first pixel. Only pixels of the sources are read, from what
phase 2 left: whatever its box, a source costs what its pixels cost, and a canvas for its box.
"""

from time import perf_counter
from typing import Any

import numpy as np

from skyshed.kernels import deblending
from skyshed.mosaic.detect import search
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Deblended, Detected, Seams
from skyshed.sources import Sources

__all__ = ["deblend"]


def deblend(job: Job, tile: tuple[int, int]) -> None:
    """Split the sources that a tile owns and that may lie in several tiles."""
    begun = perf_counter()
    seams = job.workspace.load(Seams, tile)
    if seams.source.size == 0:
        empty = np.empty(0, np.int64)
        record = Deblended(
            empty, empty, empty, np.zeros(1, int), empty, np.empty(0, np.int32),
            np.empty((0, 4), np.int64), perf_counter() - begun,
        )  # fmt: skip
        job.workspace.save(record, tile)
        return
    sources, values = _gathered(job, seams)
    canvas, on_canvas = lay_out(sources, values)
    split = search(canvas, on_canvas, np.ones(len(sources), bool), job.parameters)
    zero = np.zeros(len(sources), np.int32)
    drawn = deblending.paint(
        on_canvas, zero, split.child_start, split.child, job.parameters.n_threads
    )
    child = drawn.reshape(-1)[on_canvas.pixel]
    record = Deblended(
        sources.labels, split.n_children, split.flags, sources.start, sources.pixel, child,
        boxes_of_children(sources, split.n_children, child), perf_counter() - begun,
    )  # fmt: skip
    job.workspace.save(record, tile)


def _gathered(job: Job, seams: Seams) -> tuple[Sources, Any]:
    """Return the sources, in pixels of the whole image, and the values of their pixels."""
    pixels, values, owners = [], [], []
    for number in np.unique(seams.part_tile):
        tile = divmod(int(number), job.tiling.grid[1])
        fields = ("seam", "components.area", "seam_pixel", "seam_value")
        detected = job.workspace.load(Detected, tile, fields)
        area = detected.components.area[detected.seam]
        # Which source each component at a seam belongs to; 0 for those of other tiles.
        owner = np.zeros(detected.seam.size, np.int64)
        here = seams.part_tile == number
        owner[seams.part_component[here]] = seams.part_source[here]
        of_pixel = np.repeat(owner[detected.seam], area)
        mine = of_pixel > 0
        pixels.append(detected.seam_pixel[mine])
        values.append(detected.seam_value[mine])
        owners.append(of_pixel[mine])
    pixel, value, owner = (np.concatenate(each) for each in (pixels, values, owners))
    order = np.lexsort((pixel, owner))
    labels, area = np.unique(owner, return_counts=True)
    start = np.concatenate([[0], np.cumsum(area)])
    sources = Sources(labels.astype(np.int32), start, pixel[order], seams.bbox, job.shape)
    return sources, value[order]


def lay_out(sources: Sources, values: Any) -> tuple[Any, Sources]:
    """Lay the boxes of sources out on an image of their own, in rows of boxes.

    Parameters
    ----------
    sources : Sources
        n sources of N pixels in all, in an image of any size.
    values : array, shape (N,)
        The values of their pixels.

    Returns
    -------
    canvas : array of the dtype of ``values``
        NaN between the sources.
    sources : Sources
        The same on the canvas: each has the shape and the raster order that it has in the image.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.mosaic.deblend import lay_out
    >>> from skyshed.sources import Sources
    >>> sources = Sources.from_labels(np.array([[1, 0, 0, 0], [1, 1, 0, 2]], dtype=np.int32))
    >>> lay_out(sources, np.array([5.0, 6.0, 7.0, 8.0]))[0]
    array([[ 5., nan],
           [ 6.,  7.],
           [ 8., nan]])
    """
    bbox = sources.bbox
    height, width = bbox[:, 1] - bbox[:, 0], bbox[:, 3] - bbox[:, 2]
    order = np.argsort(-height, kind="stable")
    line = max(int(np.sqrt(np.sum(height * width))), 1)
    # Boxes stand on one long line, the highest first, that is cut into rows.
    along = np.empty_like(width)
    along[order] = np.cumsum(width[order]) - width[order]
    row, x0 = np.divmod(along, line)
    highest = np.zeros(int(row.max()) + 1, np.int64)
    np.maximum.at(highest, row, height)
    y0 = (np.cumsum(highest) - highest)[row]
    nx = int(np.max(x0 + width))
    y, x = np.divmod(sources.pixel, sources.shape[1])
    area = sources.area
    y += np.repeat(y0 - bbox[:, 0], area)
    x += np.repeat(x0 - bbox[:, 2], area)
    canvas = np.full((int(highest.sum()), nx), np.nan, values.dtype)
    pixel = y * nx + x
    canvas.reshape(-1)[pixel] = values
    boxes = np.stack([y0, y0 + height, x0, x0 + width], axis=1)
    return canvas, Sources(sources.labels, sources.start, pixel, boxes, canvas.shape)


def boxes_of_children(sources: Sources, n_children: Any, child: Any) -> Any:
    """Return the boxes of all children, source by source; of sources without, their own.

    Parameters
    ----------
    sources : Sources
        n sources of N pixels in all.
    n_children : array of int64, shape (n,)
        How many children each has.
    child : array of int32, shape (N,)
        The child that each pixel belongs to, from 1; 0 without children.

    Returns
    -------
    bbox : array of int64, shape (m, 4)
        ``y0, y1, x0, x1``, half open.
    """
    count = np.maximum(n_children, 1)
    before = np.cumsum(count) - count
    row = np.repeat(before, sources.area) + np.maximum(child, 1) - 1
    y, x = np.divmod(sources.pixel, sources.shape[1])
    bbox = np.empty((int(count.sum()), 4), np.int64)
    bbox[:, ::2], bbox[:, 1::2] = np.iinfo(np.int64).max, 0
    for column, value, join in (
        (0, y, np.minimum), (1, y + 1, np.maximum), (2, x, np.minimum), (3, x + 1, np.maximum),
    ):  # fmt: skip
        join.at(bbox[:, column], row, value)
    return bbox
