"""The labels of an image, and what follows from where they are."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.namespace import is_device_array, like
from skyshed.segmentation.bounding_box import BoundingBox, boxes_of, slices_of
from skyshed.segmentation.numbering import LARGEST, collect, consecutive, extents
from skyshed.segmentation.polygons import can_draw, draw, need_tracing
from skyshed.segmentation.provenance import Provenance
from skyshed.segmentation.reader import LabelReader
from skyshed.segmentation.segment import Segment
from skyshed.sources import Sources

__all__ = ["LabelTable"]

#: Facts in the order of the labels that do not depend on their numbers.
INDEPENDENT_OF_NUMBERS = ("areas", "slices", "bbox")


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The labels of an image: where their pixels are, and where deblending took them from.

    A table does not change. Facts are derived when they are first needed and kept on the table; an
    edit makes a new table, so that no fact outlives the labels that it is about.

    Attributes
    ----------
    image : array of int, shape (ny, nx), or `~skyshed.segmentation.reader.LabelReader`
        The labels, in memory or to be read. An array may have any number of dimensions.
    provenance : `~skyshed.segmentation.provenance.Provenance`
        The parents and flags that deblending gave the labels.
    known_sources : `~skyshed.sources.Sources`, optional
        The sources, if they are known already. If a label does not fit int32 they are numbered
        1, 2, 3, ... instead, and ``known_labels`` must be given, too.
    known_labels : array of int, shape (n,), optional
        The labels, if they are known already; required for a reader.
    known_areas : array of int64, shape (n,), optional
        The number of pixels of each label, if it is known already.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.segmentation.label_table import LabelTable
    >>> table = LabelTable(np.array([[1, 1, 0, 4], [0, 7, 7, 4]]))
    >>> table.labels, table.areas
    (array([1, 4, 7]), array([2, 2, 2]))
    """

    image: Any
    provenance: Provenance = field(default_factory=Provenance)
    known_sources: Sources | None = None
    known_labels: Any = None
    known_areas: Any = None

    def __getstate__(self) -> dict[str, Any]:
        # The function that reads may not be copyable or picklable; the pixels are.
        return {**vars(self), "image": self.data}

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape ``(ny, nx)``."""
        return self.image.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the labels."""
        return self.image.dtype

    @property
    def reader(self) -> LabelReader | None:
        """The reader, as long as the image has not been read as a whole; `None` otherwise."""
        return self.image if isinstance(self.image, LabelReader) and not self._is_read else None

    @property
    def _is_read(self) -> bool:
        return "data" in vars(self)

    @property
    def is_on_device(self) -> bool:
        """Whether the pixels are on a device."""
        return is_device_array(self.image)

    @cached_property
    def data(self) -> Any:
        """The label of each pixel, as an array; it is read now if it was not in memory."""
        if isinstance(self.image, LabelReader):
            ny, nx = self.image.shape
            return self.image.read(0, ny, 0, nx)
        return self.image

    @cached_property
    def _collected(self) -> tuple[Sources, Any]:
        """The sources and the labels, from the pixels."""
        sources, labels = collect(self.data)
        if self.known_labels is not None and not np.array_equal(self.known_labels, labels):
            raise ValueError(
                f"the {len(labels)} labels of the pixels that were read are not the "
                f"{len(self.known_labels)} labels that the segmentation image was made with"
            )
        return sources, labels

    @property
    def sources(self) -> Sources:
        """Where the pixels of each label are; see ``known_sources`` about their numbers."""
        return self._collected[0] if self.known_sources is None else self.known_sources

    @cached_property
    def labels(self) -> Any:
        """The labels, ascending, in the dtype of the image."""
        if self.known_labels is not None:
            return self.known_labels
        if self.known_sources is not None:
            return self.known_sources.host.labels.astype(self.dtype)
        return self._collected[1]

    @property
    def nlabels(self) -> int:
        """The number of labels."""
        return len(self.sources if self.known_labels is None else self.known_labels)

    @property
    def max_label(self) -> int:
        """The largest label, 0 if there is none."""
        return int(self.labels[-1]) if self.nlabels else 0

    @property
    def is_consecutive(self) -> bool:
        """Whether the labels are 1, 2, 3, ... without a gap; False if there is none."""
        return self.nlabels > 0 and self.max_label == self.nlabels

    @cached_property
    def missing_labels(self) -> Any:
        """The integers between 1 and the largest label that are not labels."""
        present = np.zeros(self.max_label + 1, bool)
        present[0] = True
        present[self.labels] = True
        return np.flatnonzero(~present).astype(self.dtype)

    @cached_property
    def areas(self) -> Any:
        """The number of pixels of each label, int64."""
        return self.sources.host.area if self.known_areas is None else self.known_areas

    @property
    def background_area(self) -> int:
        """The number of pixels that belong to no label."""
        known = self.known_areas
        labelled = self.sources.pixel.size if known is None else int(known.sum())
        return int(np.prod(self.shape, dtype=np.int64)) - labelled

    @property
    def extents(self) -> Any:
        """For each label the half-open range along each axis, int64, shape (n, ndim, 2)."""
        return extents(self.sources, self.shape)

    @cached_property
    def slices(self) -> list[tuple[slice, ...]]:
        """For each label the slices ``(y, x)`` of the smallest box that holds it."""
        return slices_of(self.extents)

    @cached_property
    def bbox(self) -> list[BoundingBox]:
        """For each label the smallest box that holds it."""
        self.check_2d("The 'bbox' attribute")
        return boxes_of(self.sources.host.bbox)

    @cached_property
    def segments(self) -> list[Segment]:
        """A `Segment` for each label."""
        return self.segments_at(range(self.nlabels))

    def segments_at(self, index: Any) -> list[Segment]:
        """Return the `Segment` of each label at a position in `labels`."""
        data, labels, areas, boxes = self.data, self.labels, self.areas, self.bbox
        return [
            Segment.with_outline(data, labels[i], self.slices[i], boxes[i], int(areas[i]))
            for i in index
        ]

    @cached_property
    def polygons(self) -> list[Any]:
        """The outline of each label, a Shapely polygon."""
        self.check_2d("polygons")
        need_tracing("polygons")
        return draw(self.sources)

    def polygons_of(self, labels: Any) -> list[Any]:
        """Return the outlines of some labels; each is `None` without rasterio and Shapely."""
        index = np.atleast_1d(self.index_of(labels))
        self.check_2d("get_polygons")
        return draw(self.sources.take(index)) if can_draw() else [None] * index.size

    @cached_property
    def deblended_labels(self) -> Any:
        """The labels that deblending made, ascending."""
        return np.unique(self.provenance.child).astype(self.dtype)

    @cached_property
    def parents(self) -> dict[int, int]:
        """``{deblended label: parent label}``."""
        return self.provenance.parent_of()

    @cached_property
    def children(self) -> dict[int, Any]:
        """``{parent label: array of deblended labels}``."""
        return self.provenance.children_of(self.dtype)

    @property
    def flags(self) -> Any:
        """The flags that deblending gave each label, int64."""
        return self.provenance.flags_of(self.labels)

    def check_labels(self, labels: Any) -> None:
        """Raise a ValueError if any of ``labels`` (int or array_like) does not occur."""
        labels = np.atleast_1d(labels)
        if getattr(labels, "unit", None) is not None:
            raise TypeError(f"labels must be integers without a unit, got {labels!r}")
        unknown = np.unique(labels[~np.isin(self._comparable(labels), self.labels)]).tolist()
        if unknown:
            subject = f"label {unknown} is" if len(unknown) == 1 else f"labels {unknown} are"
            raise ValueError(
                f"{subject} invalid: not among the {self.nlabels} labels of the segmentation image"
            )

    def _comparable(self, labels: Any) -> Any:
        """Return integers as an array that NumPy compares exactly with the labels.

        NumPy compares int64 with uint64 as float64. A negative number becomes 0, which is not a
        label.
        """
        labels = np.asarray(labels)
        if labels.dtype.kind == "i" and self.labels.dtype.kind == "u":
            labels = np.where(labels < 0, 0, labels).astype(np.uint64)
        return labels

    def index_of(self, labels: Any) -> Any:
        """Return the positions of ``labels`` (int or array_like) in `labels`.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        self.check_labels(labels)
        return np.searchsorted(self.labels, self._comparable(labels))

    def check_2d(self, subject: str) -> None:
        """Raise a ValueError unless the image is 2-D; ``subject`` is what needs it to be."""
        if len(self.shape) != 2:
            raise ValueError(
                f"{subject} requires a 2D segmentation image; the data are {len(self.shape)}-D "
                f"with shape {self.shape}"
            )

    def check_window(self, y0: int, y1: int, x0: int, x1: int) -> None:
        """Raise a ValueError unless the image is 2-D and holds a window, which may be empty."""
        self.check_2d("read()")
        ny, nx = self.shape
        if not (0 <= y0 <= y1 <= ny and 0 <= x0 <= x1 <= nx):
            raise ValueError(
                f"the window y0={y0}, y1={y1}, x0={x0}, x1={x1} is not within an image of shape "
                f"{self.shape}: the bounds are 0 <= y0 <= y1 <= {ny} and 0 <= x0 <= x1 <= {nx}"
            )

    def with_provenance(self, provenance: Provenance) -> "LabelTable":
        """Return a table of the same labels with other parents and flags."""
        return LabelTable(
            self.image, provenance, self.known_sources, self.known_labels, self.known_areas
        )

    def copy(self) -> "LabelTable":
        """Return a table with copies of the pixels and the labels; the sources are shared."""
        labels, areas = self.labels.copy(), self.known_areas
        return LabelTable(self.data.copy(), self.provenance, self.sources, labels, areas)

    def renumbered(self, numbers: Any, image: Any) -> "LabelTable":
        """Return the table of an edited image.

        Parameters
        ----------
        numbers : array of int, shape (n,)
            The new number of each label, in their order: 0 removes it, equal numbers merge labels.
        image : array of int
            The pixels under their new numbers.
        """
        provenance = self.provenance.relabelled(self.labels, numbers)
        new_labels = None
        if numbers.max() > LARGEST:
            numbers, new_labels = consecutive(numbers)
        sources = self.sources.renamed(like(numbers.astype(np.int32), self.sources.pixel))
        table = LabelTable(image, provenance, sources, new_labels)
        keeps_order = bool((numbers[1:] > numbers[:-1]).all() and numbers[0] > 0)
        if keeps_order:
            facts = {k: vars(self)[k] for k in INDEPENDENT_OF_NUMBERS if k in vars(self)}
            vars(table).update(facts)
        return table
