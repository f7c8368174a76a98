"""The segmentation image."""

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.names import canonical_attribute
from skyshed.namespace import array_namespace, repeat, to_host
from skyshed.segmentation.drawing import Drawing
from skyshed.segmentation.editing import Editing
from skyshed.segmentation.exchange import Exchange, as_segmentation_image
from skyshed.segmentation.labels import as_areas, as_known_labels, check_scalar
from skyshed.segmentation.masks import Masks
from skyshed.segmentation.patches import Patches
from skyshed.segmentation.provenance import Provenance
from skyshed.segmentation.reader import LabelReader
from skyshed.segmentation.regions import Regions
from skyshed.segmentation.segment import Segment
from skyshed.sources import Sources

__all__ = ["SegmentationImage"]

#: What a copy keeps of the derived values: `Sources` never change, and the colours are the user's.
KEPT = ("_sources", "cmap")


class SegmentationImage(Editing, Masks, Drawing, Patches, Regions, Exchange):
    """An image of labels: 0 is the background, every positive integer a source.

    Parameters
    ----------
    data : array of int, shape (ny, nx)
        The labels, a NumPy or a CuPy array. It is kept, not copied, and never modified: the first
        edit copies it.

    Attributes
    ----------
    info : dict
        What the maker of the image noted about it; empty once `data` is assigned.

    Raises
    ------
    TypeError
        If ``data`` is no array, is a masked array, or does not hold integers.
    ValueError
        If ``data`` holds negative values.

    Notes
    -----
    Everything about the labels is read from `sources`, which follow every edit.
    ``segm[y0:y1, x0:x1]`` is a new segmentation image of that window; its data are a view.

    The labels need not be in memory: see `from_reader`.

    The data may have any integer dtype, and any number of dimensions: labels, areas and slices are
    known then, and labels can be edited, but they can't be measured or drawn.

    Of CuPy labels, `data` and other images stay on the device; labels, areas and boxes come as
    NumPy arrays and lists.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SegmentationImage
    >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 0, 0, 4], [7, 7, 0, 4]]))
    >>> print(segm)
    <skyshed.segmentation.SegmentationImage>
    shape: (3, 4)
    nlabels: 3
    labels: [1 4 7]
    >>> segm.areas
    array([2, 3, 2])
    """

    @classmethod
    def _from_labels(
        cls,
        labels: Any,
        *,
        sources: Sources | None = None,
        deblended_labels_map: Any = None,
        flags_map: Any = None,
        info: dict[str, Any] | None = None,
    ) -> "SegmentationImage":
        """Wrap labels that are known to be valid, without looking at them.

        Parameters
        ----------
        labels : array of int, shape (ny, nx), C-contiguous
            The labels. The caller gives the array away.
        sources : `~skyshed.sources.Sources`, optional
            Their sources under those labels, if known.
        deblended_labels_map : dict or tuple of two int arrays, optional
            ``{deblended label: parent label}``, or the same as a pair of columns.
        flags_map : dict or tuple of two int arrays, optional
            ``{label: flags}``, or the same as a pair of columns; other labels have no flags.
        info : dict, optional
            Notes of the maker.
        """
        segm = cls.__new__(cls)
        segm._array = labels
        segm._shared = False
        segm._provenance = Provenance.from_maps(deblended_labels_map, flags_map)
        segm.info = {} if info is None else info
        if sources is not None:
            segm._sources = sources
        return segm

    @classmethod
    def from_reader(
        cls,
        read: Callable[[int, int, int, int], Any],
        labels: Any,
        *,
        shape: tuple[int, int],
        dtype: Any,
        areas: Any = None,
        provenance: Provenance | None = None,
        info: dict[str, Any] | None = None,
    ) -> "SegmentationImage":
        """Make a segmentation image of labels that are not in memory.

        Without reading pixels it knows its labels and what follows from them (`nlabels`,
        `max_label`, `missing_labels`, ...), `shape`, `dtype`, `flags`, `deblended_labels` and their
        maps, `info`, and `areas` if they are given. `read` and ``segm[y0:y1, x0:x1]`` read that
        window each time. Everything else (`data`, `sources`, `slices`, edits, a copy, a pickle)
        reads the whole image once and keeps it.

        Parameters
        ----------
        read : callable
            ``read(y0, y1, x0, x1)`` returns the labels of the rows ``y0`` to ``y1 - 1`` and the
            columns ``x0`` to ``x1 - 1`` as a NumPy array.
        labels : array_like of int, shape (n,)
            All labels, ascending.
        shape : tuple of int
            The shape ``(ny, nx)`` of the image.
        dtype : dtype
            The integer dtype of the labels; what ``read`` returns is converted.
        areas : array_like of int, shape (n,), optional
            The number of pixels of each label; `None` where they are to be counted when needed.
        provenance : `~skyshed.segmentation.provenance.Provenance`, optional
            What deblending noted about the labels.
        info : dict, optional
            Notes of the maker.

        Returns
        -------
        segm : `SegmentationImage`

        Raises
        ------
        TypeError
            If ``read`` can't be called, or ``dtype`` or ``labels`` are not integers.
        ValueError
            If ``labels`` are not positive and ascending or do not fit ``dtype``, if ``areas`` has
            another shape, or ``shape`` is not two integers.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> image = np.array([[1, 1, 0, 4], [0, 0, 0, 4], [7, 7, 0, 4]])
        >>> def read(y0, y1, x0, x1):
        ...     print("reading", (y0, y1, x0, x1))
        ...     return image[y0:y1, x0:x1]
        >>> segm = SegmentationImage.from_reader(read, [1, 4, 7], shape=(3, 4), dtype=int)
        >>> segm.nlabels, segm.is_consecutive
        (3, False)
        >>> segm[1:, :2].labels
        reading (1, 3, 0, 2)
        array([7])
        >>> segm.areas
        reading (0, 3, 0, 4)
        array([2, 3, 2])
        """
        segm = cls.__new__(cls)
        segm._reader = LabelReader.checked(read, shape, dtype)
        segm.labels = as_known_labels(labels, segm._reader.dtype)
        if areas is not None:
            segm.areas = as_areas(areas, segm.nlabels)
        segm._shared = True
        segm._provenance = Provenance() if provenance is None else provenance
        segm.info = {} if info is None else info
        return segm

    def __getstate__(self) -> dict[str, Any]:
        # What reads the pixels may not be fit to be copied or pickled; the pixels are.
        _ = self._array
        return self.__dict__.copy()

    def __repr__(self) -> str:
        with np.printoptions(threshold=25, edgeitems=5):
            facts = f"shape: {self.shape}\nnlabels: {self.nlabels}\nlabels: {self.labels}"
        return f"<skyshed.segmentation.{type(self).__name__}>\n{facts}"

    def __getattr__(self, name: str) -> Any:
        return canonical_attribute(self, name)

    def __getitem__(self, key: Any) -> "SegmentationImage":
        pair = isinstance(key, tuple) and len(key) == 2
        if not (pair and all(isinstance(k, slice) for k in key)):
            raise TypeError(f"{key!r} is not a valid 2D slice object: cut with segm[y0:y1, x0:x1]")
        window = self.data[key] if self._reader is None else self._reader.cut(*key)
        if window.size == 0:
            raise ValueError(
                f"The sliced result is empty: {key!r} cuts nothing out of an image of shape "
                f"{self.shape}"
            )
        return SegmentationImage(window)

    def copy(self) -> "SegmentationImage":
        """Return a deep copy."""
        new = copy.copy(self)
        new._forget()
        new.__dict__.update({name: self.__dict__[name] for name in KEPT if name in self.__dict__})
        new.labels = self.labels.copy()
        new._array, new._shared = self._array.copy(), False
        new.info = copy.deepcopy(self.info)
        return new

    def to_host(self) -> "SegmentationImage":
        """Return a copy with NumPy data; this image itself where its data are that already."""
        if not self._is_on_device:
            return self
        new = copy.copy(self)
        new._forget()
        new._array, new._shared = to_host(self._data), False
        new.info = copy.deepcopy(self.info)
        return new

    @cached_property
    def segments(self) -> list[Segment]:
        """A `Segment` for each label."""
        return self._segments_at(range(self.nlabels))

    def get_segment(self, label: int) -> Segment:
        """Return the `Segment` of one label.

        Raises
        ------
        TypeError
            If ``label`` is not a scalar.
        ValueError
            If it does not occur.
        """
        check_scalar(label, "get_segments")
        return self.get_segments(label)[0]

    def get_segments(self, labels: Any) -> list[Segment]:
        """Return the `Segment` of each of ``labels``; see `get_index` for errors."""
        return self._segments_at(self.get_index(np.atleast_1d(labels)))

    def _segments_at(self, index: Any) -> list[Segment]:
        labels, areas, boxes = self.labels, self.areas, self.bbox
        return [
            Segment.with_outline(self._array, labels[i], self.slices[i], boxes[i], int(areas[i]))
            for i in index
        ]

    def get_label_mapping(self, other: Any, *, labels: Any = None) -> dict[int, Any]:
        """Say which labels of another segmentation image lie on the pixels of each label.

        Parameters
        ----------
        other : `SegmentationImage`
            An image of the same shape; photutils' is taken, too.
        labels : int or array_like of int, optional
            The labels to map; `None` for all.

        Returns
        -------
        mapping : dict
            ``{label: array of the other's labels}``, ascending; 0 where the other has background.

        Raises
        ------
        TypeError
            If ``other`` is no segmentation image.
        ValueError
            If the shapes differ or a label does not occur.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> parents = SegmentationImage(np.array([[1, 1, 0, 2], [0, 1, 0, 2]]))
        >>> children = SegmentationImage(np.array([[1, 3, 0, 2], [0, 3, 0, 2]]))
        >>> parents.get_label_mapping(children)
        {1: array([1, 3]), 2: array([2])}
        """
        other = as_segmentation_image(other, "other")
        if other.shape != self.shape:
            raise ValueError(
                f"other must have the same shape as this segmentation image, {self.shape}; "
                f"got {other.shape}"
            )
        rows, mine = self._sources, self.labels
        if labels is not None:
            index = np.atleast_1d(self.get_index(labels))
            rows, mine = rows.take(index), mine[index]
        xp = array_namespace(data=self._data, other=other._data)
        theirs = other._data.reshape(-1)[rows.pixel]
        row = repeat(xp.arange(len(rows)), rows.area)
        order = theirs.argsort(kind="stable")
        order = order[row[order].argsort(kind="stable")]
        theirs, row = theirs[order], row[order]
        new = xp.ones(row.shape, dtype=bool)
        new[1:] = (row[1:] != row[:-1]) | (theirs[1:] != theirs[:-1])
        theirs, row = to_host(theirs[new]), to_host(row[new])
        parts = np.split(theirs, np.searchsorted(row, np.arange(1, len(rows))))
        return dict(zip(mine.tolist(), parts, strict=False))

    @cached_property
    def deblended_labels(self) -> Any:
        """The labels that deblending made, ascending."""
        return np.unique(self._provenance.child).astype(self.dtype)

    @cached_property
    def deblended_labels_map(self) -> dict[int, int]:
        """``{deblended label: parent label}``; of a label merged from several parents the last."""
        return self._provenance.parent_of()

    @cached_property
    def deblended_labels_inverse_map(self) -> dict[int, Any]:
        """``{parent label: array of deblended labels}``."""
        return self._provenance.children_of(self.dtype)

    @property
    def provenance(self) -> Provenance:
        """What deblending noted about the labels: their parents and flags, as they are now."""
        return self._provenance

    @property
    def flags(self) -> Any:
        """What deblending noted about each label: bit flags, int64."""
        return self._provenance.flags_of(self.labels)
