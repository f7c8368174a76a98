"""Phase 3: components of the whole image from the components of its tiles.

A tile labels what is above the threshold in its own pixels, whatever the size, and hands over its
four faces. Components of neighbouring tiles that touch are one; the rest is bookkeeping on tables
of one row per component.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Components, Detected, Seams, StitchedSources
from skyshed.mosaic.tiling import Tiling
from skyshed.namespace import in_one_transfer

__all__ = ["Stitched", "describe", "faces_of", "in_whole", "stitch", "stitch_tiles"]

FACES = ("top", "bottom", "left", "right")


@dataclass(frozen=True, eq=False)
class Stitched:
    """The components of the whole image.

    Attributes
    ----------
    tables : dict of tile to array of int32
        Per tile, the label in the whole image of each label of the tile; 0 for what is too small
        (and for the background).
    area : array of int64, shape (n,)
        Pixels of each source, label 1 first.
    first : array of int64, shape (n,)
        The flat index of its first pixel.
    bbox : array of int64, shape (n, 4)
        Its bounding box.
    """

    tables: dict[tuple[int, int], Any]
    area: Any
    first: Any
    bbox: Any


def faces_of(labels: Any) -> dict[str, Any]:
    """Return the labels along the four edges of a tile."""
    return {
        "top": labels[0], "bottom": labels[-1], "left": labels[:, 0], "right": labels[:, -1],
    }  # fmt: skip


def in_whole(pixel: Any, window: Window, width: int) -> Any:
    """Return flat indices of a window as flat indices of an image that is ``width`` wide."""
    y, x = np.divmod(pixel, window.shape[1])
    return (y + window.y0) * width + x + window.x0


def describe(sources: Any, labels: Any, window: Window, width: int) -> Components:
    """Describe the components of a tile.

    Parameters
    ----------
    sources : Sources
        The components, in raster order of their first pixel.
    labels : array of int32, shape ``window.shape``
        The number of each pixel's component, from 1.
    window : Window
        Where the tile is.
    width : int
        Columns of the whole image.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.mosaic.stitch import describe
    >>> from skyshed.images.window import Window
    >>> from skyshed.sources import Sources
    >>> labels = np.array([[0, 1], [2, 0]], dtype=np.int32)
    >>> tile = describe(Sources.from_labels(labels), labels, Window(10, 12, 20, 22), width=100)
    >>> tile.first, tile.left
    (array([1021, 1120]), array([0, 2], dtype=int32))
    """
    rows = sources.host
    first, *faces = in_one_transfer(sources.pixel[sources.start[:-1]], *faces_of(labels).values())
    return Components(
        rows.area,
        in_whole(first, window, width),
        rows.bbox + np.repeat(window.origin, 2),
        **{name: face.copy() for name, face in zip(FACES, faces, strict=True)},
    )


def stitch(
    tiles: Mapping[tuple[int, int], Components],
    tiling: Tiling,
    npixels: int,
    connectivity: int,
    max_npixels: int | None = None,
) -> Stitched:
    """Join the components of all tiles, drop those of other sizes and number the rest.

    Parameters
    ----------
    tiles : mapping of tile to Components
        Every tile of ``tiling``.
    tiling : Tiling
    npixels : int
        Sources of fewer pixels, over all tiles, are dropped.
    connectivity : int
        4 or 8, as the tiles were labelled.
    max_npixels : int, optional
        Sources of more pixels are dropped, too.

    Returns
    -------
    stitched : Stitched
        Labels from 1 in raster order of each source's first pixel in the whole image, as
        `skyshed.detect_sources` numbers them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    order = list(tiling)
    sizes = np.array([len(tiles[tile].area) for tile in order])
    offset = dict(zip(order, np.cumsum(sizes) - sizes, strict=True))
    total = int(sizes.sum())
    one, other = _touching(tiles, tiling, offset, connectivity)
    graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(total, total))
    n, group = connected_components(graph, directed=False)
    parts = [tiles[tile] for tile in order]
    area, first, bbox = _joined(parts, group, n)
    kept = np.flatnonzero((area >= npixels) & (max_npixels is None or area <= max_npixels))
    kept = kept[np.argsort(first[kept], kind="stable")]
    label = np.zeros(n, np.int32)
    label[kept] = np.arange(1, kept.size + 1)
    named = label[group]
    tables = {
        tile: np.concatenate([[0], named[at : at + size]]).astype(np.int32)
        for (tile, at), size in zip(offset.items(), sizes, strict=True)
    }
    return Stitched(tables, area[kept], first[kept], bbox[kept])


