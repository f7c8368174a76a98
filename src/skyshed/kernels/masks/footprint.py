"""Footprints as both twins take them."""

import numpy as np

__all__ = ["parts_of"]


def parts_of(footprint: np.ndarray, center: tuple[int, int]) -> np.ndarray:
    """Return the runs of the footprint's rows about its centre.

    Parameters
    ----------
    footprint : array of bool, shape (my, mx)
        Pixels.
    center : tuple of int
        Which of them is the centre.

    Returns
    -------
    parts : array of int64, shape (3, n)
        Rows, first pixels, last pixels.
    """
    padded = np.pad(footprint, ((0, 0), (1, 1))).astype(np.int8)
    edge = np.diff(padded, axis=1)
    row, first = np.nonzero(edge == 1)
    last = np.nonzero(edge == -1)[1] - 1
    return np.stack([row - center[0], first - center[1], last - center[1]]).astype(np.int64)
