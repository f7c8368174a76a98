"""Centroids beyond the centre of mass, and the errors of all of them.

Covariances are rows ``xx, yy, xy``: the variances of x and y, and their covariance, in pixels
squared. Sums run in float64 in a fixed order, so results do not depend on ``n_threads``.
"""

from typing import Any

from skyshed.kernels import operation

__all__ = [
    "PRECISION",
    "RADIUS",
    "STEPS",
    "STRIDE",
    "covariance",
    "quadratic",
    "windowed",
]

#: SourceExtractor's choices for windowed positions (its manual, "Windowed positional parameters"):
#: the window's radius in units of its sigma, the factor by which a step is longer than the mean
#: offset, the offset in pixels that ends the search, and the most steps.
RADIUS, STRIDE, PRECISION, STEPS = 4.0, 2.0, 1e-4, 16


@operation
def covariance(
    sources: Any, error: Any, image: Any, mask: Any, moments: Any, n_threads: int | None
) -> Any:
    """Propagate the errors of each source's pixels to its centre of mass.

    The variance along each principal axis is at least 1/12, that of a uniform distribution over one
    pixel, times the summed variance of the pixels over the squared flux: errors on a line would
    give none across it.

    Parameters
    ----------
    sources : Sources of n sources
        Whose pixels.
    error : array of float32 or float64, shape (ny, nx), C-contiguous
        1-sigma errors of the pixels.
    image : array of float32 or float64, shape (ny, nx), C-contiguous
        The weights. Pixels count where this is positive and finite.
    mask : array of bool, shape (ny, nx), or None
        True for pixels whose errors to leave out.
    moments : array of float64, shape (n, 4, 4), C-contiguous
        The moments of ``image`` about the corner of the box, as `skyshed.kernels.moments` has them.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    array of float64, shape (n, 3)
        NaN where ``moments[:, 0, 0]`` is not positive and finite.
    """


@operation
def windowed(
    data: Any,
    error: Any,
    labels: Any,
    mask: Any,
    place: tuple[int, int, int, int],
    label: Any,
    windows: Any,
    ellipses: Any,
    covariance: Any,
    method: int,
    n_threads: int | None,
) -> tuple[Any, Any, Any, Any, Any]:
    """Move each position to the mean of the light in a Gaussian window about it, until it stays.

    The window is cut off at `RADIUS` times its sigma. A step is `STRIDE` times the weighted mean
    offset of the pixels; it is the last one where that offset is at most `PRECISION`, or after
    `STEPS` steps. A position falls back to where it began if the window is too large for an
    aperture, leaves the image, or ends more than a pixel away in x and in y and outside the
    ellipse; or if the light in the last window is not positive or has no covariance matrix.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    error : array of float32 or float64, shape (ny, nx), C-contiguous, or None
        1-sigma errors of the pixels; a pixel that takes another's value takes its error too.
    labels : array of int32, shape (ny, nx)
        Which source each pixel belongs to.
    mask, place, method
        As in `skyshed.kernels.apertures`; the box that pixels are mirrored in is the square about
        the position's pixel that holds the window.
    label : array of int32, shape (n,)
        The label of each source.
    windows : array of float64, shape (n, 3), C-contiguous
        ``x, y``, where the search begins, and the window's sigma, positive or NaN, in pixels.
    ellipses : array of float64, shape (n, 3), C-contiguous
        ``cxx, cxy, cyy`` of the ellipse ``cxx dx**2 + cxy dx dy + cyy dy**2 = 1``.
    covariance : array of float64, shape (n, 3), C-contiguous
        That of the position where the search begins.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    centre : array of float64, shape (n, 2)
        ``x, y``; NaN where sigma is.
    covariance : array of float64, shape (n, 3)
        That of ``centre`` from the errors in the last window, with 1/12 added to the variance
        of each pixel's place; NaN where sigma is, and without ``error``.
    light : array of float64, shape (n, 4)
        The means of ``x**2, y**2`` and ``x y`` of the light in the last window about its centre,
        each pixel with its weight, and how much of each variance is that of pixels' places, the
        latter NaN without ``error``; NaN where ``fallback`` is.
    fallback : array of bool, shape (n,)
        Whether ``centre`` is where the search began, or NaN.
    beyond : array of bool, shape (n,)
        Whether the search came to a window that reaches beyond the images, though the whole image
        goes on there: what it found may not be what it finds in the whole image.
    """


@operation
def quadratic(
    sources: Any,
    data: Any,
    error: Any,
    mask: Any,
    peak: Any,
    centre: Any,
    covariance: Any,
    n_threads: int | None,
) -> tuple[Any, Any, Any]:
    """Find the maximum of a quadratic polynomial fitted around each source's brightest pixel.

    The fit is by least squares to the 3 x 3 pixels about the peak, whoever they belong to, without
    those that are masked. Pixels of the bounding box that are masked or not the source's count as 0
    in the search for the peak. Where the peak is at the edge of the bounding box, it is the result.

    Parameters
    ----------
    sources : Sources of n sources
        Whose pixels.
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    error : array of float32 or float64, shape (ny, nx), C-contiguous, or None
        1-sigma errors of the pixels.
    mask : array of bool, shape (ny, nx), or None
        True for pixels to leave out, non-finite ``data`` included.
    peak : array of int64, shape (n,)
        The flat index of the first of the source's brightest unmasked pixels; -1 for none.
    centre : array of float64, shape (n, 2), C-contiguous
        ``x, y`` in pixels from the first corner of the bounding box: what to return where the box
        has fewer than 3 rows or columns, too few pixels are left for the fit, or its maximum lies
        outside the box or is none.
    covariance : array of float64, shape (n, 3), C-contiguous
        That of ``centre``.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    centre : array of float64, shape (n, 2)
        ``x, y`` as in the argument.
    covariance : array of float64, shape (n, 3)
        Propagated to first order from ``error``; NaN without it, and where the peak is the result.
    fallback : array of bool, shape (n,)
        Whether ``centre`` is not the maximum of a fit.
    """
