"""Images made smaller, block by block, read window by window."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from skyshed.namespace import is_device_array, on_device_of, to_host

__all__ = ["Read", "block_max", "block_mean", "shown_pixels", "shrunk"]

Read = Callable[[int, int, int, int], Any]

#: Pixels that are read at a time, if blocks are not larger; on a device, which is slow to start.
WINDOW, WINDOW_THERE = 1 << 20, 1 << 22
#: Most pixels of a side of an image that is drawn.
SIDE = 2048


def shrunk(
    read: Read,
    shape: tuple[int, int],
    block: int,
    shrink: Callable[..., Any],
    step: int | None = None,
) -> Any:
    """Return an image shrunk by blocks; it is read in windows of whole blocks.

    Windows on a device are shrunk there: only what is drawn comes to the host.

    Parameters
    ----------
    read : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open; on the host or on a device.
    shape : tuple of int
        Of the image.
    block : int
        The side of a block, in pixels.
    shrink : callable
        `block_mean` or `block_max`.
    step : int, optional
        Rows that are best read at a time; `None` if it does not matter.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.shrinking import block_max, shrunk
    >>> image = np.arange(16).reshape(4, 4)
    >>> shrunk(lambda y0, y1, x0, x1: image[y0:y1, x0:x1], (4, 4), 2, block_max).tolist()
    [[5, 7], [13, 15]]
    """
    ny, nx = (length // block for length in shape)
    window = WINDOW_THERE if is_device_array(read(0, block, 0, block)) else WINDOW
    height = max(1, window // (nx * block * block) if step is None else step // block)
    width = max(1, window // (height * block * block))
    rows = []
    for y in range(0, ny, height):
        y0, y1 = y * block, min(y + height, ny) * block
        windows = [
            _shrunk_there(read(y0, y1, x * block, min(x + width, nx) * block), block, shrink)
            for x in range(0, nx, width)
        ]
        rows.append(np.concatenate(windows, axis=1))
    return np.concatenate(rows)


def _shrunk_there(window: Any, block: int, shrink: Callable[..., Any]) -> Any:
    with on_device_of(window):
        return to_host(shrink(window, block))


def shown_pixels(
    read: Read,
    shape: tuple[int, int],
    region: tuple[int, int, int, int] | None,
    shrink: Callable[..., Any],
    step: int | None = None,
) -> tuple[Any, tuple[float, float, float, float]]:
    """Return the pixels of a region that can be drawn, on the host, and their extent.

    Parameters
    ----------
    read, shape, shrink, step
        See `shrunk`.
    region : tuple of 4 int or None
        ``(y0, y1, x0, x1)``, half open; `None` for all.

    Returns
    -------
    pixels : array
        Shrunk by blocks where the region has more than `SIDE` pixels a side.
    extent : tuple of float
        Left, right, bottom and top edge of the pixels, the centre of the first one at (0, 0).

    Raises
    ------
    ValueError
        If the region is not in the image.
    """
    ny, nx = shape
    y0, y1, x0, x1 = (0, ny, 0, nx) if region is None else map(operator.index, region)
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        raise ValueError(
            f"region must be y0, y1, x0, x1 with 0 <= y0 < y1 <= {ny} and 0 <= x0 < x1 <= {nx}, "
            f"got {region!r}"
        )
    block = max(1, min(-(-max(y1 - y0, x1 - x0) // SIDE), y1 - y0, x1 - x0))

    def moved(v0: int, v1: int, u0: int, u1: int) -> Any:
        return read(v0 + y0, v1 + y0, u0 + x0, u1 + x0)

    pixels = shrunk(moved, (y1 - y0, x1 - x0), block, shrink, step)
    height, width = (block * length for length in pixels.shape)
    return pixels, (x0 - 0.5, x0 + width - 0.5, y0 - 0.5, y0 + height - 0.5)


def block_mean(image: Any, block: int) -> Any:
    """Return the mean of each block of ``block**2`` pixels, without those that are not finite.

    Rows and columns at the end that fill no block are left out.

    Returns
    -------
    means : array of float64, shape (ny // block, nx // block)
        NaN where a block has no pixel.
    """
    good = np.isfinite(image)
    total = _joined(np.where(good, image, np.float64(0)), block, np.add)
    n_good = _joined(good.astype(np.int32), block, np.add)
    # CuPy's divisions have no `where`.
    return np.where(n_good > 0, total / np.maximum(n_good, 1), np.float64(np.nan))


def block_max(image: Any, block: int) -> Any:
    """Return the largest of each block of ``block**2`` pixels, so that no source vanishes."""
    return _joined(image, block, np.maximum)


def _joined(image: Any, block: int, join: Callable[[Any, Any], Any]) -> Any:
    """Join the pixels of each block: its rows, then its columns, which is ten times as fast."""
    ny, nx = (length // block * block for length in image.shape)
    rows = reduce(join, (image[i:ny:block, :nx] for i in range(block)))
    return reduce(join, (rows[:, i::block] for i in range(block)))
