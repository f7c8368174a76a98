"""A small regular mesh, expanded to a full image by splines."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["expand"]


@operation
def expand(
    coefficients: Any,
    index: tuple[Any, Any],
    weight: tuple[Any, Any],
    limits: tuple[float, float],
    dtype: Any,
    n_threads: int | None,
) -> Any:
    """Evaluate a separable spline at every pixel of an image.

    Pixel ``(y, x)`` is the sum over i, j of ``weight[0][y, i] * weight[1][x, j]`` times
    ``coefficients[index[0][y, i], index[1][x, j]]``, computed in float64: first over j, then over
    i, each in ascending order.

    Parameters
    ----------
    coefficients : array of float64, shape (my, mx), C-contiguous
        Spline coefficients of the mesh.
    index : tuple of two arrays of int64, shapes (ny, k) and (nx, k)
        Which rows, and which columns, of the coefficients contribute to each row and column.
    weight : tuple of two arrays of float64, shapes (ny, k) and (nx, k)
        By how much.
    limits : tuple of float
        Results are clipped to this range; infinities do not clip.
    dtype : dtype
        float32 or float64: what results are rounded to.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    array of ``dtype``, shape (ny, nx)
    """
