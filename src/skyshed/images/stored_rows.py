"""Pixels that are stored in a file as they are, row after row, read by windows."""

from typing import Any

import numpy as np

from skyshed.images.window import Window

__all__ = ["read_rows"]


def read_rows(
    path: str, begins: int, shape: tuple[int, int], stored: np.dtype, window: Window
) -> Any:
    """Return a window of pixels in native byte order.

    Libraries do the same with some ten Python calls for each row, which only one thread can run at
    a time: a third of the time of a tile.

    Parameters
    ----------
    path : str
        The file.
    begins : int
        The byte at which the first pixel is.
    shape : tuple of int
        Of the whole image.
    stored : dtype
        Of the pixels, in the byte order of the file.
    window : Window
        What to read.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it ends too early.
    """
    pixels = np.empty(window.shape, stored)
    lines = pixels if pixels.shape[1] < shape[1] else pixels.reshape(1, -1)
    with open(path, "rb", buffering=0) as file:
        for k, line in enumerate(lines):
            first = (window.y0 + k) * shape[1] + window.x0
            file.seek(begins + first * stored.itemsize)
            left = memoryview(line).cast("B")
            while left:
                got = file.readinto(left)
                if not got:
                    raise ValueError("the file is cut off or has changed")
                left = left[got:]
    if stored.isnative:
        return pixels
    return pixels.byteswap(inplace=True).view(stored.newbyteorder("="))
