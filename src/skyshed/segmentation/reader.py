"""Labels that are read window by window, from wherever they are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["LabelReader"]


@dataclass(frozen=True, eq=False)
class LabelReader:
    """An image of labels that is not in memory.

    Attributes
    ----------
    read_window : callable
        ``read_window(y0, y1, x0, x1)`` returns the labels of a window as a NumPy array.
    shape : tuple of int
        The shape ``(ny, nx)`` of the image.
    dtype : dtype
        The integer dtype of the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.segmentation.reader import LabelReader
    >>> image = np.array([[1, 1, 0], [0, 0, 7]])
    >>> reader = LabelReader(lambda y0, y1, x0, x1: image[y0:y1, x0:x1], (2, 3), image.dtype)
    >>> reader.cut(slice(None), slice(None, None, -1))
    array([[0, 1, 1],
           [7, 0, 0]])
    """

    read_window: Callable[[int, int, int, int], Any]
    shape: tuple[int, int]
    dtype: Any

    @classmethod
    def checked(cls, read_window: Any, shape: Any, dtype: Any) -> "LabelReader":
        """Make a reader from a caller's arguments.

        Raises
        ------
        TypeError
            If ``read_window`` can't be called or ``dtype`` is not an integer dtype.
        ValueError
            If ``shape`` is not two integers of at least 0.
        """
        if not callable(read_window):
            raise TypeError(
                f"read must be a function read(y0, y1, x0, x1), got {type(read_window).__name__}"
            )
        if not np.issubdtype(dtype, np.integer):
            raise TypeError(f"dtype must be an integer dtype, got {np.dtype(dtype)}")
        sides = tuple(np.atleast_1d(shape).tolist())
        if len(sides) != 2 or not all(isinstance(side, int) and side >= 0 for side in sides):
            raise ValueError(f"shape must be two integers (ny, nx) of at least 0, got {shape!r}")
        return cls(read_window, sides, np.dtype(dtype))

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return the labels of a window, which may be empty.

        Raises
        ------
        ValueError
            If ``read_window`` returns an array of another shape.
        """
        shape = (y1 - y0, x1 - x0)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        window = np.asarray(self.read_window(y0, y1, x0, x1))
        if window.shape != shape:
            raise ValueError(
                f"read({y0}, {y1}, {x0}, {x1}) must return an array of shape {shape}, got "
                f"{window.shape}"
            )
        return window.astype(self.dtype, copy=False)

    def cut(self, rows: slice, columns: slice) -> Any:
        """Return the labels that two slices of any step select; only their window is read."""
        y0, y1, rows = _window_of(rows, self.shape[0])
        x0, x1, columns = _window_of(columns, self.shape[1])
        return self.read(y0, y1, x0, x1)[rows, columns]


def _window_of(part: slice, size: int) -> tuple[int, int, slice]:
    """Return the range that a slice of an axis spans, and the slice to take of that range."""
    indices = range(*part.indices(size))
    if not indices:
        return 0, 0, slice(None)
    ends = sorted((indices[0], indices[-1]))
    return ends[0], ends[1] + 1, slice(None, None, indices.step)
