"""The pixels of circular annuli."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["gather", "most_pixels"]


def most_pixels(inner: float, outer: float, n_pixels: int) -> int:
    """Return a number that no annulus has more pixels than, of an image of ``n_pixels``.

    Squares of one pixel about the centers of its pixels do not overlap, and lie between circles
    half a diagonal outside of the outer radius and inside of the inner one.
    """
    half_diagonal = 0.5**0.5
    area = 3.1415927 * ((outer + half_diagonal) ** 2 - max(inner - half_diagonal, 0.0) ** 2)
    return int(min(area, n_pixels)) + 1


@operation
def gather(
    data: Any,
    mask: Any,
    centers: Any,
    radii: tuple[float, float],
    width: int,
    n_threads: int | None,
) -> Any:
    """Copy the pixels of annuli to the rows of a table.

    A pixel belongs to an annulus if the distance of its center is not below the inner radius, and
    below the outer one.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image. Values that are not finite are left out.
    mask : array of bool, shape (ny, nx), C-contiguous, or None
        True for pixels to leave out.
    centers : array of float64, shape (n, 2), C-contiguous
        ``x, y`` of the annuli, finite, in pixels of ``data``; anywhere.
    radii : tuple of float
        The inner and the outer radius in pixels.
    width : int
        Columns of the table; at least `most_pixels`.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    array of the dtype of data, shape (n, width)
        The values in the order of the image, then NaN. Exact.
    """
