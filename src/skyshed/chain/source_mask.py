"""Where the sources are that the background must not be measured on: segments, grown."""

import math
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.namespace import array_namespace

__all__ = ["grown", "grown_in", "reach_of"]


def reach_of(distance: float) -> int:
    """Return how many pixels beyond a window its grown mask depends on."""
    return int(distance)


def grown(mask: Any, distance: float) -> Any:
    """Return a mask with all pixels that lie within a distance of one that is masked.

    Parameters
    ----------
    mask : array of bool, shape (ny, nx)
        What is grown.
    distance : float
        Euclidean, between the centers of pixels, in pixels.

    Returns
    -------
    grown : array of bool, shape (ny, nx)
        Exact: pixels at the distance itself are masked. Beyond ``distance`` pixels it does not
        depend on where the image ends.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.chain.source_mask import grown
    >>> one = np.zeros((5, 5), dtype=bool)
    >>> one[2, 2] = True
    >>> print(grown(one, 2).astype(int))
    [[0 0 1 0 0]
     [0 1 1 1 0]
     [1 1 1 1 1]
     [0 1 1 1 0]
     [0 0 1 0 0]]
    """
    xp = array_namespace(mask=mask)
    ny, nx = mask.shape
    reach = reach_of(distance)
    # The disk row by row: a row of the mask is run over with a window as wide as the disk is there,
    # which a sum from the left tells at once; beyond the edges nothing is masked.
    before = xp.zeros((ny, nx + 1 + 2 * reach), dtype=np.int32)
    before[:, reach + 1 : reach + 1 + nx] = np.cumsum(mask, axis=1, dtype=np.int32)
    before[:, reach + 1 + nx :] = before[:, reach + nx : reach + nx + 1]
    result = mask.copy()
    for down in range(min(reach, ny - 1) + 1):
        half = _half_width(distance, down)
        right = before[:, reach + half + 1 : reach + half + 1 + nx]
        near = right != before[:, reach - half : reach - half + nx]
        result[down:] |= near[: ny - down]
        result[: ny - down] |= near[down:]
    return result


def _half_width(distance: float, down: int) -> int:
    """Return how far a disk reaches to either side in a row that lies ``down`` from its center."""
    half = int(math.sqrt(distance * distance - down * down)) + 1
    while math.sqrt(half * half + down * down) > distance:
        half -= 1
    return half


def grown_in(mask: Any, distance: float, around: Window, window: Window) -> Any:
    """Return the part in a ``window`` of a mask that is known ``around`` it, grown."""
    xp = array_namespace(mask=mask)
    return xp.ascontiguousarray(grown(mask, distance)[window.within(around)])
