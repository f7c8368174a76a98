"""Runs of pixels along rows, drawn into images of a window."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["copy_runs", "fill_runs"]


@operation
def fill_runs(image: Any, origin: tuple[int, int], y: Any, x: Any, length: Any, value: Any) -> Any:
    """Give all pixels of a run one value, as far as they lie in a window.

    Parameters
    ----------
    image : NumPy array of int32, shape (ny, nx), C-contiguous
        The window; it is written to.
    origin : tuple of int
        The row and the column that its first pixel has in the image that the runs are of.
    y, x : NumPy arrays of int32, shape (n,)
        The first pixel of each run.
    length : NumPy array of int32, shape (n,)
        Pixels of each.
    value : NumPy array of int32, shape (n,)
        Of all its pixels; 0 leaves them as they are. Of runs that overlap the last counts.

    Returns
    -------
    image : array
        The same.
    """


@operation
def copy_runs(image: Any, origin: tuple[int, int], y: Any, x: Any, length: Any, values: Any) -> Any:
    """Give each pixel of a run its own value, as far as they lie in a window.

    Parameters
    ----------
    image : NumPy array of float32 or float64, shape (ny, nx), C-contiguous
        The window; it is written to.
    origin, y, x, length
        As for `fill_runs`.
    values : NumPy array of the dtype of ``image``, shape (N,)
        The values of the pixels of all runs, one run after the other.

    Returns
    -------
    image : array
        The same.
    """
