"""Sums, extremes and outlines over the pixels of each source."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["gini", "perimeter", "summarize", "total"]


@operation
def summarize(
    sources: Any, image: Any, mask: Any, n_threads: int | None
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Count, add up and find the extremes of the unmasked pixels of each source.

    Parameters
    ----------
    sources : Sources of n sources
        Whose pixels.
    image : array of float32 or float64, shape (ny, nx), C-contiguous
        Finite where not masked.
    mask : array of bool, shape (ny, nx), or None
        True for pixels to leave out.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    count : array of int64, shape (n,)
        How many pixels are unmasked. Exact.
    total : array of float64, shape (n,)
        Their sum, row by row in float64; NaN where there are none.
    low, high : array of float64, shape (n,)
        The extremes; NaN where there are no pixels. Exact.
    low_at, high_at : array of int64, shape (n,)
        The flat index of the first pixel with that value; -1 where there is none. Exact.
    """


@operation
def total(
    sources: Any, image: Any, mask: Any, squared: bool, n_threads: int | None
) -> tuple[Any, Any]:
    """Add up the unmasked pixels of each source, or their squares.

    Parameters
    ----------
    sources, image, mask
        As for `summarize`, but values that are not finite take part in the sum.
    squared : bool
        Whether to add up squares.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    total : array of float64, shape (n,)
        The sums, row by row in float64; NaN where there are no pixels.
    finite : array of bool, shape (n,)
        Whether all pixels are finite, masked ones included. Exact.
    """


@operation
def gini(sources: Any, image: Any, mask: Any, n_threads: int | None) -> Any:
    """Compute the Gini coefficient of the absolute values of each source.

    Parameters
    ----------
    sources, image, mask, n_threads
        As for `summarize`.

    Returns
    -------
    array of float64, shape (n,)
        Lotz et al. 2004 (AJ 128, 163), equation 6; 0 for a single pixel or a mean of 0, NaN where
        there are no pixels.
    """


@operation
def perimeter(sources: Any, mask: Any, n_threads: int | None) -> Any:
    """Estimate the length of each source's outline.

    Parameters
    ----------
    sources, mask, n_threads
        As for `summarize`; masked pixels are holes.

    Returns
    -------
    array of float64, shape (n,)
        The length of lines that connect the centres of the 4-connected border pixels (Benkrid,
        Crookes and Benkrid 2000, Irish Machine Vision and Image Processing Conference, 51-57); NaN
        where there are no pixels.
    """
