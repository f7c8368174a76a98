"""Sums, extremes and outlines over the pixels of each source."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["asymmetry", "gini", "perimeter", "summarize", "total"]


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
def asymmetry(
    sources: Any,
    image: Any,
    error: Any,
    mask: Any,
    squared: Any,
    farthest: Any,
    level: Any,
    centres: Any,
    owner: Any,
    n_rows: int,
    n_threads: int | None,
) -> Any:
    """Compare the pixels of each source with those opposite to them.

    The asymmetry is ``(sum |I - I180| - noise) / sum |I|`` over the source's pixels, about the
    centre where ``sum |I - I180| / sum |I|`` is least; ``noise`` is the sum of the means of ``|I -
    I180|`` in independent Gaussian noise alone. Pixel and opposite are interpolated linearly, at
    the same place within pixels; pairs are left out of which some are masked or another source's.
    The centre is looked for by moves of 1/2 to 1/16 pixel, at most 8 pixels along each axis.

    Parameters
    ----------
    sources : Sources of n sources
        Whose pixels.
    image : array of float32 or float64, shape (ny, nx), C-contiguous
        Finite where not masked.
    error : array of the dtype and shape of ``image``, or None
        1-sigma errors; without them there is no noise.
    mask : array of bool, shape (ny, nx), or None
        True for pixels to leave out.
    squared : array of int32, shape (ny, nx)
        Pixels with more than ``farthest`` are left out.
    farthest : array of int64, shape (n,)
        The largest value of ``squared`` for each source.
    level : array of float64, shape (n,)
        What is subtracted from the image.
    centres : array of int64, shape (n, 2)
        The row and the column where the search begins, in 1/16 of a pixel.
    owner : array of int32, shape (ny, nx)
        Whose each pixel is: the position of the source, from 1; 0 for nobody's, less for another's.
    n_rows : int
        How many rows make an image, of several one below the other.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    array of float64, shape (n,)
        NaN where there is no light.
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
