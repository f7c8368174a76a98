"""The background at some pixels of an image, from the mesh: what its map has there."""

from typing import Any

import numpy as np

from skyshed.background.interpolation import BkgZoomInterpolator, axis_weights
from skyshed.kernels.threads import run_ranges

__all__ = ["expanded_at"]

#: Pixels that are worked on at a time: 2 MB for each term of the splines along an axis.
BLOCK = 1 << 16


def expanded_at(
    interpolator: BkgZoomInterpolator,
    mesh: Any,
    coefficients: Any,
    box_size: tuple[int, int],
    places: tuple[Any, Any],
    n_threads: int | None = None,
) -> Any:
    """Return the values that an expanded mesh has at some pixels, without expanding it.

    Parameters
    ----------
    interpolator : BkgZoomInterpolator
        Of a mode that the kernels know.
    mesh : array of float32 or float64, shape (nby, nbx)
        A NumPy array.
    coefficients : array of float64, shape (nby, nbx)
        What ``interpolator.coefficients`` returns for it.
    box_size : tuple of int
        Height and width of a box.
    places : tuple of two arrays of int64, shape (n,)
        Rows and columns of the pixels.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.

    Returns
    -------
    values : array of the dtype of the mesh, shape (n,)
        Bit by bit those of the map: sums in the order of `skyshed.kernels.zoom`.
    """
    y, x = places
    values, flat = np.empty(y.size, mesh.dtype), np.ravel(coefficients)
    low, high = float(mesh.min()), float(mesh.max())

    def expand(start: int, stop: int) -> None:
        rows = _terms(interpolator, mesh.shape[0], box_size[0], y[start:stop])
        columns = _terms(interpolator, mesh.shape[1], box_size[1], x[start:stop])
        total = np.zeros(stop - start)
        for row, share in rows:
            line, row = np.zeros(total.size), row * mesh.shape[1]
            for column, weight in columns:
                term = flat.take(row + column)
                term *= weight
                line += term
            line *= share
            total += line
        values[start:stop] = np.clip(total, low, high) if interpolator.clip else total

    run_ranges(expand, y.size, n_threads, BLOCK)
    return values


def _terms(
    interpolator: BkgZoomInterpolator, n: int, size: int, pixels: Any
) -> list[tuple[Any, Any]]:
    """Return, term by term, which coefficients of an axis pixels consist of, and their weights."""
    first = int(pixels.min())
    axis = (n, int(size), first, int(pixels.max()) + 1, interpolator.order, interpolator.mode)
    # Not by the cache, which keeps the weights of maps.
    index, weight = axis_weights.__wrapped__(*axis)
    at = pixels - first
    return [(i.take(at), w.take(at)) for i, w in zip(index.T.copy(), weight.T.copy(), strict=True)]
