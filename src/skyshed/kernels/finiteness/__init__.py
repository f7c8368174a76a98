"""Whether an image holds a value that is not finite."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["all_finite"]


@operation
def all_finite(image: Any, n_threads: int | None, mask: Any = None) -> Any:
    """Say whether all pixels are finite, or masked.

    On a GPU a sum says it, which comes to the host together with others: `skyshed.frame`.

    Parameters
    ----------
    image : NumPy array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    n_threads : int or None
        Threads; no effect on the result.
    mask : array of bool, shape (ny, nx), C-contiguous, optional
        True for pixels that need not be finite.

    Returns
    -------
    bool
        Exact.
    """
