"""Growing segments into the background: pixels go to the nearest source, within a distance."""

import math
from numbers import Real
from typing import Any

from skyshed.namespace import array_namespace
from skyshed.segmentation.numbering import in_int32

__all__ = ["check_distance", "grown", "grown_window"]

#: The farthest that segments grow, in pixels (`skyshed.kernels.nearest`).
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
        If distance and diagonal of the image are both above `FARTHEST`.
    """
    from skyshed.kernels.nearest import nearest_labels  # a plain run does without

    xp = array_namespace(labels=labels)
    numbers, names = in_int32(labels)
    if distance < 1 or not xp.any(numbers):
        return labels.copy()
    ny, nx = labels.shape
    # No two pixels are farther apart than those in opposite corners.
    within = _squared(min(distance, math.hypot(ny - 1, nx - 1)))
    reach = math.isqrt(within)
    reach += reach**2 < within
    if reach > FARTHEST:
        raise ValueError(
            f"distance must be at most {FARTHEST} pixels, as the diagonal of the image of {ny} x "
            f"{nx} is longer, got {distance!r}"
        )
    nearest, squared = nearest_labels(numbers, reach, ny, None)
    grows = (numbers == 0) & (squared <= within)
    result = xp.where(grows, nearest if names is None else names[nearest - 1], labels)
    return result.astype(labels.dtype, copy=False)


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
