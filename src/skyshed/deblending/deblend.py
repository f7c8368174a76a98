"""The public stage: splitting overlapping sources into their peaks."""

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
    check_flag,
    check_positive_integer,
    check_range,
)
from skyshed.deblending.numbering import children_of, number_labels
from skyshed.deblending.search import MAX_MARKERS, Search, Split
from skyshed.exceptions import DeblendWarning
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.kernels import deblending
from skyshed.messages import find_stack_level
from skyshed.names import accept_aliases, both_names
from skyshed.namespace import adopt, array_namespace, like, on_its_device
from skyshed.segmentation import SegmentationImage, as_segmentation_image
from skyshed.sources import Sources

__all__ = ["check_deblending", "deblend_sources", "warn_of_modes"]

MODES = ("exponential", "linear", "sinh")
CONTRAST_METHODS = (None, "basin", "saddle")


@accept_aliases
@on_its_device
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
    max_markers: int | None = MAX_MARKERS,
) -> SegmentationImage:
    """Split overlapping sources by multiple thresholds and a watershed.

    Above each of ``nlevels`` thresholds between a source's minimum and maximum, groups of at least
    ``npixels`` connected pixels are peaks. Those that never split again are the markers from which
    a watershed floods the source. Basins with too little flux are merged into their neighbours,
    the faintest first.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The image to look for peaks in: the one that the sources were detected in, or another of the
        same pixels, such as the one before convolution. A NaN pixel within a source exceeds no
        threshold, adds no flux, and is the last to be assigned to a peak.
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
        The least fraction of the source's flux that a peak must have to become a source, 0 to 1.
        0.001 keeps peaks up to 7.5 magnitudes fainter than the source; 1 splits nothing.
    mode : {'exponential', 'linear', 'sinh'}, optional
        How the thresholds are spaced. 'exponential' becomes 'sinh' for a source whose minimum is
        not positive; a source with more than ``max_markers`` markers is deblended again with
        'linear' (unless ``contrast_method`` is 'saddle').
    connectivity : {8, 4}, optional
        Whether pixels that touch at corners are connected (8) or only at edges (4), as in the
        detection.
    relabel : bool, optional
        Whether the labels of the result are consecutive, from 1. If not, sources that stay whole
        keep their label, and peaks get labels above the largest.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
    progress_bar : bool, optional
        Accepted for compatibility; no progress is shown.
    contrast_method : {None, 'basin', 'saddle'}, optional
        Which flux of a peak is compared with ``contrast``: that of its watershed basin ('basin',
        also `None`), or the flux above the level where it separates from its neighbours ('saddle'),
        as in SExtractor (Bertin & Arnouts 1996, A&AS 117, 393, section 6.2).
    max_markers : int or None, optional
        The most peaks, before ``contrast`` is looked at, that a source is split at by ``mode``; 200
        as in photutils. `None` sets no limit.

    Returns
    -------
    segment_img : `SegmentationImage`
        The new labels, in the dtype of the old ones. Its ``flags`` say what was done to each label
        (see `decode_segmentation_flags`), and its ``info`` lists the old labels whose mode was
        changed, under ``'non_positive_min_labels'`` and ``'too_many_markers_labels'``.

    Raises
    ------
    TypeError
        If ``segment_img`` is not a `SegmentationImage`.
    ValueError
        If an argument is out of range, shapes differ, there is no label, the dtype can't hold the
        new labels, or a source is not connected, for example because it was detected with another
        ``connectivity``.

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
    relabel = check_flag(relabel, "relabel")
    nlevels, contrast = check_deblending(
        nlevels, contrast, mode, connectivity, contrast_method, max_markers
    )
    # Sources are addressed by their index: their numbers are the labels only where these are int32.
    sources = segment_img.label_table.sources
    if len(sources) == 0:
        raise ValueError(
            f"{both_names('segment_img')} must have at least one nonzero label, it has none: there "
            "is nothing to deblend"
        )
    # On a device the labels will lie here, and the search works here before. Taken before all else:
    # lists could lie in the only free block that holds an image.
    room = xp.empty(image.shape, dtype=np.int32)
    search = Search(
        image, sources, npixels, nlevels, contrast, mode, int(connectivity), contrast_method,
        n_threads, max_markers, room,
    )  # fmt: skip
    # All numbers of the sources come to the host at once: this is the first that is asked.
    search.surveyed  # noqa: B018
    old = segment_img.labels
    if labels is None:
        chosen = np.arange(len(old))
    else:
        chosen = segment_img.get_indices(np.atleast_1d(labels))
    chosen = chosen[(sources.host.area[chosen] >= 2 * npixels) & (contrast < 1)]
    distinct = chosen if labels is None else np.unique(chosen)
    split = search.split(distinct, dtype if dtype.kind == "f" else np.dtype(np.float64))
    if split.torn.any():
        torn = old[split.torn].tolist()
        raise ValueError(
            f"Deblending failed for source labels {torn[:10]} ({len(torn)} in all): they are in "
            f"pieces that do not touch for connectivity={connectivity}; use the connectivity of "
            "the detection, or leave them out with labels"
        )
    base, parents = number_labels(chosen, old, split.n_children, relabel)
    children = children_of(parents, base, split.n_children)
    info = _changed_modes(chosen, old.astype(old.dtype.newbyteorder("=")), split, mode, max_markers)
    del search  # and the sources' values
    image, new_sources = _paint(room, sources, base, chosen, split, n_threads)
    return SegmentationImage.from_labels(
        image.astype(old.dtype, copy=False),
        sources=new_sources,
        deblended_labels_map=(children, np.repeat(old[parents], split.n_children[parents])),
        flags_map=_flags(parents, base, children, split),
        before_map=(base[split.n_children == 0], old[split.n_children == 0]),
        info=info,
    )


def check_deblending(
    nlevels: Any,
    contrast: Any,
    mode: Any,
    connectivity: Any,
    contrast_method: Any,
    max_markers: Any = MAX_MARKERS,
) -> tuple[int, float]:
    """Return ``nlevels`` and ``contrast`` as numbers; raise a ValueError for a bad argument."""
    if max_markers is not None:
        check_positive_integer(max_markers, "max_markers")
    check_choice(contrast_method, "contrast_method", CONTRAST_METHODS)
    check_choice(mode, "mode", MODES)
    check_connectivity(connectivity)
    return (
        check_positive_integer(nlevels, both_names("nlevels")),
        check_range(contrast, "contrast", 0, 1, ">= {low:g} and <= {high:g}"),
    )


def _paint(
    room: Any,
    sources: Sources,
    base: Any,
    chosen: Any,
    split: Split,
    n_threads: int | None,
) -> tuple[Any, Sources | None]:
    """Return the image of the labels of `number_labels`, and its sources if they fit int32."""
    fits = (base + split.n_children).max() <= np.iinfo(np.int32).max
    # Kernels paint int32: larger labels are painted as consecutive numbers, then looked up.
    number = base
    if not fits:
        number, parents = number_labels(chosen, sources.host.labels, split.n_children, True)
    start, number_there = (
        like(each, sources.pixel) for each in (split.child_start, number.astype(np.int32))
    )
    task = sources, number_there, start, split.child
    image = deblending.paint(*task, n_threads, room)
    if fits:
        rows = deblending.parts(*task, split.n_children, image, n_threads)
        return image, Sources(*rows, sources.shape)
    whole = split.n_children == 0
    label_of = np.zeros((number + split.n_children).max() + 1, np.int64)
    label_of[number[whole]] = base[whole]
    label_of[children_of(parents, number, split.n_children)] = children_of(
        parents, base, split.n_children
    )
    return like(label_of, sources.pixel)[image], None


def _flags(parents: Any, base: Any, children: Any, split: Split) -> tuple[Any, Any]:
    """Return the labels that have flags, and their flags; children inherit their parent's."""
    of_source = split.flags
    whole = np.flatnonzero((split.n_children == 0) & (of_source > 0))
    of_children = of_source[parents] + SEGMENTATION_FLAGS.DEBLENDED
    return (
        np.concatenate([children, base[whole]]),
        np.concatenate([np.repeat(of_children, split.n_children[parents]), of_source[whole]]),
    )


