"""A small regular mesh, expanded to a full image by splines."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["add_without", "expand", "subtract_in_runs"]


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


@operation
def add_without(
    data: Any,
    total: Any,
    mask: Any,
    index: tuple[Any, Any],
    weight: tuple[Any, Any],
    level: tuple[Any, float, float],
    noise: tuple[Any, float, float] | None,
    squared: bool,
    n_threads: int | None,
    lost: Any = None,
) -> Any:
    """Add an image without its background, in units of its noise, to a sum; in one pass.

    Each step is rounded to the dtype of the images, as if it were done to whole images one after
    the other: `expand` level and noise, subtract, divide, square, add.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    total : array of the dtype and shape of ``data``, C-contiguous, or None
        The sum; it is written to. `None` before the first term.
    mask : array of bool, shape (ny, nx), or None
        Where it is True, 0 is added.
    index, weight
        As for `expand`, of level and noise.
    level, noise : tuple of array of float64, shape (my, mx), and two floats
        Coefficients and limits of `expand`. Without ``noise`` there is no division.
    squared : bool
        Whether terms are squared.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.
    lost : array of uint8, shape (ny, nx), C-contiguous, optional
        Is increased by 1 where the image is masked or not finite; 0 is added there, too.

    Returns
    -------
    array
        The sum: ``total``, or a new array.
    """


@operation
def subtract_in_runs(
    data: Any,
    mask: Any,
    runs: Any,
    index: tuple[Any, Any],
    weight: tuple[Any, Any],
    level: tuple[Any, float, float],
    noise: tuple[Any, float, float],
    out: tuple[Any, Any],
    n_threads: int | None,
    marked: Any = None,
) -> Any:
    """Write an image without its background, and its noise, where they are needed.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    mask : array of bool, shape (ny, nx), or None
        True for pixels that need not be finite; they are written, too.
    runs : array of int64, shape (n, 2)
        The pixels that are needed, from a flat index to before another in the same row; in
        ascending order, and no pixel twice.
    index, weight, level, noise
        As for `add_without`.
    out : pair of arrays of the dtype and shape of ``data``, C-contiguous
        Are written to: ``data`` less `expand` of the level, and `expand` of the noise, each
        rounded to the dtype. What other pixels hold afterwards is not said.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.
    marked : array of bool, shape (ny, nx), C-contiguous, optional
        Is written to: which pixels are masked, or not finite in ``data``. They are all taken for
        masked then.

    Returns
    -------
    bool
        Whether the image without its background is finite in all runs, but where masked.
    """