def _joined(parts: list[Components], group: Any, n: int) -> tuple[Any, Any, Any]:
    """Return area, first pixel and box of each of ``n`` groups of components."""
    area, first = np.zeros(n, np.int64), np.full(n, np.iinfo(np.int64).max)
    bbox = np.zeros((n, 4), np.int64)
    if n == 0:
        return area, first, bbox
    np.add.at(area, group, np.concatenate([part.area for part in parts]))
    np.minimum.at(first, group, np.concatenate([part.first for part in parts]))
    boxes = np.concatenate([part.bbox for part in parts])
    bbox[:, ::2] = np.iinfo(np.int64).max
    for column, join in enumerate((np.minimum, np.maximum, np.minimum, np.maximum)):
        join.at(bbox[:, column], group, boxes[:, column])
    return area, first, bbox


def _touching(
    tiles: Mapping[tuple[int, int], Components],
    tiling: Tiling,
    offset: dict[tuple[int, int], int],
    connectivity: int,
) -> tuple[Any, Any]:
    """Return the pairs of components, numbered over all tiles, that touch across tiles."""
    rows, columns = tiling.grid
    pairs: list[tuple[Any, Any]] = []

    def join(tile: tuple[int, int], face: Any, beside: tuple[int, int], opposite: Any) -> None:
        met = (face > 0) & (opposite > 0)
        pairs.append((face[met] - 1 + offset[tile], opposite[met] - 1 + offset[beside]))

    for row, column in tiling:
        here = tiles[row, column]
        for down, right, face, opposite in ((1, 0, "bottom", "top"), (0, 1, "right", "left")):
            beside = row + down, column + right
            if beside[0] >= rows or beside[1] >= columns:
                continue
            mine, theirs = getattr(here, face), getattr(tiles[beside], opposite)
            join((row, column), mine, beside, theirs)
            if connectivity == 8:
                join((row, column), mine[1:], beside, theirs[:-1])
                join((row, column), mine[:-1], beside, theirs[1:])
        for right in (1, -1) if connectivity == 8 and row + 1 < rows else ():
            beside = row + 1, column + right
            if 0 <= beside[1] < columns:
                last, first = slice(-1, None), slice(0, 1)
                mine, theirs = (last, first) if right == 1 else (first, last)
                join((row, column), here.bottom[mine], beside, tiles[beside].top[theirs])
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    one, other = (np.concatenate(each) for each in zip(*pairs, strict=True))
    return one, other


def stitch_tiles(job: Job) -> None:
    """Join the components of all tiles; hand those at the seams to the tiles that own them."""
    detected = {
        tile: job.workspace.load(Detected, tile, ("seam", "components")) for tile in job.tiling
    }
    parts = {tile: record.components for tile, record in detected.items()}
    parameters = job.parameters
    stitched = stitch(
        parts, job.tiling, parameters.npixels, parameters.connectivity, parameters.max_npixels
    )
    _hand_over(job, stitched, {tile: record.seam for tile, record in detected.items()})
    sizes = [stitched.tables[tile].size - 1 for tile in job.tiling]
    job.workspace.save(
        StitchedSources(
            n=stitched.area.size,
            source=np.concatenate([stitched.tables[tile][1:] for tile in job.tiling]),
            start=np.concatenate([[0], np.cumsum(sizes)]),
        )
    )


def _hand_over(job: Job, stitched: Stitched, seam: dict[tuple[int, int], Any]) -> None:
    """Write, for each tile, the sources that it owns of those at the seams, and their parts."""
    parts = []
    for number, tile in enumerate(job.tiling):
        of_component = stitched.tables[tile][1:].astype(np.int64)
        at = np.flatnonzero(seam[tile] & (of_component > 0))
        parts.append((np.full(at.size, number), at, of_component[at]))
    part_tile, component, source = (np.concatenate(each) for each in zip(*parts, strict=True))
    y, x = np.divmod(stitched.first[source - 1], job.shape[1])
    owner = job.tiling.holder(y, x)
    for number, tile in enumerate(job.tiling):
        mine = owner == number
        own = np.unique(source[mine])
        job.workspace.save(
            Seams(own, stitched.bbox[own - 1], part_tile[mine], component[mine], source[mine]), tile
        )
