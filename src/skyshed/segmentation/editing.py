"""Editing labels: renumber, merge, remove.

An edit is a new number for every label, 0 for removal. Most functions here return such numbers and
change nothing; `renumber` makes the edited table. It writes the pixels of the labels that change,
and derives the new sources and provenance from the old ones without searching the image.
"""

import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed.arguments import as_mask, check_positive_integer
from skyshed.kernels import labelling
from skyshed.messages import find_stack_level
from skyshed.namespace import array_namespace, count_in_rows, like, repeat, to_host
from skyshed.segmentation.label_table import LabelTable
from skyshed.segmentation.numbering import consecutive, coordinate
from skyshed.sources import Sources

__all__ = [
    "consecutive_numbers",
    "keep",
    "reassign",
    "remove_at_border",
    "remove_masked",
    "renumber",
]


def reassign(table: LabelTable, labels: Any, new_label: Any, relabel: bool) -> Any:
    """Return the numbers that give some labels one other number; 0 removes them."""
    index = table.index_of(np.atleast_1d(labels))
    new_label = _check_new_label(table, new_label)
    numbers = table.labels.copy()
    numbers[index] = new_label
    return consecutive(numbers)[0] if relabel else numbers


def consecutive_numbers(table: LabelTable, start_label: Any) -> Any:
    """Return numbers without gaps in the order of the labels; warn if there are no labels."""
    n_labels = table.nlabels
    if n_labels == 0:
        warnings.warn(
            "Cannot relabel a segmentation image with no nonzero labels: it is left as it is",
            AstropyUserWarning,
            stacklevel=find_stack_level(),
        )
        return table.labels
    if not _is_whole(start_label) or start_label <= 0:
        raise ValueError(f"start_label must be > 0 and an integer, got {start_label!r}")
    start = int(start_label)
    _check_new_label(table, start + n_labels - 1, "start_label + nlabels - 1 =")
    # The sum is made in the dtype of the labels: it may exceed int64.
    dtype = table.labels.dtype
    return np.arange(n_labels).astype(dtype) + dtype.type(start)


def keep(table: LabelTable, labels: Any, relabel: bool) -> Any:
    """Return the numbers that remove all labels but some."""
    is_kept = np.zeros(table.nlabels, bool)
    is_kept[table.index_of(np.atleast_1d(labels))] = True
    return _remove(table, ~is_kept, relabel)


def remove_at_border(table: LabelTable, border_width: Any, partial: bool, relabel: bool) -> Any:
    """Return the numbers that remove the labels near the edges of the image."""
    width = check_positive_integer(border_width, "border_width")
    if 2 * width >= min(table.shape):
        raise ValueError(
            "border_width must be smaller than half the array size in any dimension, got "
            f"{width} for the shape {table.shape}"
        )
    last = np.asarray(table.shape) - width
    extents = table.extents
    is_removed = ((extents[:, :, 0] < width) | (extents[:, :, 1] > last)).any(axis=1)
    if not partial:
        touching = np.flatnonzero(is_removed)
        sources = table.sources.take(touching)
        in_border = array_namespace(pixel=sources.pixel).zeros(sources.pixel.shape, dtype=bool)
        for axis, end in enumerate(last.tolist()):
            position = coordinate(sources.pixel, table.shape, axis)
            in_border |= (position < width) | (position >= end)
        is_removed[touching] = _any_and_all(in_border, sources)[1]
    return _remove(table, is_removed, relabel)


def remove_masked(table: LabelTable, mask: Any, partial: bool, relabel: bool) -> Any:
    """Return the numbers that remove the labels in a masked region."""
    xp = array_namespace(data=table.data, mask=mask)
    mask = as_mask(mask, "mask", xp, shape=table.shape, like="the segmentation array")
    if mask is None:
        raise ValueError("mask must be a boolean array of the shape of the data, got None")
    partly, wholly = _any_and_all(mask.reshape(-1)[table.sources.pixel], table.sources)
    return _remove(table, partly if partial else wholly, relabel)


def renumber(table: LabelTable, numbers: Any, in_place: bool) -> LabelTable:
    """Give each label a new number.

    Parameters
    ----------
    table : LabelTable
        The labels.
    numbers : array of int, shape (n,)
        The new number of each label, in their order: 0 removes it, equal numbers merge labels.
    in_place : bool
        Whether the pixels of ``table`` may be overwritten. Then it must not be used afterwards.

    Returns
    -------
    table : LabelTable
        The new table; the given one where no number is new.
    """
    numbers = numbers.astype(table.labels.dtype)
    changed = np.flatnonzero(numbers != table.labels)
    if changed.size == 0:
        return table
    return table.renumbered(numbers, _painted(table, numbers, changed, in_place))


def _painted(table: LabelTable, numbers: Any, changed: Any, in_place: bool) -> Any:
    """Return the image with the new numbers of the labels at the positions ``changed``."""
    data, sources, largest = table.data, table.sources, table.max_label
    if not in_place and data.dtype == np.int32 and largest <= data.size:
        # A new image is needed anyway, and looking up every pixel costs no more than a copy.
        lookup = np.zeros(largest + 1, np.int32)
        lookup[table.labels] = numbers
        image = array_namespace(data=data).ascontiguousarray(data)
        image = image.reshape(1, -1) if image.ndim != 2 else image
        return labelling.relabel(image, like(lookup, image), None).reshape(table.shape)
    data = data if in_place else data.copy()
    rows = sources if changed.size == len(sources) else sources.take(changed)
    data.reshape(-1)[rows.pixel] = repeat(like(numbers[changed], data), rows.area)
    return data


def _remove(table: LabelTable, is_removed: Any, relabel: bool) -> Any:
    """Return the numbers that remove labels, and renumber the others from 1 if ``relabel``."""
    kept = np.cumsum(~is_removed) if relabel else table.labels
    return np.where(is_removed, 0, kept)


def _check_new_label(table: LabelTable, value: Any, name: str = "new_label") -> int:
    """Return a new label as an int; raise a ValueError if the image can't hold it."""
    if not _is_whole(value) or value < 0:
        raise ValueError(f"{name} must be a nonnegative integer, got {value!r}")
    largest = np.iinfo(table.dtype).max
    if int(value) > largest:
        raise ValueError(
            f"{name} {int(value)} cannot be represented in the dtype of the data, {table.dtype}, "
            f"whose largest value is {largest}: use data of a wider dtype"
        )
    return int(value)


def _is_whole(value: Any) -> bool:
    """Whether ``value`` is a single number without a fraction."""
    try:
        return np.ndim(value) == 0 and int(value) == value
    except (TypeError, ValueError, OverflowError):
        return False


def _any_and_all(selected: Any, sources: Sources) -> tuple[Any, Any]:
    """Return which sources have any, and which all, of their pixels ``selected`` (bool[N])."""
    count = to_host(count_in_rows(selected, sources.start))
    return count > 0, count == sources.host.area
