"""Growing segments into the background: pixels go to the nearest source, within a distance."""

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from skyshed.namespace import array_namespace, like, ndimage_of

__all__ = ["check_distance", "grown", "grown_window"]

#: How many squared distances have their steps listed at a time.
SQUARES = 1 << 18
#: Pixels that are worked on at a time: some 100 MB.
PIXELS = 1 << 20


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
    """
    xp = array_namespace(labels=labels)
    result = labels.copy()
    background = labels == 0
    if distance < 1 or not xp.any(background) or xp.all(background):
        return result
    nearest = ndimage_of(labels).distance_transform_edt(background).reshape(-1)
    pixel = xp.flatnonzero(background.reshape(-1) & (nearest <= distance))
    # The distance is the root of an integer, rounded: its square is nearer to it than to others.
    squared = xp.rint(nearest[pixel] ** 2).astype(np.int64)
    del nearest, background
    reach = math.isqrt(int(squared.max())) if pixel.shape[0] else 0
    framed, width = _framed(labels, reach, xp)
    flat = result.reshape(-1)
    for begin in range(0, pixel.shape[0], PIXELS):
        part = slice(begin, begin + PIXELS)
        y, x = pixel[part] // labels.shape[1], pixel[part] % labels.shape[1]
        place = (y + reach) * width + (x + reach)
        flat[pixel[part]] = _lowest(framed, width, place, squared[part], xp)
    return result


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


def _framed(labels: Any, reach: int, xp: Any) -> tuple[Any, int]:
    """Return labels, flat, with the largest number for none, and a frame of that; and its width.

    No step of at most ``reach`` pixels from one of the labels leads out of it.
    """
    ny, nx = labels.shape
    framed = xp.full(
        (ny + 2 * reach, nx + 2 * reach), np.iinfo(labels.dtype).max, dtype=labels.dtype
    )
    inside = framed[reach : reach + ny, reach : reach + nx]
    inside[...] = xp.where(labels > 0, labels, inside)
    return framed.reshape(-1), nx + 2 * reach


def _lowest(framed: Any, width: int, place: Any, squared: Any, xp: Any) -> Any:
    """Return the lowest label at a squared distance of each place: there is one."""
    lowest = xp.full(place.shape, np.iinfo(framed.dtype).max, dtype=framed.dtype)
    for low, first, count, steps in _steps(int(squared.max())):
        step = like(steps[0] * width + steps[1], framed)
        here = xp.flatnonzero((squared >= low) & (squared < low + len(count)))
        index = squared[here] - low
        first, count = like(first, framed)[index], like(count, framed)[index]
        begin, best = place[here], lowest[here]
        while here.shape[0]:
            best = xp.minimum(best, framed[begin + step[first]])
            count, first = count - 1, first + 1
            done = count == 0
            if not xp.any(done):
                continue
            lowest[here[done]] = best[done]
            left = ~done
            here, begin, best = here[left], begin[left], best[left]
            first, count = first[left], count[left]
    return lowest


def _steps(largest: int) -> Iterator[tuple[int, Any, Any, tuple[Any, Any]]]:
    """List the steps between pixels, by their squared lengths, from 1 up to the largest.

    Yields
    ------
    low : int
        The least squared length of a block.
    first, count : array of int64
        Of each squared length from there on, the first of its steps, and how many it has.
    steps : tuple of two arrays of int64
        Along y and along x.
    """
    for low in range(1, largest + 1, SQUARES):
        high = min(low + SQUARES, largest + 1)
        reach = math.isqrt(high - 1)
        dx = np.arange(-reach, reach + 1)
        # Along y from the shell's inner side to its outer one; roots are corrected by comparing.
        inner = np.sqrt(np.maximum(low - dx**2, 0)).astype(np.int64)
        outer = np.sqrt(high - 1 - dx**2).astype(np.int64) + 1
        n = outer - inner + 1
        of_x = np.repeat(np.arange(len(dx)), n)
        dy = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + inner[of_x]
        length = dy**2 + dx[of_x] ** 2
        kept = (length >= low) & (length < high)
        dy, of_x, length = dy[kept], of_x[kept], length[kept]
        both = dy > 0  # up and down
        dy = np.concatenate([dy, -dy[both]])
        of_x, length = (np.concatenate([each, each[both]]) for each in (of_x, length))
        order = np.argsort(length, kind="stable")
        count = np.bincount(length - low, minlength=high - low)
        yield low, np.cumsum(count) - count, count, (dy[order], dx[of_x[order]])