def _changed_modes(
    chosen: Any, labels: Any, split: Split, mode: str, max_markers: int | None
) -> dict[str, Any]:
    """Return the labels whose mode was changed, for ``info``, and warn if there are any."""
    cases = {
        "non_positive_min_labels": split.non_positive[chosen],
        "too_many_markers_labels": split.crowded[chosen],
    }
    info = {name: labels[chosen[is_case]] for name, is_case in cases.items() if is_case.any()}
    if info:
        warn_of_modes({name: len(changed) for name, changed in info.items()}, mode, max_markers)
    return info


def warn_of_modes(counts: dict[str, int], mode: str, max_markers: int | None) -> None:
    """Warn that sources were deblended with a mode other than the one requested.

    Parameters
    ----------
    counts : dict of str to int
        Key of the result's ``info`` -> how many labels are listed there.
    mode : str
        The mode that was requested.
    max_markers : int or None
        How many markers a source may have.
    """
    listed = " and ".join(f"{count} in {name!r}" for name, count in counts.items())
    warnings.warn(
        "The deblending mode of one or more source labels from the input was changed from "
        f"{mode!r}, because their minimum is not positive (to 'sinh') or they have more than "
        f"{max_markers} markers (to 'linear'): {listed} of the result's info.",
        DeblendWarning,
        stacklevel=find_stack_level(),
    )
