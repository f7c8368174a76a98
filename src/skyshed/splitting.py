"""The search for the peaks of sources, and the labels that these get.

`skyshed.deblend_sources` and mosaics share it: the one searches all sources of an image at once,
the others those of a tile, and those across tiles by themselves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.kernels import deblending, segments
from skyshed.names import both_names
from skyshed.namespace import in_one_transfer, like
from skyshed.sources import Sources

__all__ = ["MAX_MARKERS", "Search", "Split", "children_of", "number_labels", "thresholds"]

#: Sources with more markers are deblended with linear thresholds, which start higher.
MAX_MARKERS = 200

#: How strongly 'sinh' thresholds crowd at the faint end.
SINH_SCALE = 0.25


@dataclass
class Split:
    """What became of every source of the image. What is known per source is on the host.

    Attributes
    ----------
    child : array of int32, shape (M,)
        Child numbers of the pixels of some sources.
    child_start : array of int64, shape (n,)
        Where a source's are; -1 if it stays whole.
    n_children : array of int64, shape (n,)
        0, or at least 2.
    non_positive, crowded, torn : array of bool, shape (n,)
        Whether the minimum made the mode 'sinh', the markers made it 'linear', and whether pixels
        can't be reached from any marker.
    """

    child: Any
    child_start: Any
    n_children: Any
    non_positive: Any
    crowded: Any
    torn: Any

    @property
    def flags(self) -> Any:
        """What to know about each source and its children, int64, shape (n,)."""
        flag = SEGMENTATION_FLAGS
        return (
            flag.DEBLEND_NON_POSITIVE_MIN * self.non_positive
            + flag.DEBLEND_TOO_MANY_MARKERS * self.crowded
        )


@dataclass(frozen=True)
class Search:
    """How to look for the peaks of sources."""

    data: Any
    sources: Sources
    npixels: int
    nlevels: int
    contrast: float
    mode: str
    connectivity: int
    contrast_method: str | None
    n_threads: int | None

    def split(self, at: Any, dtype: Any) -> Split:
        """Split the sources at the positions ``at``; thresholds are computed in ``dtype``."""
        n = len(self.sources)
        values, smallest, largest, peaks = deblending.survey(
            self.data, self.sources, self.connectivity, self.n_threads
        )
        smallest, largest, peaks = in_one_transfer(smallest, largest, peaks)
        at = at[smallest[at] < largest[at]]
        non_positive = np.zeros(n, bool)
        if self.mode == "exponential":
            non_positive[at] = smallest[at] <= 0
        smallest, largest = smallest.astype(dtype), largest.astype(dtype)
        found = Split(
            like(np.empty(0, np.int32), values), np.full(n, -1), np.zeros(n, np.int64),
            non_positive, np.zeros(n, bool), np.zeros(n, bool),
        )  # fmt: skip
        at = at[peaks[at] > 1]
        if self.mode == "linear" or self.contrast_method == "saddle":
            self._search(found, values, smallest, largest, at, self.mode, -1)
        else:
            self._search(found, values, smallest, largest, at, self.mode, MAX_MARKERS)
            again = np.flatnonzero(found.crowded)
            self._search(found, values, smallest, largest, again, "linear", -1)
        return found

    def _search(
        self,
        found: Split,
        values: Any,
        smallest: Any,
        largest: Any,
        at: Any,
        mode: str,
        limit: int,
    ) -> None:
        """Add what is found for the sources at ``at`` with thresholds of one mode."""
        if at.size == 0:
            return
        sources = self.sources.take(at)
        child, n_children, flags = deblending.deblend(
            segments.take(values, self.sources.start, like(at, values))[1],
            sources,
            like(thresholds(smallest[at], largest[at], self.nlevels, mode), values),
            self.npixels,
            self.contrast,
            self.connectivity,
            self.contrast_method == "saddle",
            limit,
            self.n_threads,
        )
        n_children, flags, start = in_one_transfer(n_children, flags, sources.start)
        found.child_start[at] = np.where(n_children, found.child.size + start[:-1], -1)
        found.child = np.concatenate([found.child, child])
        found.n_children[at] = n_children
        found.crowded[at] |= (flags & deblending.TOO_MANY) != 0
        found.torn[at] = (flags & deblending.NOT_COVERED) != 0


def thresholds(smallest: Any, largest: Any, nlevels: int, mode: str) -> Any:
    """Return thresholds strictly between the extremes of sources, float64, shape (n, nlevels).

    They are computed in the dtype of the extremes, as photutils computes them for one source at a
    time: a pixel's level depends on their last bit. 'exponential' is 'sinh' where ``smallest`` is
    not positive.
    """
    with np.errstate(all="ignore"):
        low, span = smallest[:, None], (largest - smallest)[:, None]
        steps = np.arange(nlevels + 2, dtype=span.dtype)
        width = span / (nlevels + 1)
        # Where a step underflows, as in numpy.linspace.
        even = np.where(width == 0, steps / (nlevels + 1) * span, steps * width) + low
        if mode == "linear":
            return np.ascontiguousarray(even[:, 1:-1], np.float64)
        share = (even - low) / span
        result = np.empty(share.shape)
        sinh = smallest <= 0 if mode == "exponential" else np.ones(smallest.shape, bool)
        power = ~sinh
        result[power] = low[power] * (largest / smallest)[power, None] ** share[power]
        spaced = np.sinh(share[sinh] / SINH_SCALE) / np.sinh(1 / SINH_SCALE)
        result[sinh] = spaced * span[sinh] + low[sinh]
        return np.ascontiguousarray(result[:, 1:-1])


def number_labels(asked: Any, labels: Any, n_children: Any, relabel: bool) -> tuple[Any, Any]:
    """Return each source's label, or what to add to the numbers of its children; and the parents.

    Children follow the largest label, parent by parent in the order asked for; of a label asked for
    twice the last mention counts. All must fit the dtype of ``labels``.
    """
    whole = n_children == 0
    base = labels.astype(np.int64)
    count = n_children[asked]
    base[asked] = np.where(count, base[-1] + np.cumsum(count) - count, base[asked])
    parents = asked[np.sort(np.unique(asked, return_index=True)[1])]
    parents = parents[~whole[parents]]
    if relabel:
        base[whole] = np.arange(1, whole.sum() + 1)
        in_order = parents[np.argsort(base[parents])]
        count = n_children[in_order]
        base[in_order] = whole.sum() + np.cumsum(count) - count
    largest = int((base + n_children).max())
    if largest > np.iinfo(labels.dtype).max:
        raise ValueError(
            f"{both_names('segment_img')} has labels up to {labels[-1]}: those of the children"
            f" would reach {largest}, more than its dtype {labels.dtype} holds; "
            + ("give it a wider dtype" if relabel else "use relabel=True or a wider dtype")
        )
    return base, parents


def children_of(parents: Any, base: Any, n_children: Any) -> Any:
    """Return the labels of the children of ``parents`` (positions)."""
    count = n_children[parents]
    number = np.arange(1, count.sum() + 1) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(base[parents], count) + number
