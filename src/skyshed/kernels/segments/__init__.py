"""Sources of a label image, and reductions over the pixels of each."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["collect", "take"]


@operation
def collect(image: Any, n_threads: int | None) -> tuple[Any, Any, Any, Any]:
    """Collect the pixels of every label by a counting sort.

    Parameters
    ----------
    image : array of int32, shape (ny, nx), C-contiguous
        Labels; 0 is the background. Negative values are labels like others.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    labels : array of int32, shape (n,)
        The labels that occur, ascending.
    start : array of int64, shape (n + 1,)
        Offsets into ``pixel``.
    pixel : array of int64, shape (N,)
        Flat indices of each label's pixels, in raster order.
    bbox : array of int64, shape (n, 4)
        ``y0, y1, x0, x1``, half open.
    """


@operation
def take(pixel: Any, start: Any, index: Any) -> tuple[Any, Any]:
    """Return the compressed rows ``index`` of ``(start, pixel)``, in that order.

    Parameters
    ----------
    pixel : array, shape (N,)
        Values of all rows.
    start : array of int64, shape (n + 1,)
        Offsets of the rows.
    index : array of int64, shape (m,)
        The rows to take; any order, repeats allowed.

    Returns
    -------
    start : array of int64, shape (m + 1,)
    pixel : array, shape (M,)
    """
