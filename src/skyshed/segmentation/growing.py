"""Growing segments into the background: pixels go to the nearest source, within a distance."""

import math
from numbers import Real
from typing import Any

import numpy as np

from skyshed.namespace import array_namespace

__all__ = ["check_distance", "grown", "grown_window"]

#: The farthest that segments grow, in pixels: squared distances are numbers of 32 bits.
FARTHEST = 46_000


def check_distance(distance: Any) -> float:
    """Return a distance in pixels.

    Raises
    ------
    ValueError
        If it is no number, negative or not finite.
    """
    is_number = isinstance(distance, Real) and not isinstance(distance, bool)
    if not is_number or not 0 <= float(distance) < math.inf:
        raise ValueError(f"distance must be a number of pixels, 0 or larger, got {distance!r}")
    return float(distance)


def grown(labels: Any, distance: float) -> Any:
    """Return labels with the pixels of the background that are near a segment.

    Parameters
    ----------
    labels : array of int, shape (ny, nx)
        They are not modified.
    distance : float
        The largest distance of the centres of two pixels.

    Returns
    -------
    labels : array of int, shape (ny, nx)
        A pixel of the background has the label of the nearest pixel that has one; of several that
        are equally near, the lowest label. Exact: distances are compared as integers, squared.

    Raises
    ------
    ValueError
        If it is an image in which segments could grow farther than `FARTHEST`.
    """
    from skyshed.kernels.nearest import nearest_labels  # a plain run does without

    if distance < 1 or not labels.size:
        return labels.copy()
    ny, nx = labels.shape
    # What is beyond the image's corners is as far as any distance.
    within = _squared(min(distance, math.hypot(ny, nx)))
    reach = math.isqrt(within - 1) + 1
    if reach > FARTHEST:
        raise ValueError(
            f"distance must be at most {FARTHEST} pixels in an image of {ny} x {nx}, "
            f"got {distance!r}"
        )
    xp = array_namespace(labels=labels)
    numbers, names = labels, None
    if labels.dtype != np.int32 and int(labels.max()) <= np.iinfo(np.int32).max:
        numbers = labels.astype(np.int32)
    elif labels.dtype != np.int32:
        names = xp.unique(labels)
        if names[0] != 0:
            return labels.copy()
        numbers = xp.searchsorted(names, labels).astype(np.int32)
    nearest, squared = nearest_labels(xp.ascontiguousarray(numbers), reach, ny, None)
    grows = (numbers == 0) & (squared <= within)
    names_of = nearest.astype(labels.dtype, copy=False) if names is None else names[nearest]
    return xp.where(grows, names_of, labels)


def _squared(distance: float) -> int:
    """Return the largest number whose root is at most a distance, both as they are rounded."""
    squared = math.ceil(distance**2) + 1
    while math.sqrt(squared) > distance:
        squared -= 1
    return squared


def grown_window(reader: Any, distance: float, window: tuple[int, int, int, int]) -> Any:
    """Return a window of what `grown` makes of labels that are read by windows.

    Parameters
    ----------
    reader : LabelReader
        The labels.
    distance : float
        As of `grown`.
    window : tuple of int
        Rows and columns, half open: ``y0, y1, x0, x1``.
    """
    (ny, nx), (y0, y1, x0, x1), halo = reader.shape, window, math.floor(distance)
    top, left = max(y0 - halo, 0), max(x0 - halo, 0)
    labels = reader.read(top, min(y1 + halo, ny), left, min(x1 + halo, nx))
    return grown(labels, distance)[y0 - top : y1 - top, x0 - left : x1 - left]
