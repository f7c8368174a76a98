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
        self.most = self.left = most
        self._known: list[tuple[tuple[Any, ...], Any]] = []

    def __reduce__(self) -> Any:
        # Computing weights anew takes less time than to send them.
        return WeightsInCommon, (self.most,)

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

    What is opposite lies in the ellipse's box. At an edge of the image it may be far from what the
    ellipse touches in rows nearby, whose counterparts are beyond the edge.

    Returns
    -------
    rows : array of int64, shape (n_rows, 3)
        ``y, x0, x1``: of each row the columns from one to before another, in indices of the images.
    """
    height = np.diff(kept.row_start)
    of = np.repeat(np.arange(len(height)), height)
    y0, y1, left, right, my, mx = kept.boxes[of].T
    y = np.arange(len(of)) - kept.row_start[of] + y0
    x0, x1 = (left + kept.rows[:, k] for k in (0, 1))
    here = (my - y >= y0) & (my - y < y1)
    there = kept.row_start[of] + np.where(here, my - y, y) - y0
    opposite = here & (x0 < x1)[there]
    # Opposite to the pixels of another row; elsewhere nothing, from the right end to the left.
    first = np.where(opposite, np.maximum(mx - x1[there] + 1, left), right)
    end = np.where(opposite, np.minimum(mx - x0[there] + 1, right), left)
    touched = x0 < x1
    first = np.minimum(first, np.where(touched, x0, right))
    end = np.maximum(end, np.where(touched, x1, left))
    return np.stack([y, first, end], axis=1)
