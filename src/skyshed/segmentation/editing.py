"""Editing labels: rename, merge, remove.

An edit is a new name for every label, 0 for none. The pixels of the labels that change are written,
`Sources` and the deblending record follow; the image is not searched.
"""

import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed.arguments import as_mask, check_positive_integer
from skyshed.kernels import labelling
from skyshed.namespace import array_namespace, count_in_rows, like, repeat, to_host
from skyshed.segmentation.labels import Labels
from skyshed.segmentation.numbering import LARGEST, consecutive, coordinate, extents
from skyshed.sources import Sources

__all__ = ["Editing"]

#: Facts that are listed in the order of the labels and do not depend on their numbers.
CARRIED = ("areas", "slices", "bbox")


class Editing(Labels):
    """The methods of a `SegmentationImage` that change its labels."""

    def reassign_label(self, label: int, new_label: int, relabel: bool = False) -> None:
        """Give a label another number; see `reassign_labels`."""
        self.reassign_labels(label, new_label, relabel=relabel)

    def reassign_labels(self, labels: Any, new_label: int, relabel: bool = False) -> None:
        """Give one or more labels one other number.

        If the number is a label already, the sources become one, whether they touch or not.

        Parameters
        ----------
        labels : int or array_like of int
            The labels to change.
        new_label : int
            Their new number; 0 removes them.
        relabel : bool, optional
            Whether to renumber all labels from 1 afterwards.

        Raises
        ------
        ValueError
            If a label does not occur, or ``new_label`` is negative, no integer, or beyond what the
            dtype of the data holds.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> segm.reassign_labels([1, 7], 4)
        >>> segm.data
        array([[4, 4, 0, 4],
               [0, 4, 4, 4]])
        """
        place = self.get_index(np.atleast_1d(labels))
        new_label = self._check_new_label(new_label)
        names = self.labels.copy()
        names[place] = new_label
        self._rename(consecutive(names)[0] if relabel else names)

    def relabel_consecutive(self, start_label: int = 1) -> None:
        """Renumber the labels without gaps, in their order.

        Parameters
        ----------
        start_label : int, optional
            The first number, at least 1.

        Raises
        ------
        ValueError
            If ``start_label`` is not a positive integer, or the last number is too large for the
            dtype of the data.

        Warns
        -----
        AstropyUserWarning
            If there are no labels.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> segm.relabel_consecutive(start_label=5)
        >>> segm.data
        array([[5, 5, 0, 6],
               [0, 7, 7, 6]])
        """
        n_labels = self.nlabels
        if n_labels == 0:
            warnings.warn(
                "Cannot relabel a segmentation image with no nonzero labels: it is left as it is",
                AstropyUserWarning,
                stacklevel=2,
            )
            return
        if not _is_whole(start_label) or start_label <= 0:
            raise ValueError(f"start_label must be > 0 and an integer, got {start_label!r}")
        start = int(start_label)
        self._check_new_label(start + n_labels - 1, "start_label + nlabels - 1 =")
        # The sum is made in the dtype of the labels: it may be beyond int64.
        self._rename(np.arange(n_labels).astype(self.labels.dtype) + self.labels.dtype.type(start))

    def keep_label(self, label: int, relabel: bool = False) -> None:
        """Remove all labels but one; see `keep_labels`."""
        self.keep_labels(label, relabel=relabel)

    def keep_labels(self, labels: Any, relabel: bool = False) -> None:
        """Remove all labels but these.

        Parameters
        ----------
        labels : int or array_like of int
            The labels to keep.
        relabel : bool, optional
            Whether to renumber them from 1 afterwards.

        Raises
        ------
        ValueError
            If a label does not occur.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> segm.keep_labels([4, 7], relabel=True)
        >>> segm.data
        array([[0, 0, 0, 1],
               [0, 2, 2, 1]])
        """
        keep = np.zeros(self.nlabels, bool)
        keep[self.get_index(np.atleast_1d(labels))] = True
        self._remove(~keep, relabel)

    def remove_label(self, label: int, relabel: bool = False) -> None:
        """Make a label background; see `remove_labels`."""
        self.remove_labels(label, relabel=relabel)

    def remove_labels(self, labels: Any, relabel: bool = False) -> None:
        """Make labels background.

        Parameters
        ----------
        labels : int or array_like of int
            The labels to remove.
        relabel : bool, optional
            Whether to renumber the others from 1 afterwards.

        Raises
        ------
        ValueError
            If a label does not occur.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> segm.remove_labels([1, 4])
        >>> segm.data
        array([[0, 0, 0, 0],
               [0, 7, 7, 0]])
        """
        self.reassign_labels(labels, 0, relabel=relabel)

    def remove_border_labels(
        self, border_width: int, partial_overlap: bool = True, relabel: bool = False
    ) -> None:
        """Remove the labels near the edges of the image.

        Parameters
        ----------
        border_width : int
            The width of the border in pixels, less than half of the shorter side.
        partial_overlap : bool, optional
            Whether to remove labels that are partly in the border; those wholly in it always go.
        relabel : bool, optional
            Whether to renumber the others from 1 afterwards.

        Raises
        ------
        ValueError
            If ``border_width`` is no positive integer or too large.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0], [0, 7, 0], [0, 0, 0]]))
        >>> segm.remove_border_labels(1)
        >>> segm.labels
        array([7])
        """
        width = check_positive_integer(border_width, "border_width")
        if 2 * width >= min(self.shape):
            raise ValueError(
                "border_width must be smaller than half the array size in any dimension, got "
                f"{width} for the shape {self.shape}"
            )
        last = np.asarray(self.shape) - width
        box = extents(self._sources, self.shape)
        touches = ((box[:, :, 0] < width) | (box[:, :, 1] > last)).any(axis=1)
        if not partial_overlap:
            touching = np.flatnonzero(touches)
            rows = self._sources.take(touching)
            inside = array_namespace(pixel=rows.pixel).zeros(rows.pixel.shape, dtype=bool)
            for axis, end in enumerate(last.tolist()):
                place = coordinate(rows.pixel, self.shape, axis)
                inside |= (place < width) | (place >= end)
            touches[touching] = _within(inside, rows)[1]
        self._remove(touches, relabel)

    def remove_masked_labels(
        self, mask: Any, partial_overlap: bool = True, relabel: bool = False
    ) -> None:
        """Remove the labels that lie in a masked region.

        Parameters
        ----------
        mask : array_like of bool, shape (ny, nx)
            True where pixels are masked.
        partial_overlap : bool, optional
            Whether to remove labels that are partly masked; those wholly masked always go.
        relabel : bool, optional
            Whether to renumber the others from 1 afterwards.

        Raises
        ------
        ValueError
            If ``mask`` has another shape than the data.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> mask = [[True, True, False, True], [False, False, False, False]]
        >>> segm.remove_masked_labels(mask, partial_overlap=False)
        >>> segm.labels
        array([4, 7])
        """
        xp = array_namespace(data=self._data, mask=mask)
        mask = as_mask(mask, "mask", xp, shape=self.shape, like="the segmentation array")
        if mask is None:
            raise ValueError("mask must be a boolean array of the shape of the data, got None")
        partly, wholly = _within(mask.reshape(-1)[self._sources.pixel], self._sources)
        self._remove(partly if partial_overlap else wholly, relabel)

    def _check_new_label(self, value: Any, name: str = "new_label") -> int:
        """Return a label as an int, if the data can hold it."""
        if not _is_whole(value) or value < 0:
            raise ValueError(f"{name} must be a nonnegative integer, got {value!r}")
        dtype = self.dtype
        if int(value) > np.iinfo(dtype).max:
            raise ValueError(
                f"{name} {int(value)} cannot be represented in the dtype of the data, {dtype}, "
                f"whose largest value is {np.iinfo(dtype).max}: use data of a wider dtype"
            )
        return int(value)

    def _remove(self, gone: Any, relabel: bool) -> None:
        """Remove the labels where ``gone`` (bool, one per label); renumber the others on demand."""
        kept = np.cumsum(~gone) if relabel else self.labels
        self._rename(np.where(gone, 0, kept))

    def _rename(self, names: Any) -> None:
        """Give each label, in order, the name ``names``; 0 removes it, equal names merge."""
        labels, sources = self.labels, self._sources
        names = names.astype(labels.dtype)
        changed = np.flatnonzero(names != labels)
        if changed.size == 0:
            return
        self._write(names, changed)
        self._provenance = self._provenance.relabelled(labels, names)
        # Where no label goes and their order stays, so does what lists facts about them.
        same = bool((names[1:] > names[:-1]).all() and names[0] > 0)
        carried = {each: self.__dict__[each] for each in CARRIED if same and each in self.__dict__}
        self._forget()
        self.__dict__.update(carried)
        if names.max() > LARGEST:
            names, self.labels = consecutive(names)
        self._sources = sources.renamed(like(names.astype(np.int32), sources.pixel))

    def _write(self, names: Any, changed: Any) -> None:
        """Write the new names of labels, those at the positions ``changed``, into the data."""
        data, sources = self._array, self._sources
        largest = self.max_label
        if self._shared and data.dtype == np.int32 and largest <= data.size:
            # A new image is needed anyway: looking every pixel up costs no more than copying.
            table = np.zeros(largest + 1, np.int32)
            table[self.labels] = names
            whole = array_namespace(data=data).ascontiguousarray(data)
            flat = whole.reshape(1, -1) if whole.ndim != 2 else whole
            self._array = labelling.relabel(flat, like(table, flat), None).reshape(self.shape)
        else:
            self._array = data.copy() if self._shared else data
            rows = sources if changed.size == len(sources) else sources.take(changed)
            new = like(names[changed], self._array)
            self._array.reshape(-1)[rows.pixel] = repeat(new, rows.area)
        self._shared = False


def _is_whole(value: Any) -> bool:
    """Whether ``value`` is a single number without a fraction."""
    try:
        return np.ndim(value) == 0 and int(value) == value
    except (TypeError, ValueError, OverflowError):
        return False


def _within(inside: Any, sources: Sources) -> tuple[Any, Any]:
    """Return which sources have any, and which have all their pixels ``inside`` (bool[N])."""
    count = to_host(count_in_rows(inside, sources.start))
    return count > 0, count == sources.host.area
