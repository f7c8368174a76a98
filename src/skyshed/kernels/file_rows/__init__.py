"""The bytes of a window of rows that lie in a file."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["read_rows"]


@operation
def read_rows(buffer: Any, file: int, first: int, stride: int, length: int, at: int) -> int:
    """Fill a buffer with the bytes of rows of a file, as if these lay one behind the other.

    Parameters
    ----------
    buffer : NumPy array of uint8, shape (n,), C-contiguous
        It is written.
    file : int
        The descriptor of a file that is open for reading. Its position stays as it is.
    first : int
        The byte of the file at which the first row begins.
    stride : int
        Bytes from the beginning of a row to that of the next.
    length : int
        Bytes of a row that are wanted, at least 1.
    at : int
        The byte of these to begin with.

    Returns
    -------
    n_read : int
        How many bytes were read, from the first on: fewer than n where the file ends or cannot be
        read, 0 on systems without POSIX's ``pread``.
    """
