"""Labels, and what follows from where they are."""

from functools import cached_property
from typing import Any

import numpy as np

from skyshed.namespace import adopt, array_namespace, is_device_array, only_on_host, to_host
from skyshed.segmentation.boxes import BoundingBox, boxes_of, slices_of
from skyshed.segmentation.numbering import LARGEST, collect, extents, is_array
from skyshed.segmentation.provenance import Provenance
from skyshed.segmentation.reader import LabelReader
from skyshed.sources import Sources

__all__ = ["Labels", "as_areas", "as_known_labels", "check_scalar"]


class Labels:
    """An array of labels and the facts about them, the ground of `SegmentationImage`.

    All facts are read from `_sources`, which number the labels 1, 2, 3, ... where one of them does
    not fit int32; then `labels` is always set. `_shared` tells whether anyone else may hold the
    data: then an edit writes to a copy. Labels that are not in memory have a `_reader` instead of
    `_held`, and `labels` are set.
    """

    _held: Any
    _reader: LabelReader | None = None
    _shared: bool
    _provenance: Provenance
    info: dict[str, Any]

    def __init__(self, data: Any) -> None:
        self.data = data

    @property
    def data(self) -> Any:
        """The labels, int, shape (ny, nx). Assigning to it starts anew."""
        self._shared = True
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        value = adopt(value, "data")
        _check_labels_array(value)
        sources, labels = collect(value)
        self._forget()
        self._array = value
        self._shared = True
        self._provenance = Provenance()
        self.info = {}
        self._sources, self.labels, self.areas = sources, labels, sources.host.area

    @property
    def _data(self) -> Any:
        """The labels, for reading; they are set through `data`, which drops what was derived."""
        return self._array

    @property
    def _array(self) -> Any:
        """The labels, read now if they were not in memory."""
        if self._reader is not None:
            ny, nx = self._reader.shape
            self._array = self._reader.read(0, ny, 0, nx)
        return self._held

    @_array.setter
    def _array(self, value: Any) -> None:
        self._held, self._reader = value, None

    @property
    def _is_on_device(self) -> bool:
        return self._reader is None and is_device_array(self._held)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
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
        self._check_2d("read()")
        ny, nx = self.shape
        if not (0 <= y0 <= y1 <= ny and 0 <= x0 <= x1 <= nx):
            raise ValueError(
                f"the window y0={y0}, y1={y1}, x0={x0}, x1={x1} is not within an image of shape "
                f"{self.shape}: the bounds are 0 <= y0 <= y1 <= {ny} and 0 <= x0 <= x1 <= {nx}"
            )
        if self._reader is not None:
            return self._reader.read(y0, y1, x0, x1)
        return self.data[y0:y1, x0:x1]

    def _forget(self) -> None:
        """Drop everything derived from the data."""
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, cached_property):
                    self.__dict__.pop(name, None)

    @cached_property
    def _sources(self) -> Sources:
        sources, labels = collect(self._array)
        if "labels" in self.__dict__ and not np.array_equal(self.labels, labels):
            raise ValueError(
                f"the {len(labels)} labels of the pixels that were read are not the "
                f"{len(self.labels)} labels that the segmentation image was made with"
            )
        self.labels = labels
        return sources

    @property
    def sources(self) -> Sources:
        """Where each label's pixels are.

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
        return self._sources

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape ``(ny, nx)``."""
        return (self._held if self._reader is None else self._reader).shape

    @property
    def dtype(self) -> Any:
        """The dtype of the data."""
        return (self._held if self._reader is None else self._reader).dtype

    @cached_property
    def labels(self) -> Any:
        """The labels, ascending, in the dtype of the data."""
        sources = self._sources
        if "labels" in self.__dict__:  # collecting them has set it
            return self.__dict__["labels"]
        return sources.host.labels.astype(self.dtype)

    @property
    def nlabels(self) -> int:
        """The number of labels."""
        return len(self._sources if self._reader is None else self.labels)

    @property
    def max_label(self) -> int:
        """The largest label, 0 if there is none."""
        return int(self.labels[-1]) if self.nlabels else 0

    @cached_property
    def areas(self) -> Any:
        """The number of pixels of each label, int64."""
        return self._sources.host.area

    @property
    def background_area(self) -> int:
        """The number of pixels that belong to no label."""
        n_pixels = int(np.prod(self.shape, dtype=np.int64))
        if "areas" in self.__dict__:
            return n_pixels - int(self.areas.sum())
        return n_pixels - self._sources.pixel.size

    @cached_property
    def slices(self) -> list[tuple[slice, ...]]:
        """For each label the slices ``(y, x)`` of the smallest box that holds it."""
        return slices_of(extents(self._sources, self.shape))

    @cached_property
    def bbox(self) -> list[BoundingBox]:
        """For each label the smallest box that holds it.

        Raises
        ------
        ValueError
            If the data are not 2-D.
        """
        self._check_2d("The 'bbox' attribute")
        return boxes_of(self._sources.host.bbox)

    @property
    def is_consecutive(self) -> bool:
        """Whether the labels are 1, 2, 3, ... without a gap; False if there is none."""
        return self.nlabels > 0 and self.max_label == self.nlabels

    @cached_property
    def missing_labels(self) -> Any:
        """The integers between 1 and the largest label that are no labels."""
        present = np.zeros(self.max_label + 1, bool)
        present[0] = True
        present[self.labels] = True
        return np.flatnonzero(~present).astype(self.dtype)

    @cached_property
    def data_ma(self) -> Any:
        """The labels as a masked array, the background masked."""
        only_on_host(self._array, "data_ma", "masked arrays are NumPy's; use data")
        return np.ma.masked_where(self.data == 0, self.data)

    def check_label(self, label: Any) -> None:
        """Raise a ValueError if ``label`` does not occur."""
        self.check_labels(label)

    def check_labels(self, labels: Any) -> None:
        """Raise a ValueError if any of ``labels`` (int or array_like) does not occur."""
        labels = np.atleast_1d(labels)
        unknown = np.unique(labels[~np.isin(self._comparable(labels), self.labels)]).tolist()
        if unknown:
            what = f"label {unknown} is" if len(unknown) == 1 else f"labels {unknown} are"
            raise ValueError(
                f"{what} invalid: not among the {self.nlabels} labels of the segmentation image"
            )

    def _comparable(self, labels: Any) -> Any:
        """Return integers as an array that NumPy compares exactly with the labels.

        It compares int64 with uint64 as float64. A negative number becomes 0, which is no label.
        """
        labels = np.asarray(labels)
        if labels.dtype.kind == "i" and self.labels.dtype.kind == "u":
            labels = np.where(labels < 0, 0, labels).astype(np.uint64)
        return labels

    def get_index(self, label: Any) -> Any:
        """Return the position of ``label`` (int or array_like) in `labels`.

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        self.check_labels(label)
        return np.searchsorted(self.labels, self._comparable(label))

    def get_indices(self, labels: Any) -> Any:
        """Return the positions of ``labels`` in `labels`; see `get_index`."""
        return self.get_index(labels)

    def get_area(self, label: int) -> Any:
        """Return the number of pixels of a label; see `get_index` for errors."""
        return self.get_areas(label)[0]

    def get_areas(self, labels: Any) -> Any:
        """Return the number of pixels of each of ``labels``; see `get_index` for errors."""
        return self.areas[self.get_index(np.atleast_1d(labels))]

    def _check_2d(self, what: str) -> None:
        """Raise a ValueError unless the data are 2-D."""
        if len(self.shape) != 2:
            raise ValueError(
                f"{what} requires a 2D segmentation image; the data are {len(self.shape)}-D with "
                f"shape {self.shape}"
            )


def check_scalar(label: Any, several: str) -> None:
    """Raise a TypeError unless ``label`` is a scalar; ``several`` is the method for more."""
    if np.ndim(label) != 0:
        raise TypeError(f"label must be a scalar value, got {label!r}: {several} takes several")


def as_known_labels(labels: Any, dtype: Any) -> Any:
    """Return all labels of an image, as its maker lists them, in the dtype of the image.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not positive and ascending, or do not fit ``dtype``.
    """
    labels = np.asarray(to_host(labels))
    labels = labels.astype(dtype) if labels.size == 0 else labels
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {labels.dtype}")
    if labels.ndim != 1 or (labels[:1] <= 0).any() or (labels[1:] <= labels[:-1]).any():
        raise ValueError(
            "labels must be positive and ascending, each once, in an array of shape (n,): "
            "numpy.unique sorts them"
        )
    if labels.size and int(labels[-1]) > np.iinfo(dtype).max:
        raise ValueError(
            f"the largest of labels, {labels[-1]}, cannot be represented in dtype {dtype}"
        )
    return labels.astype(dtype)


def as_areas(areas: Any, n_labels: int) -> Any:
    """Return the number of pixels of each label as int64.

    Raises
    ------
    ValueError
        If there is not one number for each label.
    """
    areas = np.asarray(to_host(areas))
    if areas.shape != (n_labels,):
        raise ValueError(
            f"areas must have the shape of labels, ({n_labels},), got the shape {areas.shape}"
        )
    return areas.astype(np.int64)


def _check_labels_array(data: Any) -> None:
    """Raise unless ``data`` is a plain array of integers."""
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(
            "Input data must not be a numpy masked array: fill it with numpy.ma.filled(data, 0)"
        )
    if not is_array(data):
        array_namespace(data=data)
        raise TypeError(
            f"Input data must be a numpy array (or a CuPy array), got {type(data).__name__}: "
            "convert it with numpy.asarray"
        )
    if not np.issubdtype(data.dtype, np.integer):
        raise TypeError(f"data must have integer type, got dtype {data.dtype}: use astype(int)")
