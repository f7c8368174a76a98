"""The segmentation image: which source each pixel belongs to."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from skyshed._typing import Array, Labels, Mask, Pair, PerSource
from skyshed.names import canonical_attribute
from skyshed.namespace import adopt, device_of, only_on_host, stays_on_device, to_host
from skyshed.notebook import card, colours_of_labels, picture_of_labels, quietly, sampled
from skyshed.optional import need
from skyshed.peers import PassesAsPhotutils
from skyshed.plotting import show_colours
from skyshed.segmentation import drawing, editing, exchange, growing, masks
from skyshed.segmentation.bounding_box import BoundingBox
from skyshed.segmentation.label_mapping import map_labels
from skyshed.segmentation.label_table import LabelTable
from skyshed.segmentation.numbering import LARGEST, collect
from skyshed.segmentation.patches import make_patches, plot_patches
from skyshed.segmentation.polygons import need_tracing
from skyshed.segmentation.provenance import Provenance
from skyshed.segmentation.reader import LabelReader
from skyshed.segmentation.regions import make_regions, regions_by_label
from skyshed.segmentation.segment import Segment
from skyshed.segmentation.validation import (
    as_areas,
    as_known_labels,
    check_label_image,
    check_scalar,
)
from skyshed.shrinking import block_max, shown_pixels
from skyshed.sources import Sources

__all__ = ["SegmentationImage", "as_segmentation_image"]

BLACK = "#000000ff"


@stays_on_device
class SegmentationImage(PassesAsPhotutils):
    """An image of labels: 0 is the background, every positive integer a source.

    Parameters
    ----------
    data : array of int, shape (ny, nx)
        The labels, a NumPy or a CuPy array. It is kept, not copied, and never modified: the first
        edit copies it.

    Attributes
    ----------
    info : dict
        Notes of the function that made the image; empty once `data` is assigned.

    Raises
    ------
    TypeError
        If ``data`` is not an array, is a masked array, or does not hold integers.
    ValueError
        If ``data`` holds negative values.

    Notes
    -----
    Everything about the labels is read from `sources`, which follow every edit.
    ``segm[y0:y1, x0:x1]`` is a new segmentation image of that window; its data are a view.

    The labels need not be in memory: see `from_reader`.

    The data may have any integer dtype, and any number of dimensions. Where they are not 2-D,
    labels, areas and slices are known and labels can be edited, but not measured or drawn.

    If the labels are a CuPy array, `data` and other images stay on the device, while labels, areas
    and boxes are NumPy arrays and lists.

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

    #: All that is known about the labels. An edit replaces it.
    _table: LabelTable
    #: Whether anyone else may hold the array of labels. If so, an edit writes to a copy.
    _is_shared: bool
    #: The number of labels that a user set, until the next edit.
    _nlabels: int | None
    #: The colours, once they are asked for.
    _cmap: Any
    info: dict[str, Any]

    def __init__(self, data: Array) -> None:
        self.data = data

    @classmethod
    def from_labels(
        cls,
        labels: Any,
        *,
        sources: Sources | None = None,
        deblended_labels_map: Any = None,
        flags_map: Any = None,
        before_map: Any = None,
        info: dict[str, Any] | None = None,
    ) -> SegmentationImage:
        """Wrap labels that are known to be valid, without looking at them.

        Parameters
        ----------
        labels : array of int, shape (ny, nx), C-contiguous
            The labels. The caller gives the array away: edits may write into it.
        sources : `~skyshed.sources.Sources`, optional
            Their sources under those labels, if known.
        deblended_labels_map : dict or tuple of two int arrays, optional
            ``{deblended label: parent label}``, or the same as a pair of columns.
        flags_map : dict or tuple of two int arrays, optional
            ``{label: flags}``, or the same as a pair of columns; other labels have no flags.
        before_map : dict or tuple of two int arrays, optional
            ``{label: label before deblending}`` of labels that were not split.
        info : dict, optional
            Notes about the image.

        Returns
        -------
        segm : `SegmentationImage`

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> labels = np.array([[1, 2, 0, 4]], dtype=np.int32)
        >>> segm = SegmentationImage.from_labels(labels, deblended_labels_map={1: 3, 2: 3})
        >>> segm.deblended_labels_inverse_map
        {3: array([1, 2], dtype=int32)}
        """
        provenance = Provenance.from_maps(deblended_labels_map, flags_map, before_map)
        return cls._of_table(LabelTable(labels, provenance, sources), False, info)

    @classmethod
    def from_reader(
        cls,
        read: Callable[[int, int, int, int], Any],
        labels: npt.ArrayLike,
        *,
        shape: tuple[int, int],
        dtype: npt.DTypeLike,
        areas: npt.ArrayLike | None = None,
        provenance: Provenance | None = None,
        info: dict[str, Any] | None = None,
    ) -> SegmentationImage:
        """Make a segmentation image of labels that are not in memory.

        Without reading pixels it knows its labels and what follows from them (`nlabels`,
        `max_label`, `missing_labels`, ...), `shape`, `dtype`, `flags`, `deblended_labels` and their
        maps, `info`, and `areas` if they are given. `read` and ``segm[y0:y1, x0:x1]`` read that
        window each time. Everything else (`data`, `sources`, `slices`, edits, a deep copy, a
        pickle) reads the whole image once and keeps it.

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
            The number of pixels of each label; `None` if they are to be counted when needed.
        provenance : `~skyshed.segmentation.provenance.Provenance`, optional
            The parents and flags that deblending gave the labels.
        info : dict, optional
            Notes about the image.

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
        reader = LabelReader.checked(read, shape, dtype)
        known_labels = as_known_labels(labels, reader.dtype)
        known_areas = None if areas is None else as_areas(areas, len(known_labels))
        table = LabelTable(reader, provenance or Provenance(), None, known_labels, known_areas)
        return cls._of_table(table, True, info)

    @classmethod
    def from_photutils(cls, segm: Any) -> SegmentationImage:
        """Make a segmentation image of one of photutils.

        Functions that take a `SegmentationImage` accept photutils' as well, and convert it
        themselves.

        Parameters
        ----------
        segm : `photutils.segmentation.SegmentationImage`
            It is not modified. Its array is shared until one of the two is edited.

        Returns
        -------
        segm : `SegmentationImage`
            With the same labels, parents of deblended labels, flags, and notes.

        Examples
        --------
        >>> import numpy as np
        >>> from photutils.segmentation import SegmentationImage as Peer
        >>> from skyshed import SegmentationImage
        >>> SegmentationImage.from_photutils(Peer(np.array([[0, 7], [2, 0]]))).labels
        array([2, 7])
        """
        new = cls(segm.data)
        new._table = new._table.with_provenance(exchange.read_provenance(segm, new.labels))
        new.info = dict(getattr(segm, "info", {}))
        return new

    @classmethod
    def _of_table(cls, table: LabelTable, is_shared: bool, info: Any) -> SegmentationImage:
        segm = cls.__new__(cls)
        segm._begin(table, is_shared)
        segm.info = {} if info is None else info
        return segm

    def _begin(self, table: LabelTable, is_shared: bool) -> None:
        """Replace all facts about the labels; nothing that was derived from old ones stays."""
        self._table, self._is_shared, self._cmap = table, is_shared, None
        self._nlabels = None
        self._device = device_of(table.image)
        # Cached properties of subclasses are kept here, not on the table.
        for name in list(vars(self)):
            if isinstance(getattr(type(self), name, None), functools.cached_property):
                del vars(self)[name]

    def _edit(self, numbers: Any) -> None:
        """Give each label, in order, a new number; 0 removes it."""
        try:
            table = editing.renumber(self._table, numbers, in_place=not self._is_shared)
        except IndexError as error:
            raise IndexError(
                "the data of this segmentation image were changed in place, and have labels that "
                "were not there when they were looked at: set them anew (segm.data = segm.data) "
                "before they are edited"
            ) from error
        if table is not self._table:
            self._begin(table, is_shared=False)

    def to_photutils(self) -> Any:
        """Return the labels as a segmentation image of photutils.

        Returns
        -------
        segm : `photutils.segmentation.SegmentationImage`
            It shares the array until one of the two is edited; labels on a device are copied to the
            host. It has the parents of deblended labels and, where that photutils knows them, flags
            and notes.

        Raises
        ------
        ImportError
            If photutils is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> type(SegmentationImage(np.array([[0, 7], [2, 0]])).to_photutils()).__module__
        'photutils.segmentation.core'
        """
        return exchange.make_photutils_image(self.data, self._table, self.info)

    def to_host(self) -> SegmentationImage:
        """Return a copy with NumPy data; this image itself where its data are not on a device.

        Returns
        -------
        segm : `SegmentationImage`

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 7], [2, 0]]))
        >>> segm.to_host() is segm
        True
        """
        if not self._table.is_on_device:
            return self
        new = copy.copy(self)
        new._begin(LabelTable(to_host(self._table.data), self.provenance), is_shared=False)
        new.info = copy.deepcopy(self.info)
        return new

    def copy(self) -> SegmentationImage:
        """Return a deep copy.

        Returns
        -------
        segm : `SegmentationImage`

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 7], [2, 0]]))
        >>> other = segm.copy()
        >>> other.remove_label(2)
        >>> segm.labels, other.labels
        (array([2, 7]), array([7]))
        """
        new = copy.copy(self)
        new._begin(self._table.copy(), is_shared=False)
        new._cmap, new._nlabels = self._cmap, self._nlabels
        new.info = copy.deepcopy(self.info)
        return new

    def __copy__(self) -> SegmentationImage:
        self._is_shared = True
        new = type(self).__new__(type(self))
        vars(new).update(vars(self))
        return new

    @quietly
    def _repr_html_(self) -> str:
        facts = [
            ("image", " x ".join(map(str, reversed(self.shape))) + " pixels"),
            ("sources", f"{self.nlabels:,}"), ("dtype", self.dtype),
        ]  # fmt: skip
        if len(self.shape) != 2:
            return card(type(self).__name__, facts)
        labels, which = sampled(self.read, self.shape, self._table.reader is None)
        return card(type(self).__name__, facts, picture_of_labels(labels), which)

    def __repr__(self) -> str:
        with np.printoptions(threshold=25, edgeitems=5):
            facts = f"shape: {self.shape}\nnlabels: {self.nlabels}\nlabels: {self.labels}"
        return f"<skyshed.segmentation.{type(self).__name__}>\n{facts}"

    def __getattr__(self, name: str) -> Any:
        return canonical_attribute(self, name)

    def __getitem__(self, key: Any) -> SegmentationImage:
        is_pair = isinstance(key, tuple) and len(key) == 2
        if not (is_pair and all(isinstance(part, slice) for part in key)):
            raise TypeError(f"{key!r} is not a valid 2D slice object: cut with segm[y0:y1, x0:x1]")
        reader = self._table.reader
        window = self.data[key] if reader is None else reader.cut(*key)
        if window.size == 0:
            raise ValueError(
                f"The sliced result is empty: {key!r} cuts nothing out of an image of shape "
                f"{self.shape}"
            )
        return SegmentationImage(window)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        table = self._table
        return (table.data if table.reader is None else np.empty(0)).__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        # An AttributeError tells other libraries to look for another way to the labels.
        if not self._table.is_on_device:
            raise AttributeError("the labels are on the host: they have no CUDA array interface")
        return self.data.__cuda_array_interface__

    @property
    def data(self) -> Array:
        """The labels, int, shape (ny, nx). Assigning to it replaces everything."""
        self._is_shared = True
        return self._table.data

    @data.setter
    def data(self, value: Array) -> None:
        value = adopt(value, "data")
        check_label_image(value)
        sources, labels = collect(value)
        self._begin(LabelTable(value, known_sources=sources, known_labels=labels), is_shared=True)
        self.info = {}

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Array:
        """Return the labels of a window as an array.

        Parameters
        ----------
        y0, y1, x0, x1 : int
            The bounds of the window, ``0 <= y0 <= y1 <= ny`` and ``0 <= x0 <= x1 <= nx``.

        Returns
        -------
        labels : array of int, shape (y1 - y0, x1 - x0)
            A view of `data`, on the same device, where the labels are in memory. Otherwise the
            window is read, and not kept.

        Raises
        ------
        ValueError
            If the window is not within the image, or the data are not 2-D.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]])).read(0, 2, 2, 4)
        array([[0, 4],
               [7, 4]])
        """
        self._table.check_window(y0, y1, x0, x1)
        reader = self._table.reader
        return self.data[y0:y1, x0:x1] if reader is None else reader.read(y0, y1, x0, x1)

    @property
    def label_table(self) -> LabelTable:
        """All facts about the labels, a `~skyshed.segmentation.label_table.LabelTable`.

        Do not modify it or keep it: an edit replaces it and may overwrite its array.
        """
        return self._table

    @property
    def sources(self) -> Sources:
        """Where each label's pixels are, a `~skyshed.sources.Sources`.

        Raises
        ------
        ValueError
            If a label does not fit a 32-bit integer.
        """
        if self.max_label > LARGEST:
            raise ValueError(
                f"labels must be at most {LARGEST} here, the largest is {self.max_label}: renumber "
                "them with relabel_consecutive()"
            )
        return self._table.sources

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape ``(ny, nx)``."""
        return self._table.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the labels."""
        return self._table.dtype

    @property
    def labels(self) -> PerSource:
        """The labels, ascending, in the dtype of the data."""
        return self._table.labels

    @property
    def nlabels(self) -> int:
        """The number of labels.

        It may be set, as that of photutils: pipelines write ``segm.nlabels = 0`` where they reject
        all sources. The next edit of the labels counts them anew.
        """
        return self._table.nlabels if self._nlabels is None else self._nlabels

    @nlabels.setter
    def nlabels(self, value: int) -> None:
        self._nlabels = value

    @property
    def n_labels(self) -> int:
        """The number of labels; see `nlabels`."""
        return self.nlabels

    @n_labels.setter
    def n_labels(self, value: int) -> None:
        self.nlabels = value

    @property
    def max_label(self) -> int:
        """The largest label, 0 if there is none."""
        return self._table.max_label

    @property
    def is_consecutive(self) -> bool:
        """Whether the labels are 1, 2, 3, ... without a gap; False if there is none."""
        return self._table.is_consecutive

    @property
    def missing_labels(self) -> PerSource:
        """The integers between 1 and the largest label that are not labels."""
        return self._table.missing_labels

    @property
    def areas(self) -> PerSource:
        """The number of pixels of each label, int64."""
        return self._table.areas

    @property
    def background_area(self) -> int:
        """The number of pixels that belong to no label."""
        return self._table.background_area

    @property
    def slices(self) -> list[tuple[slice, ...]]:
        """For each label the slices ``(y, x)`` of the smallest box that holds it."""
        return self._table.slices

    @property
    def bbox(self) -> list[BoundingBox]:
        """For each label the smallest `BoundingBox` that holds it.

        Raises
        ------
        ValueError
            If the data are not 2-D.
        """
        return self._table.bbox

    @property
    def data_ma(self) -> Any:
        """The labels as a masked array, the background masked.

        Raises
        ------
        TypeError
            If the labels are on a device.
        """
        only_on_host(self._table.data, "data_ma", "masked arrays are NumPy's; use data")
        return np.ma.masked_where(self.data == 0, self.data)

    @property
    def deblended_labels(self) -> PerSource:
        """The labels that deblending made, ascending."""
        return self._table.deblended_labels

    @property
    def deblended_labels_map(self) -> dict[int, int]:
        """``{deblended label: parent label}``; the last parent of a label merged from several."""
        return self._table.parents

    @property
    def deblended_labels_inverse_map(self) -> dict[int, Any]:
        """``{parent label: array of deblended labels}``."""
        return self._table.children

    @property
    def provenance(self) -> Provenance:
        """The parents and flags that deblending gave the labels, kept up to date by edits."""
        return self._table.provenance

    @property
    def _flags_map(self) -> dict[int, int]:
        """``{label: flags}``: what photutils' catalogs read of a segmentation image."""
        noted = self.provenance
        return dict(zip(noted.flagged.tolist(), noted.flags.tolist(), strict=True))

    @property
    def flags(self) -> PerSource:
        """The flags that deblending gave each label, int64; see `SEGMENTATION_FLAGS`."""
        return self._table.flags

    def check_label(self, label: int) -> None:
        """Raise a ValueError if a label does not occur; see `check_labels`."""
        self._table.check_labels(label)

    def check_labels(self, labels: Labels) -> None:
        """Raise an error if any of some labels does not occur.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.

        Raises
        ------
        ValueError
            If one does not occur; those that do not are named.
        """
        self._table.check_labels(labels)

    def get_index(self, label: Labels) -> Array:
        """Return the position of a label in `labels`.

        Parameters
        ----------
        label : int or array_like of int
            The label.

        Returns
        -------
        index : int or array of int

        Raises
        ------
        ValueError
            If it does not occur.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
        >>> int(segm.get_index(4))
        1
        """
        return self._table.index_of(label)

    def get_indices(self, labels: Labels) -> Array:
        """Return the positions of some labels in `labels`; see `get_index`."""
        return self._table.index_of(labels)

    def get_area(self, label: int) -> Any:
        """Return the number of pixels of one label; see `get_areas`."""
        return self.get_areas(label)[0]

    def get_areas(self, labels: Labels) -> Array:
        """Return the number of pixels of some labels.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.

        Returns
        -------
        areas : array of int64, shape (n,)
            In the order of ``labels``.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        return self.areas[self.get_index(np.atleast_1d(labels))]

    @property
    def segments(self) -> list[Segment]:
        """A `Segment` for each label."""
        return self._table.segments

    def get_segment(self, label: int) -> Segment:
        """Return the `Segment` of one label; see `get_segments`."""
        check_scalar(label, "get_segments")
        return self.get_segments(label)[0]

    def get_segments(self, labels: Labels) -> list[Segment]:
        """Return the `Segment` of each of some labels.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.

        Returns
        -------
        segments : list of `Segment`
            In the order of ``labels``.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        return self._table.segments_at(self.get_index(np.atleast_1d(labels)))

    def get_label_mapping(self, other: Any, *, labels: Labels | None = None) -> dict[int, Any]:
        """Find which labels of another segmentation image lie on the pixels of each label.

        Parameters
        ----------
        other : `SegmentationImage`
            An image of the same shape; one of photutils is accepted, too.
        labels : int or array_like of int, optional
            The labels to map; `None` for all.

        Returns
        -------
        mapping : dict
            ``{label: array of the other's labels}``, ascending; 0 where the other has background.

        Raises
        ------
        TypeError
            If ``other`` is not a segmentation image.
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
        return map_labels(self._table, as_segmentation_image(other, "other").label_table, labels)

    def reassign_label(self, label: int, new_label: int, relabel: bool = False) -> None:
        """Give one label another number; see `reassign_labels`."""
        self.reassign_labels(label, new_label, relabel=relabel)

    def reassign_labels(self, labels: Labels, new_label: int, relabel: bool = False) -> None:
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
            If a label does not occur, or ``new_label`` is negative, not an integer, or too large
            for the dtype of the data.

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
        self._edit(editing.reassign(self._table, labels, new_label, relabel))

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
        self._edit(editing.consecutive_numbers(self._table, start_label))

    def keep_label(self, label: int, relabel: bool = False) -> None:
        """Remove all labels but one; see `keep_labels`."""
        self.keep_labels(label, relabel=relabel)

    def keep_labels(self, labels: Labels, relabel: bool = False) -> None:
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
        self._edit(editing.keep(self._table, labels, relabel))

    def remove_label(self, label: int, relabel: bool = False) -> None:
        """Make one label background; see `remove_labels`."""
        self.remove_labels(label, relabel=relabel)

    def remove_labels(self, labels: Labels, relabel: bool = False) -> None:
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
            Whether to remove labels that are partly in the border; those wholly in it are always
            removed.
        relabel : bool, optional
            Whether to renumber the others from 1 afterwards.

        Raises
        ------
        ValueError
            If ``border_width`` is not a positive integer or too large.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0], [0, 7, 0], [0, 0, 0]]))
        >>> segm.remove_border_labels(1)
        >>> segm.labels
        array([7])
        """
        self._edit(editing.remove_at_border(self._table, border_width, partial_overlap, relabel))

    def remove_masked_labels(
        self, mask: Mask, partial_overlap: bool = True, relabel: bool = False
    ) -> None:
        """Remove the labels that lie in a masked region.

        Parameters
        ----------
        mask : array_like of bool, shape (ny, nx)
            True where pixels are masked.
        partial_overlap : bool, optional
            Whether to remove labels that are partly masked; those wholly masked are always removed.
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
        self._edit(editing.remove_masked(self._table, mask, partial_overlap, relabel))

    def expand(self, distance: float) -> SegmentationImage:
        """Grow the segments into the background, without merging them.

        Each pixel of the background within ``distance`` of a segment gets the label of the nearest
        one; of several that are equally near, that with the lowest label.

        Parameters
        ----------
        distance : float
            The largest distance in pixels, from centre to centre, 0 or larger.

        Returns
        -------
        segm : `SegmentationImage`
            A new image with the same labels, parents and flags, on the same device. Of labels that
            are not in memory it reads windows with a halo when they are read.

        Raises
        ------
        ValueError
            If ``distance`` is no such number, or the labels are not 2-D; or, when labels are read
            or here, if both it and the diagonal of what is read are above 46,000 pixels.

        See Also
        --------
        make_source_mask : Grow the mask of all sources.

        Notes
        -----
        Distances are exact: they are compared as integers, squared.
        `skimage.segmentation.expand_labels` does the same, but which of several segments that are
        equally near gets a pixel is not defined there.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 0, 0, 0, 0, 0], [0, 7, 0, 4, 0, 0]]))
        >>> segm.expand(1).data
        array([[0, 7, 0, 4, 0, 0],
               [7, 7, 4, 4, 4, 0]])
        """
        distance = growing.check_distance(distance)
        table = self._table
        table.check_2d("expand")
        reader = table.reader
        if reader is None:
            known = LabelTable(growing.grown(table.data, distance), table.provenance, None)
            return self._of_table(known, False, copy.deepcopy(self.info))
        read = partial(growing.grown_window, reader, distance)
        grown = LabelReader.checked(lambda *window: read(window), reader.shape, reader.dtype)
        known = LabelTable(grown, table.provenance, None, table.labels)
        return self._of_table(known, True, copy.deepcopy(self.info))

    def make_source_mask(
        self,
        size: Pair | None = None,
        footprint: npt.ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> Array:
        """Make a mask of all sources, dilated by a footprint if one is given.

        Parameters
        ----------
        size : int or tuple of int, optional
            Sides ``(ny, nx)`` of a rectangular footprint; one number for a square.
        footprint : array_like, shape (my, mx), optional
            The pixels (those that are not 0) that each pixel is dilated to. It overrides ``size``.
        n_threads : int, optional
            Threads to use; `None` for all available cores.

        Returns
        -------
        mask : array of bool, shape (ny, nx)
            True at the sources.

        Raises
        ------
        ValueError
            If ``size`` is not one or two positive integers, or ``footprint`` not 2-D.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 0, 0, 0], [3, 0, 0, 0]]))
        >>> segm.make_source_mask(size=3)
        array([[ True,  True, False, False],
               [ True,  True, False, False]])
        """
        return masks.make_source_mask(self._table, size, footprint, n_threads)

    def outline_segments(self, mask_background: bool = False) -> Array:
        """Make an image of the sources' outer pixels.

        Parameters
        ----------
        mask_background : bool, optional
            Whether to return a masked array, masked wherever there is no outline.

        Returns
        -------
        outlines : array of int or `~numpy.ma.MaskedArray`, shape (ny, nx)
            The label of every pixel with a pixel of another label, the background or the edge of
            the image above, below, left or right of it; 0 elsewhere.

        Raises
        ------
        ValueError
            If the data are not 2-D.
        TypeError
            If a masked array is asked for and the labels are on a device.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 2, 2]]))
        >>> segm.outline_segments()
        array([[1, 1, 1],
               [1, 0, 1],
               [1, 1, 1],
               [0, 2, 2]])
        """
        return masks.outline_segments(self._table, mask_background)

    @property
    def polygons(self) -> list[Any]:
        """The outline of each label, a Shapely polygon.

        The corners of pixels are at half-integers: the centre of the first pixel is (0, 0). Holes
        are interior rings; a label in pieces that do not touch, not even at corners, is a
        `shapely.MultiPolygon`. Where a segment touches itself at a corner its polygon is not
        *valid* in the sense of Shapely; `shapely.make_valid` makes it so.

        Raises
        ------
        ImportError
            If rasterio or Shapely is not installed.
        ValueError
            If the data are not 2-D.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> print(SegmentationImage(np.array([[0, 7, 7]])).polygons[0])
        POLYGON ((0.5 -0.5, 0.5 0.5, 2.5 0.5, 2.5 -0.5, 0.5 -0.5))
        """
        return self._table.polygons

    def get_polygon(self, label: int) -> Any:
        """Return the outline of one label; see `get_polygons`."""
        check_scalar(label, "get_polygons")
        return self.get_polygons(label)[0]

    def get_polygons(self, labels: Labels) -> list[Any]:
        """Return the outlines of some labels, as `polygons` has them.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.

        Returns
        -------
        polygons : list of `shapely.Polygon`, `shapely.MultiPolygon` or None
            In the order of ``labels``; each is `None` without rasterio and Shapely.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        return self._table.polygons_of(labels)

    def to_patches(
        self, *, origin: tuple[float, float] = (0, 0), scale: float = 1.0, **kwargs: Any
    ) -> list[Any]:
        """Return the outline of each label as a patch, white and not filled unless told otherwise.

        Parameters
        ----------
        origin : array_like, optional
            The position ``(x, y)`` of the origin of the image that is shown.
        scale : float, optional
            The number of its pixels along one pixel of this image.
        **kwargs
            Keywords of `matplotlib.patches.PathPatch`.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch`

        Raises
        ------
        ImportError
            If rasterio, Shapely or matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> patch, = SegmentationImage(np.array([[0, 7, 7]])).to_patches(edgecolor="red")
        >>> patch.get_path().get_extents().bounds
        (np.float64(0.5), np.float64(-0.5), np.float64(2.0), np.float64(1.0))
        """
        return make_patches(self.polygons, origin, scale, kwargs)

    def get_patch(
        self,
        label: int,
        *,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        **kwargs: Any,
    ) -> Any:
        """Return the outline of one label as a patch; see `get_patches`."""
        check_scalar(label, "get_patches")
        return self.get_patches(label, origin=origin, scale=scale, **kwargs)[0]

    def get_patches(
        self,
        labels: Labels,
        *,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the outlines of some labels as patches.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.
        origin, scale, **kwargs
            As in `to_patches`.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch` or None
            In the order of ``labels``; `None` without rasterio and Shapely.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        return make_patches(self.get_polygons(labels), origin, scale, kwargs)

    def plot_patches(
        self,
        *,
        ax: Any = None,
        origin: tuple[float, float] = (0, 0),
        scale: float = 1.0,
        labels: Labels | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Plot the outlines of labels.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; `None` for the current axes.
        origin, scale, **kwargs
            As in `to_patches`.
        labels : int or array_like of int, optional
            The labels; `None` for all.

        Returns
        -------
        patches : list of `~matplotlib.patches.PathPatch`
            Those that were added to the axes.

        Raises
        ------
        ImportError
            If rasterio, Shapely or matplotlib is not installed.
        ValueError
            If a label does not occur.
        """
        need_tracing("plot_patches")
        polygons = self.polygons if labels is None else self.get_polygons(labels)
        return plot_patches(polygons, ax, origin, scale, kwargs)

    def to_regions(self, *, group: bool = False, **kwargs: Any) -> Any:
        """Return the outer edge of each label as a region; its holes are filled.

        Parameters
        ----------
        group : bool, optional
            Whether to return one item per label, where a label in several pieces is a
            `regions.Regions`. Otherwise there is one region for each piece, whose ``meta["label"]``
            is the label.
        **kwargs
            Keywords of `regions.RegionVisual`: ``color``, ``linewidth``, ...

        Returns
        -------
        regions : `regions.Regions`, or a list if ``group``

        Raises
        ------
        ImportError
            If rasterio, Shapely or regions is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> region, = SegmentationImage(np.array([[0, 7, 7]])).to_regions(color="red")
        >>> region.meta["label"], region.vertices.x.tolist()
        (7, [0.5, 0.5, 2.5, 2.5])
        """
        need("regions", "to_regions", "regions")
        return make_regions(self.polygons, self.labels, group, kwargs)

    def get_region(self, label: int, **kwargs: Any) -> Any:
        """Return the outer edge of one label as a region; see `get_regions`."""
        check_scalar(label, "get_regions")
        return self.get_regions(label, **kwargs)[0]

    def get_regions(self, labels: Labels, **kwargs: Any) -> list[Any]:
        """Return the outer edges of some labels as regions; their holes are filled.

        Parameters
        ----------
        labels : int or array_like of int
            The labels.
        **kwargs
            Keywords of `regions.RegionVisual`.

        Returns
        -------
        regions : list of `regions.PolygonPixelRegion`, `regions.Regions` or None
            In the order of ``labels``. A label in several pieces is a `regions.Regions`. `None`
            without rasterio and Shapely.

        Raises
        ------
        ImportError
            If regions is not installed.
        ValueError
            If a label does not occur.
        """
        return regions_by_label(self.get_polygons(labels), labels, kwargs)

    @property
    def cmap(self) -> Any:
        """A colormap of a random muted colour for each label on black; `None` without labels.

        The colours are the same each time; `reset_cmap` draws others.
        """
        if self._cmap is None:
            self._cmap = self.make_cmap(seed=0)
        return self._cmap

    @cmap.setter
    def cmap(self, value: Any) -> None:
        self._cmap = value

    def make_cmap(self, background_color: Any = BLACK, seed: int | None = None) -> Any:
        """Make a colormap of random muted colours for ``0 .. max_label``.

        Parameters
        ----------
        background_color : matplotlib color, optional
            The colour of label 0; `None` for a random one.
        seed : int, optional
            The same seed gives the same colours; `None` gives others each time.

        Returns
        -------
        cmap : `~matplotlib.colors.ListedColormap` or None
            `None` if there are no labels.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 1], [4, 4]]))
        >>> segm.make_cmap(seed=1).N
        5
        """
        return drawing.make_cmap(self._table, background_color, seed)

    def reset_cmap(self, seed: int | None = None) -> None:
        """Draw new colours for `cmap`.

        Parameters
        ----------
        seed : int, optional
            As in `make_cmap`.
        """
        self.cmap = self.make_cmap(seed=seed)

    def plot(
        self,
        *,
        ax: Any = None,
        region: tuple[int, int, int, int] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Show the labels in colours that tell neighbours apart, read by windows.

        An image of any size can be shown: one of more than 2048 pixels a side is shrunk by blocks,
        of which the largest label is drawn; `imshow` draws every pixel.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes.
        region : tuple of 4 int, optional
            ``(y0, y1, x0, x1)``, half open: what to show, and to read. `None` for all.
        **kwargs
            Keywords of `~matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`

        Raises
        ------
        ValueError
            If the region is not in the image.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 0, 4], [0, 0, 0, 4], [7, 7, 0, 4]]))
        >>> ax = segm.plot(ax=Figure().subplots(), region=(0, 2, 1, 4))
        >>> tuple(map(float, ax.images[0].get_extent()))
        (0.5, 3.5, -0.5, 1.5)
        """
        ny, nx = self.shape
        labels, extent = shown_pixels(self.read, (ny, nx), region, block_max)
        return show_colours(colours_of_labels(labels), extent, ax=ax, **kwargs)

    def imshow(
        self,
        ax: Any = None,
        figsize: tuple[float, float] | None = None,
        dpi: float | None = None,
        cmap: Any = None,
        alpha: Any = None,
    ) -> Any:
        """Show the labels, the first row at the bottom.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes.
        figsize : tuple of float, optional
            Size of a new figure, in inches.
        dpi : float, optional
            Resolution of a new figure.
        cmap : str or `~matplotlib.colors.Colormap`, optional
            The colours; `None` means `cmap`.
        alpha : float or array_like, optional
            The opacity.

        Returns
        -------
        image : `~matplotlib.image.AxesImage`
        """
        colors = cmap or self.cmap
        return drawing.imshow(self.data, self.max_label, colors, ax, figsize, dpi, alpha)

    def imshow_map(
        self,
        ax: Any = None,
        figsize: tuple[float, float] | None = None,
        dpi: float | None = None,
        cmap: Any = None,
        alpha: Any = None,
        max_labels: int = 25,
        cbar_labelsize: float | None = None,
    ) -> tuple[Any, Any]:
        """Show the labels as 0, 1, 2, ... with a colorbar that names them.

        For images with few labels and large gaps between them.

        Parameters
        ----------
        ax, figsize, dpi, cmap, alpha
            As in `imshow`.
        max_labels : int, optional
            With more labels than this there is no colorbar.
        cbar_labelsize : float, optional
            Font size of the colorbar's labels.

        Returns
        -------
        image : `~matplotlib.image.AxesImage`
            Its values are positions in the labels, not labels.
        colorbar : tuple or None
            The `~matplotlib.colorbar.Colorbar`, its ticks, and the labels there.

        Warns
        -----
        AstropyUserWarning
            If there are more than ``max_labels`` labels.
        """
        if self.nlabels == 0:
            return self.imshow(ax, figsize, dpi, cmap, alpha), None
        return drawing.imshow_map(
            self._table, self.cmap, cmap, max_labels, cbar_labelsize, ax=ax, figsize=figsize,
            dpi=dpi, alpha=alpha,
        )  # fmt: skip


def as_segmentation_image(segm: Any, name: str) -> SegmentationImage:
    """Return a `SegmentationImage`: the given one, or one made of photutils'.

    Parameters
    ----------
    segm : `SegmentationImage` or `photutils.segmentation.SegmentationImage`
        The image. photutils is not imported to recognise its own.
    name : str
        What messages call it.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SegmentationImage
    >>> from skyshed.segmentation import as_segmentation_image
    >>> segm = SegmentationImage(np.array([[0, 7], [2, 0]]))
    >>> as_segmentation_image(segm, "segment_img") is segm
    True
    """
    if isinstance(segm, SegmentationImage):
        return segm
    if exchange.is_photutils_image(segm):
        return SegmentationImage.from_photutils(segm)
    raise TypeError(
        f"{name} must be a SegmentationImage instance, got {type(segm).__name__}: wrap an array of "
        "labels, SegmentationImage(labels)"
    )
