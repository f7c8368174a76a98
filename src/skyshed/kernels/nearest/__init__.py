"""Which labelled pixel is nearest to each pixel of an image."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["nearest_labels"]


@operation
def nearest_labels(labels: Any, reach: int, n_rows: int, n_threads: int | None) -> tuple[Any, Any]:
    """Find the label that is nearest to each pixel, and how far it is.

    Parameters
    ----------
    labels : array of int32, shape (ny, nx), C-contiguous
        Labels, 0 or larger; 0 is none.
    reach : int
        The largest distance that is looked over, in pixels, from 0 to 46,000.
    n_rows : int
        How many rows make an image, of several one below the other; pixels of different images
        are nothing to each other.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    nearest : array of int32, shape (ny, nx)
        The label of the nearest labelled pixel, between the centres of pixels; of equally near
        ones the least. 0 where there is none within ``reach``. Exact.
    squared : array of int32, shape (ny, nx)
        The square of its distance; ``reach**2 + 1`` where there is none. Exact.
    """
