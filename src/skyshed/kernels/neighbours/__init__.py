"""The points of a grid that are nearest to places of the same grid."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["nearest"]


@operation
def nearest(points: Any, places: Any, k: int, leafsize: int, n_threads: int | None) -> Any:
    """Find the nearest points, as `scipy.spatial.cKDTree` does.

    In a grid many points are at the same distance. Which of them are among the nearest, and in what
    order, is that of SciPy's tree, and with it that of photutils.

    Parameters
    ----------
    points : NumPy array of int64, shape (n, 2)
        ``y, x``; no point comes twice.
    places : NumPy array of int64, shape (m, 2)
        Where to look from.
    k : int
        How many points to find for each place, at least 1.
    leafsize : int
        Points in a leaf of the tree, at least 1.
    n_threads : int or None
        Threads; no effect on the result.

    Returns
    -------
    distance : array of float64, shape (m, k)
        From the nearest on; infinite where there are fewer than k points.
    index : array of int64, shape (m, k)
        Of the points; n where there are fewer.
    """
