"""The search for the peaks of sources: thresholds, markers, and the watershed from them.

`skyshed.deblend_sources` searches all sources of an image at once. Mosaics search the sources of
one tile at once, and those that lie in several tiles one by one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.kernels import deblending
from skyshed.namespace import like
from skyshed.sources import Sources

__all__ = ["MAX_MARKERS", "Search", "Split", "thresholds"]

#: Sources with more markers are deblended again with linear thresholds, which start higher, unless
#: another number is given: photutils' number.
MAX_MARKERS = 200

#: How closely 'sinh' thresholds are spaced near the minimum: the smaller, the closer.
SINH_SCALE = 0.25


@dataclass
class Split:
    """What each of n sources was split into.

    ``child`` is where the image is; the other arrays, one element per source, are NumPy arrays.

    Attributes
    ----------
    child : array of int32, shape (M,)
        Child numbers, from 1, of the pixels of all sources that were searched.
    child_start : array of int64, shape (n,)
        Where the pixels of each source begin in ``child``; -1 if the source stays whole.
    n_children : array of int64, shape (n,)
        0, or at least 2.
    non_positive : array of bool, shape (n,)
        Whether 'exponential' became 'sinh', because the minimum is not positive.
    crowded : array of bool, shape (n,)
        Whether the mode became 'linear', because there are more than ``max_markers`` markers.
    torn : array of bool, shape (n,)
        Whether the source is not connected: no marker reaches some of its pixels.
    """

    child: Any
    child_start: Any
    n_children: Any
    non_positive: Any
    crowded: Any
    torn: Any

    @property
    def flags(self) -> Any:
        """The segmentation flags of each source, which its children inherit, int64, shape (n,)."""
        flag = SEGMENTATION_FLAGS
        return (
            flag.DEBLEND_NON_POSITIVE_MIN * self.non_positive
            + flag.DEBLEND_TOO_MANY_MARKERS * self.crowded
        )


@dataclass(frozen=True)
class Search:
    """An image, its sources, and the settings by which they are split.

    Attributes
    ----------
    data : array of float32 or float64, shape (ny, nx)
        The image, C-contiguous.
    sources : `~skyshed.sources.Sources`
        The n sources.
    npixels, nlevels, contrast, mode, connectivity, contrast_method, n_threads, max_markers
        As for `skyshed.deblend_sources`, checked.
    room : array of int32, of the shape of ``data``, C-contiguous, optional
        Memory that a GPU may use until the search is over; what it held is lost.
    """

    data: Any
    sources: Sources
    npixels: int
    nlevels: int
    contrast: float
    mode: str
    connectivity: int
    contrast_method: str | None
    n_threads: int | None
    max_markers: int | None = MAX_MARKERS
    room: Any = None

    @cached_property
    def _rooms(self) -> tuple[Any, Any]:
        """The room for work, and at its end that for values; `None` for what does not fit."""
        if self.room is None:
            return None, None
        room = self.room.reshape(-1).view(np.uint8)
        nbytes = self.sources.pixel.size * self.data.dtype.itemsize
        begin = (room.size - nbytes) // 8 * 8
        return (room, None) if begin < 0 else (room[:begin], room[begin : begin + nbytes])

    @cached_property
    def surveyed(self) -> tuple[Any, Any, Any, Any]:
        """The values of all sources; on the host, their extremes, and whether they may split."""
        values, *rows = deblending.survey(
            self.data, self.sources, self.connectivity, self.n_threads, self._rooms[1]
        )
        smallest, largest, peaks = self.sources.on_host_with(*rows)
        return values, smallest, largest, peaks

    def split(self, chosen: Any, dtype: Any) -> Split:
        """Split some of the sources.

        Parameters
        ----------
        chosen : array of int64
            The indices of the sources to split, ascending; the others stay whole.
        dtype : dtype
            The dtype in which thresholds are computed.
        """
        n = len(self.sources)
        values, smallest, largest, peaks = self.surveyed
        chosen = chosen[smallest[chosen] < largest[chosen]]
        non_positive = np.zeros(n, bool)
        if self.mode == "exponential":
            non_positive[chosen] = smallest[chosen] <= 0
        smallest, largest = smallest.astype(dtype), largest.astype(dtype)
        split = Split(
            like(np.empty(0, np.int32), values), np.full(n, -1), np.zeros(n, np.int64),
            non_positive, np.zeros(n, bool), np.zeros(n, bool),
        )  # fmt: skip
        chosen = chosen[peaks[chosen] > 1]
        most = -1 if self.max_markers is None else self.max_markers
        if self.mode == "linear" or self.contrast_method == "saddle" or most < 0:
            self._search(split, values, smallest, largest, chosen, self.mode, -1)
        else:
            self._search(split, values, smallest, largest, chosen, self.mode, most)
            crowded = np.flatnonzero(split.crowded)
            self._search(split, values, smallest, largest, crowded, "linear", -1)
        return split

    def _search(
        self,
        split: Split,
        values: Any,
        smallest: Any,
        largest: Any,
        chosen: Any,
        mode: str,
        max_markers: int,
    ) -> None:
        """Split the chosen sources by thresholds of one mode, and add the result to ``split``."""
        if chosen.size == 0:
            return
        child, n_children, flags = deblending.deblend(
            values,
            self.sources,
            chosen,
            like(thresholds(smallest[chosen], largest[chosen], self.nlevels, mode), values),
            self.npixels,
            self.contrast,
            self.connectivity,
            self.contrast_method == "saddle",
            max_markers,
            self.n_threads,
            self._rooms[0],
        )
        area = self.sources.host.area[chosen]
        start = split.child.size + np.cumsum(area) - area
        split.child_start[chosen] = np.where(n_children, start, -1)
        split.child = np.concatenate([split.child, child]) if split.child.size else child
        split.n_children[chosen] = n_children
        split.crowded[chosen] |= (flags & deblending.TOO_MANY) != 0
        split.torn[chosen] = (flags & deblending.NOT_COVERED) != 0


def thresholds(smallest: Any, largest: Any, nlevels: int, mode: str) -> Any:
    """Return thresholds strictly between the extremes of sources, float64, shape (n, nlevels).

    They are computed in the dtype of the extremes, as photutils does for one source at a time,
    because their last bit decides which side of a threshold a pixel is on. 'exponential' is 'sinh'
    where ``smallest`` is not positive.
    """
    with np.errstate(all="ignore"):
        low, span = smallest[:, None], (largest - smallest)[:, None]
        steps = np.arange(nlevels + 2, dtype=span.dtype)
        width = span / (nlevels + 1)
        # As numpy.linspace does, also where the width of a step underflows to 0.
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
