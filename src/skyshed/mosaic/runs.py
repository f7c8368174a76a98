"""The pixels of what a tile found, as runs along rows: from label images, painted into others."""

from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.kernels import painting
from skyshed.mosaic.records import Runs
from skyshed.namespace import array_namespace

__all__ = ["in_whole_image", "paint", "runs_of"]


def runs_of(pixel: Any, pieces: Any) -> tuple[Any, Any, Any]:
    """Return the runs of the pieces of a tile.

    Parameters
    ----------
    pixel : array of int64, shape (N,)
        Flat indices of the pixels, in raster order within each source.
    pieces : array of int32, shape (ny, nx)
        The number of each pixel's piece.

    Returns
    -------
    first, length : arrays of int64, shape (n,)
        The flat index of the first pixel of each run, and its pixels.
    piece : array of int32, shape (n,)
        The number of the piece.
    """
    xp = array_namespace(pixel=pixel)
    piece = pieces.reshape(-1)[pixel]
    begins = xp.ones(pixel.shape[0] + 1, dtype=bool)
    begins[1:-1] = (
        (pixel[1:] != pixel[:-1] + 1)
        | (piece[1:] != piece[:-1])
        | (pixel[1:] % pieces.shape[1] == 0)
    )
    edges = xp.flatnonzero(begins)
    at = edges[:-1]
    return pixel[at], edges[1:] - at, piece[at]


def in_whole_image(parts: list[Any], core: Window) -> Runs:
    """Return what `runs_of` found in a tile, on the host, in the pixels of the whole image."""
    first, length, piece = parts
    y, x = np.divmod(first, core.x1 - core.x0)
    y, x, length = (each.astype(np.int32) for each in (y + core.y0, x + core.x0, length))
    return Runs(y, x, length, piece)


def paint(runs: Runs, label_of: Any, window: Window, labels: Any) -> None:
    """Paint pieces into the image of a window, as far as they lie in it.

    Parameters
    ----------
    runs : Runs
        The pixels of the pieces.
    label_of : array of int32, shape (n + 1,)
        The label of each piece by its number, from 1; 0 paints nothing.
    window : Window
        Where the image lies in the whole one.
    labels : array of int32, shape ``window.shape``
        The image; written to.
    """
    origin = window.y0, window.x0
    painting.fill_runs(labels, origin, runs.y, runs.x, runs.length, label_of[runs.piece])
