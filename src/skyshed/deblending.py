"""Overlapping sources, split into their peaks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy.units import Quantity

from skyshed._typing import Image, Labels
from skyshed.arguments import (
    as_image,
    check_choice,
    check_connectivity,
    check_positive_integer,
    check_range,
)
from skyshed.exceptions import DeblendWarning
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.kernels import deblending
from skyshed.messages import find_stack_level
from skyshed.names import accept_aliases, both_names
from skyshed.namespace import adopt, array_namespace, like
from skyshed.segmentation import SegmentationImage, as_segmentation_image
from skyshed.sources import Sources
from skyshed.splitting import MAX_MARKERS, Search, Split, children_of, number_labels

__all__ = ["deblend_sources"]

MODES = ("exponential", "linear", "sinh")
CONTRAST_METHODS = (None, "basin", "saddle")


@accept_aliases
def deblend_sources(
    data: Image,
    segment_img: SegmentationImage,
    npixels: int,
    labels: Labels | None = None,
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
    image = data.value if isinstance(data, Quantity) else adopt(data, "data")
    segment_img = as_segmentation_image(segment_img, both_names("segment_img"))
    xp = array_namespace(data=image, segment_img=segment_img.label_table.data)
    dtype = xp.asarray(image).dtype
    image = as_image(image, "data", xp)
    if segment_img.shape != image.shape:
        raise ValueError(
            f"{both_names('segment_img')} must have the same shape as data: it has "
            f"{segment_img.shape}, data has {image.shape}"
        )
    npixels = check_positive_integer(npixels, both_names("npixels"))
    nlevels, contrast = check_deblending(nlevels, contrast, mode, connectivity, contrast_method)
    # Known by their places: where labels are large, sources have numbers of their own.
    sources, own = segment_img.label_table.sources, segment_img.labels
    if len(sources) == 0:
        raise ValueError(
            f"{both_names('segment_img')} must have at least one nonzero label, it has none: there "
            "is nothing to deblend"
        )
    asked = segment_img.get_indices(own if labels is None else np.atleast_1d(labels))
    asked = asked[(sources.host.area[asked] >= 2 * npixels) & (contrast < 1)]
    found = Search(
        image, sources, npixels, nlevels, contrast, mode, int(connectivity), contrast_method,
        n_threads,
    ).split(np.unique(asked), dtype if dtype.kind == "f" else np.dtype(np.float64))  # fmt: skip
    if found.torn.any():
        torn = own[found.torn].tolist()
        raise ValueError(
            f"Deblending failed for source labels {torn[:10]} ({len(torn)} in all): they are in "
            f"pieces that do not touch for connectivity={connectivity}; use the connectivity of "
            "the detection, or leave them out with labels"
        )
    base, parents = number_labels(asked, own, found.n_children, relabel)
    children = children_of(parents, base, found.n_children)
    info = _fallbacks(asked, own.astype(own.dtype.newbyteorder("=")), found, mode)
    return SegmentationImage.from_labels(
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


def _paint(sources: Sources, base: Any, asked: Any, found: Split, n_threads: int | None) -> Any:
    """Return the image of the labels that `number_labels` gave."""

    def painted(first: Any) -> Any:
        first, start = (
            like(each, sources.pixel) for each in (first.astype(np.int32), found.child_start)
        )
        return deblending.paint(sources, first, start, found.child, n_threads)

    if (base + found.n_children).max() <= np.iinfo(np.int32).max:
        return painted(base)
    # Kernels draw 32 bits: the labels are looked up by their place among all.
    place, parents = number_labels(asked, sources.host.labels, found.n_children, True)
    whole = found.n_children == 0
    table = np.zeros((place + found.n_children).max() + 1, np.int64)
    table[place[whole]] = base[whole]
    at, names = (children_of(parents, each, found.n_children) for each in (place, base))
    table[at] = names
    return like(table, sources.pixel)[painted(place)]


def _flags(parents: Any, base: Any, children: Any, found: Split) -> tuple[Any, Any]:
    """Return the labels that carry flags, and the flags: those of a parent are its children's."""
    of_source = found.flags
    whole = np.flatnonzero((found.n_children == 0) & (of_source > 0))
    of_children = of_source[parents] + SEGMENTATION_FLAGS.DEBLENDED
    return (
        np.concatenate([children, base[whole]]),
        np.concatenate([np.repeat(of_children, found.n_children[parents]), of_source[whole]]),
    )


def _fallbacks(asked: Any, labels: Any, found: Split, mode: str) -> dict[str, Any]:
    """Return the labels whose mode was changed, for ``info``, and warn if there are any."""
    cases = {
        "non_positive_min_labels": found.non_positive[asked],
        "too_many_markers_labels": found.crowded[asked],
    }
    info = {name: labels[asked[hit]] for name, hit in cases.items() if hit.any()}
    if info:
        warn_of_modes({name: len(some) for name, some in info.items()}, mode)
    return info


def warn_of_modes(counts: dict[str, int], mode: str) -> None:
    """Warn that some sources were deblended with another mode than the one asked for."""
    said = " and ".join(f"{count} in {name!r}" for name, count in counts.items())
    warnings.warn(
        "The deblending mode of one or more source labels from the input was changed from "
        f"{mode!r}, because their minimum is not positive (to 'sinh') or they have more than "
        f"{MAX_MARKERS} markers (to 'linear'): {said} of the result's info.",
        DeblendWarning,
        stacklevel=find_stack_level(),
    )
