"""Weights of apertures that several frames of the same pixels and labels have in common."""

from typing import Any

import numpy as np

from skyshed.kernels import apertures

__all__ = ["WeightsInCommon", "rows_read"]


class WeightsInCommon:
    """What `skyshed.kernels.apertures.keep_weights` returned, computed for the first frame.

    Parameters
    ----------
    most : int
        How many bytes may be kept; weights beyond that are computed for each frame.
    """

    def __init__(self, most: int) -> None:
        self.left = most
        self._known: list[tuple[tuple[Any, ...], Any]] = []

    def of(
        self, labels: Any, place: tuple[int, int, int, int], label: Any, ellipses: Any,
        n_threads: int | None,
    ) -> apertures.KeptWeights | None:  # fmt: skip
        """Return the weights of ellipses; `None` where they are not kept.

        Parameters
        ----------
        labels, place, label, ellipses, n_threads
            See `skyshed.kernels.apertures.keep_weights`; ``labels`` are the same each time.
        """
        key = np.array(place), label, ellipses
        for known, kept in self._known:
            if all(map(_same, known, key)):
                return kept
        kept = apertures.keep_weights(labels, place, label, ellipses, self.left, n_threads)
        if kept is not None:
            self.left -= sum(each.nbytes for each in kept)
        self._known.append((key, kept))
        return kept


def _same(one: Any, other: Any) -> bool:
    return one is other or np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def rows_read(kept: apertures.KeptWeights) -> Any:
    """Return which pixels sums over ellipses read: those touched, and those opposite to them.

    A pixel is opposite to another by the pixel that the centre is in, so that it may lie one beside
    those that the ellipse touches, but not outside the ellipse's box.

    Returns
    -------
    rows : array of int64, shape (n_rows, 3)
        ``y, x0, x1``: of each row the columns from one to before another, in indices of the images.
    """
    height = np.diff(kept.row_start)
    of = np.repeat(np.arange(len(height)), height)
    y0, _, left, right = kept.boxes[of].T
    y = np.arange(len(of)) - kept.row_start[of] + y0
    first, end = (kept.rows[:, k].astype(np.int64) for k in (0, 1))
    first[first >= end] = np.iinfo(np.int32).max
    x0, x1 = first.copy(), end.copy()
    same = of[1:] == of[:-1]
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])):
        x0[here] = np.where(same, np.minimum(x0[here], first[there]), x0[here])
        x1[here] = np.where(same, np.maximum(x1[here], end[there]), x1[here])
    return np.stack([y, np.maximum(left + x0 - 1, left), np.minimum(left + x1 + 1, right)], axis=1)
