"""Images from scattered points, weighted by inverse distance."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["AT_POINT", "expand"]

#: Pixels this near to a point have its value, which infinite weights would not give.
AT_POINT = 1e-12


@operation
def expand(
    values: Any,
    points: Any,
    shape: tuple[int, int],
    n_neighbors: int,
    power: float,
    regularization: float,
    leafsize: int,
    n_threads: int | None,
) -> Any:
    """Interpolate at each pixel of an image between the nearest points (Shepard 1968).

    Parameters
    ----------
    values : array of float32 or float64, shape (n,)
        The values at the points; at least one.
    points : NumPy array of float64, shape (n, 2)
        ``y, x`` in pixels.
    shape : tuple of int
        That of the image.
    n_neighbors : int
        How many points to take, at least 1; all where there are fewer. Which of several at the same
        distance comes first is the twin's choice: the GPU's the first one, the CPU's cKDTree's.
    power, regularization : float
        A point at distance d has the weight ``1 / (d**power + regularization)``. A single neighbour
        and a point within `AT_POINT` give their own values.
    leafsize : int
        Points in a leaf of the CPU twin's tree.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    array of float64, shape ``shape``
        NaN where all weights are 0.
    """
