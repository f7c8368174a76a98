"""Pixels that are stored in a file row after row, read by windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.kernels.file_rows import read_rows as rows_of_file

__all__ = ["StoredRows", "read_into", "read_rows"]


@dataclass(frozen=True)
class StoredRows:
    """The bytes of a window, as if they lay one behind the other.

    They are read by compiled code: any Python for each row would be run by one thread at a time,
    and each read would wait for the thread that runs other Python.

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
        height, columns = self.window.shape
        if columns == self.width:  # the window is one piece
            columns *= height
        first = self.begins + (self.window.y0 * self.width + self.window.x0) * self.size
        stride, length = self.width * self.size, columns * self.size
        left = memoryview(buffer).cast("B")
        with open(self.path, "rb", buffering=0) as file:
            done = rows_of_file(np.asarray(left), file.fileno(), first, stride, length, at)
            # What could not be read so is read in a way that says why.
            left, at = left[done:], at + done
            while left:
                row, before = divmod(at, length)
                file.seek(first + row * stride + before)
                some = left[: length - before]
                read_into(some, file)
                left, at = left[len(some) :], at + len(some)


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
