"""Sigma-clipped statistics of the boxes of a grid over an image."""

from typing import Any, NamedTuple

from skyshed.kernels import operation

__all__ = ["CODES", "Clip", "Statistic", "statistics"]

#: The statistics a kernel knows, and the numbers they go by in it.
CODES = {
    "mean": 0,
    "median": 1,
    "std": 2,
    "mad_std": 3,
    "biweight_location": 4,
    "biweight_scale": 5,
}


class Statistic(NamedTuple):
    """A statistic of the values of a box: a name of `CODES` and, for the biweights, parameters."""

    name: str
    #: Tuning constant: values beyond ``c`` median absolute deviations have no weight.
    c: float = float("nan")
    #: Where deviations are measured from; None for the median.
    location: Any = None


class Clip(NamedTuple):
    """How the values of a box are clipped.

    Values below ``center - lower * spread`` or above ``center + upper * spread`` are dropped,
    center and spread are measured again, and so on, until none is dropped or for ``maxiters``
    rounds. The last limits then apply to all values of the box, as in astropy.
    """

    lower: float
    upper: float
    #: Rounds, at least 1; -1 is without limit.
    maxiters: int
    #: ``"mean"`` or ``"median"``.
    center: str
    #: ``"std"`` or ``"mad_std"``.
    spread: str


@operation
def statistics(
    data: Any,
    mask: Any,
    box_shape: tuple[int, int],
    clip: Clip | None,
    wanted: tuple[Statistic, ...],
    n_threads: int | None,
) -> tuple[Any, Any, Any, Any]:
    """Clip the values of each box and compute statistics of the rest.

    The grid starts at the first pixel; the last box of a row or column may be cut off by the edge.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image. Values that are not finite are left out. Or equal images, shape (n, ny, nx): each
        has a grid of its own, and results have an axis more, before those of the grid.
    mask : array of bool, of the shape of ``data``, C-contiguous, or None
        True for pixels to leave out.
    box_shape : tuple of int
        Height and width of a box, at least 1, at most the image's.
    clip : Clip or None
        `None` does not clip.
    wanted : tuple of Statistic
        What to compute of the values kept.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    values : array of float64, shape (len(wanted), nby, nbx)
        The statistics, computed in float64 also for float32 images; NaN where a box keeps no value.
    n_good : array of int64, shape (nby, nbx)
        Values kept. Exact but for values within rounding of a limit.
    n_bad : array of int64, shape (nby, nbx)
        Pixels that are not masked and not finite. Exact.
    limits : array of float64, shape (2, nby, nbx)
        The least and the largest value kept, exact; NaN where there is none.
    """
