"""Pixels that are stored in a file row after row, read by windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.window import Window

__all__ = ["StoredRows", "read_into", "read_rows"]


@dataclass(frozen=True)
class StoredRows:
    """The bytes of a window, as if they lay one behind the other.

    Libraries do the same with some ten Python calls for each row, which only one thread can run at
    a time: a third of the time of a tile.

    Attributes
    ----------
    path : str
        The file.
    begins : int
        The byte at which the first pixel of the image is.
    width : int
        The pixels of a row of the image.
    size : int
        The bytes of a pixel.
    window : Window
        What to read.
    """

    path: str
    begins: int
    width: int
    size: int
    window: Window

    def fill(self, buffer: Any, at: int) -> None:
        """Fill a writable buffer with the bytes of the window from one on.

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If it ends too early.
        """
        rows, columns = self.window.shape
        if columns == self.width:  # the window is one piece
            rows, columns = 1, rows * columns
        left = memoryview(buffer).cast("B")
        with open(self.path, "rb", buffering=0) as file:
            while left:
                row, before = divmod(at, columns * self.size)
                first = (self.window.y0 + row) * self.width + self.window.x0
                file.seek(self.begins + first * self.size + before)
                length = min(columns * self.size - before, len(left))
                read_into(left[:length], file)
                left, at = left[length:], at + length


def read_into(left: Any, file: Any) -> None:
    """Fill a writable buffer of bytes with those of a file from where it stands.

    Raises
    ------
    ValueError
        If it ends too early.
    """
    while left:
        got = file.readinto(left)
        if not got:
            raise ValueError("the file is cut off or has changed")
        left = left[got:]


def read_rows(
    path: str, begins: int, shape: tuple[int, int], stored: np.dtype, window: Window
) -> Any:
    """Return a window of pixels in native byte order.

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
    rows = StoredRows(path, begins, shape[1], stored.itemsize, window)
    rows.fill(pixels.reshape(-1).view(np.uint8), 0)
    if stored.isnative:
        return pixels
    return pixels.byteswap(inplace=True).view(stored.newbyteorder("="))
