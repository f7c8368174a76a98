"""Overlapping sources, split into their peaks."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.units import Quantity

from skyshed.arguments import (
    as_image,
    check_choice,
    check_connectivity,
    check_positive_integer,
    check_range,
)
from skyshed.exceptions import DeblendWarning
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.kernels import deblending, segments
from skyshed.names import accept_aliases, both_names
from skyshed.namespace import adopt, array_namespace, in_one_transfer, like
from skyshed.segmentation import SegmentationImage, as_segmentation_image
from skyshed.sources import Sources

__all__ = ["deblend_sources"]

MODES = ("exponential", "linear", "sinh")
CONTRAST_METHODS = (None, "basin", "saddle")

#: Sources with more markers are deblended with linear thresholds, which start higher.
MAX_MARKERS = 200

#: How strongly 'sinh' thresholds crowd at the faint end.
SINH_SCALE = 0.25


@accept_aliases
def deblend_sources(
    data: Any,
    segment_img: SegmentationImage,
    npixels: int,
    labels: Any = None,
    nlevels: int = 32,
    contrast: float = 0.001,
    mode: str = "exponential",
    connectivity: int = 8,
    relabel: bool = True,
    n_threads: int | None = None,
    progress_bar: bool = True,
    *,
    contrast_method: str | None = None,
) -> SegmentationImage:
    """Split overlapping sources by multiple thresholds and a watershed.

    Above each of ``nlevels`` thresholds between a source's minimum and maximum, groups of at least
    ``npixels`` connected pixels are peaks. Those that never split again are the markers from which
    a watershed floods the source. Basins with too little flux are given to their neighbours, the
    faintest first.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The image the sources were detected in. NaN within a source exceeds no threshold, adds no
        flux, and is assigned to a neighbouring peak last.
    segment_img : `SegmentationImage`
        The sources.
    npixels : int
        The least number of connected pixels of a peak. Sources of fewer than ``2 * npixels`` pixels
        stay whole.
    labels : int or array_like of int, optional
        The labels to deblend; `None` for all.
    nlevels : int, optional
        The number of thresholds.
    contrast : float, optional
        The least share of a source's flux that makes a peak a source, 0 to 1. 0.001 splits sources
        that differ by 7.5 magnitudes; 1 splits none.
    mode : {'exponential', 'linear', 'sinh'}, optional
        How the thresholds are spaced. 'exponential' becomes 'sinh' for a source whose minimum is
        not positive; a source with more than 200 markers is done again with 'linear' (not if
        ``contrast_method`` is 'saddle').
    connectivity : {8, 4}, optional
        Whether pixels that touch at corners are connected (8) or only at edges (4), as in the
        detection.
    relabel : bool, optional
        Whether to number the labels of the result from 1 without a gap. If not, sources that stay
        whole keep their label, and the peaks get labels above the largest.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
    progress_bar : bool, optional
        Accepted for compatibility; there is no loop to watch.
    contrast_method : {None, 'basin', 'saddle'}, optional
        Which flux the contrast refers to: that of a peak's watershed basin ('basin', also `None`),
        or what rises above the level where the peak separates from its neighbours ('saddle').

    Returns
    -------
    segment_img : `SegmentationImage`
        The new labels, in the dtype of the given ones. ``flags`` says what was done to each (see
        `decode_segmentation_flags`), and ``info`` lists the input labels whose mode was changed,
        under ``'non_positive_min_labels'`` and ``'too_many_markers_labels'``.

    Raises
    ------
    TypeError
        If ``segment_img`` is not a `SegmentationImage`.
    ValueError
        If an argument is out of range, shapes differ, there is no label, the dtype can't hold the
        new labels, or a source is not connected, e.g. because it was detected with another
        connectivity.

    Warns
    -----
    DeblendWarning
        If the mode was changed for a source.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SegmentationImage, deblend_sources
    >>> data = np.array([[1, 9, 8, 2, 7, 9, 1]])
    >>> segm = SegmentationImage(np.ones((1, 7), dtype=int))
    >>> deblend_sources(data, segm, npixels=1).data
    array([[1, 1, 1, 1, 2, 2, 2]])
    """
    data = data.value if isinstance(data, Quantity) else adopt(data, "data")
    segment_img = as_segmentation_image(segment_img, both_names("segment_img"))
    xp = array_namespace(data=data, segment_img=segment_img._data)
    dtype = xp.asarray(data).dtype
    data = as_image(data, "data", xp)
    if segment_img.shape != data.shape:
        raise ValueError(
            f"{both_names('segment_img')} must have the same shape as data: it has "
            f"{segment_img.shape}, data has {data.shape}"
        )
    npixels = check_positive_integer(npixels, both_names("npixels"))
    nlevels, contrast = check_deblending(nlevels, contrast, mode, connectivity, contrast_method)
    # Known by their places: where labels are large, sources have numbers of their own.
    sources, own = segment_img._sources, segment_img.labels
    if len(sources) == 0:
        raise ValueError(
            f"{both_names('segment_img')} must have at least one nonzero label, it has none: there "
            "is nothing to deblend"
        )
    asked = segment_img.get_indices(own if labels is None else np.atleast_1d(labels))
    asked = asked[(sources.host.area[asked] >= 2 * npixels) & (contrast < 1)]
    found = _Search(
        data, sources, npixels, nlevels, contrast, mode, int(connectivity), contrast_method,
        n_threads,
    ).split(np.unique(asked), dtype if dtype.kind == "f" else np.dtype(np.float64))  # fmt: skip
    if found.torn.any():
        torn = own[found.torn].tolist()
        raise ValueError(
            f"Deblending failed for source labels {torn[:10]} ({len(torn)} in all): they are in "
            f"pieces that do not touch for connectivity={connectivity}; use the connectivity of "
            "the detection, or leave them out with labels"
        )
    base, parents = _number(asked, own, found.n_children, relabel)
    children = _children_of(parents, base, found.n_children)
    info = _fallbacks(asked, own.astype(own.dtype.newbyteorder("=")), found, mode)
    return SegmentationImage._from_labels(
        _paint(sources, base, asked, found, n_threads).astype(own.dtype, copy=False),
        deblended_labels_map=(children, np.repeat(own[parents], found.n_children[parents])),
        flags_map=_flags(parents, base, children, found),
        info=info,
    )


def check_deblending(
    nlevels: Any, contrast: Any, mode: Any, connectivity: Any, contrast_method: Any
) -> tuple[int, float]:
    """Return ``nlevels`` and ``contrast`` as numbers; raise a ValueError for a bad argument."""
    check_choice(contrast_method, "contrast_method", CONTRAST_METHODS)
    check_choice(mode, "mode", MODES)
    check_connectivity(connectivity)
    return (
        check_positive_integer(nlevels, both_names("nlevels")),
        check_range(contrast, "contrast", 0, 1, ">= {low:g} and <= {high:g}"),
    )


@dataclass
class _Found:
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


@dataclass(frozen=True)
class _Search:
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

    def split(self, at: Any, dtype: Any) -> _Found:
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
        found = _Found(
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
        found: _Found,
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


def _number(asked: Any, labels: Any, n_children: Any, relabel: bool) -> tuple[Any, Any]:
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


def _children_of(parents: Any, base: Any, n_children: Any) -> Any:
    """Return the labels of the children of ``parents`` (positions)."""
    count = n_children[parents]
    number = np.arange(1, count.sum() + 1) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(base[parents], count) + number


def _paint(sources: Sources, base: Any, asked: Any, found: _Found, n_threads: int | None) -> Any:
    """Return the image of the labels that `_number` gave."""

    def painted(first: Any) -> Any:
        first, start = (
            like(each, sources.pixel) for each in (first.astype(np.int32), found.child_start)
        )
        return deblending.paint(sources, first, start, found.child, n_threads)

    if (base + found.n_children).max() <= np.iinfo(np.int32).max:
        return painted(base)
    # Kernels draw 32 bits: the labels are looked up by their place among all.
    place, parents = _number(asked, sources.host.labels, found.n_children, True)
    whole = found.n_children == 0
    table = np.zeros((place + found.n_children).max() + 1, np.int64)
    table[place[whole]] = base[whole]
    at, names = (_children_of(parents, each, found.n_children) for each in (place, base))
    table[at] = names
    return like(table, sources.pixel)[painted(place)]


def _flags(parents: Any, base: Any, children: Any, found: _Found) -> tuple[Any, Any]:
    """Return the labels that carry flags, and the flags: those of a parent are its children's."""
    flag = SEGMENTATION_FLAGS
    of_source = flag.DEBLEND_NON_POSITIVE_MIN * found.non_positive
    of_source = of_source + flag.DEBLEND_TOO_MANY_MARKERS * found.crowded
    whole = np.flatnonzero((found.n_children == 0) & (of_source > 0))
    count = found.n_children[parents]
    return (
        np.concatenate([children, base[whole]]),
        np.concatenate([np.repeat(of_source[parents] + flag.DEBLENDED, count), of_source[whole]]),
    )


def _fallbacks(asked: Any, labels: Any, found: _Found, mode: str) -> dict[str, Any]:
    """Return the labels whose mode was changed, for ``info``, and warn if there are any."""
    cases = {
        "non_positive_min_labels": found.non_positive[asked],
        "too_many_markers_labels": found.crowded[asked],
    }
    info = {name: labels[asked[hit]] for name, hit in cases.items() if hit.any()}
    if info:
        counts = " and ".join(f"{len(some)} in {name!r}" for name, some in info.items())
        warnings.warn(
            "The deblending mode of one or more source labels from the input was changed from "
            f"{mode!r}, because their minimum is not positive (to 'sinh') or they have more than "
            f"{MAX_MARKERS} markers (to 'linear'): {counts} of the result's info.",
            DeblendWarning,
            stacklevel=4,
        )
    return info
