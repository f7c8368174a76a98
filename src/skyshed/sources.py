"""Where the pixels of each label are, for deblending, editing, the catalog and stitching."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skyshed.cached import cached_property
from skyshed.kernels import segments
from skyshed.namespace import in_one_transfer, like

__all__ = ["Rows", "Sources"]


class Rows(NamedTuple):
    """The small arrays of `Sources`, as NumPy arrays."""

    labels: Any
    start: Any
    bbox: Any

    @property
    def area(self) -> Any:
        """Number of pixels of each source, int64, shape (n,)."""
        return self.start[1:] - self.start[:-1]


@dataclass(frozen=True, eq=False)
class Sources:
    """The pixels of every label of an image, in compressed rows.

    The pixels of source ``i`` are ``pixel[start[i]:start[i + 1]]``.

    Attributes
    ----------
    labels : array of int32, shape (n,)
        The labels, ascending.
    start : array of int64, shape (n + 1,)
        Offsets into ``pixel``.
    pixel : array of int64, shape (N,)
        Flat indices into the image, in raster order within a source.
    bbox : array of int64, shape (n, 4)
        Bounding boxes as half-open ranges: ``y0, y1, x0, x1``.
    shape : tuple of int
        The shape of the image, ``(ny, nx)``.
    """

    labels: Any
    start: Any
    pixel: Any
    bbox: Any
    shape: tuple[int, int]

    @classmethod
    def from_labels(cls, image: Any, n_threads: int | None = None) -> "Sources":
        """Collect the sources of a label image.

        Parameters
        ----------
        image : array of int32, shape (ny, nx)
            Labels; 0 is the background.
        n_threads : int, optional
            Threads to use; `None` for all available cores.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed.sources import Sources
        >>> sources = Sources.from_labels(np.array([[0, 7, 7], [2, 0, 7]], dtype=np.int32))
        >>> sources.labels, sources.start, sources.pixel
        (array([2, 7], dtype=int32), array([0, 1, 4]), array([3, 1, 2, 5]))
        """
        labels, start, pixel, bbox = segments.collect(image, n_threads)
        return cls(labels, start, pixel, bbox, image.shape)

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def area(self) -> Any:
        """Number of pixels of each source, int64, shape (n,)."""
        return self.start[1:] - self.start[:-1]

    @cached_property
    def host(self) -> Rows:
        """Labels, offsets and boxes on the host: the same arrays, or one copy from the device."""
        return Rows(*in_one_transfer(self.labels, self.start, self.bbox))

    def on_host_with(self, *arrays: Any) -> tuple[Any, ...]:
        """Return small arrays as NumPy arrays; `host` comes along, that the host waits but once."""
        if "host" in vars(self):
            return in_one_transfer(*arrays)
        rows = self.labels, self.start, self.bbox
        others = in_one_transfer(*arrays, *rows)
        vars(self)["host"] = Rows(*others[len(arrays) :])
        return others[: len(arrays)]

    @cached_property
    def order(self) -> Any:
        """Positions of the sources by their first pixel, int64, shape (n,).

        Kernels visit sources in this order, because labels that deblending made are scattered over
        the image.
        """
        return self.pixel[self.start[:-1]].argsort()

    def take(self, index: Any) -> "Sources":
        """Return the sources at the positions ``index``, an int array or a NumPy one, in order."""
        index = like(index, self.pixel)
        start, pixel = segments.take(self.pixel, self.start, index)
        return Sources(self.labels[index], start, pixel, self.bbox[index], self.shape)

    def renamed(self, names: Any) -> "Sources":
        """Return the sources under other labels.

        Parameters
        ----------
        names : array of int, shape (n,)
            The new label of each source: 0 drops it, and sources with the same label are merged.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed.sources import Sources
        >>> sources = Sources.from_labels(np.array([[1, 2, 2], [3, 0, 1]], dtype=np.int32))
        >>> renamed = sources.renamed(np.array([4, 4, 0]))
        >>> renamed.labels, renamed.pixel
        (array([4], dtype=int32), array([0, 1, 2, 5]))
        """
        names = names.astype(np.int32)
        if np.all(names[1:] > names[:-1]) and np.all(names > 0):
            return Sources(names, self.start, self.pixel, self.bbox, self.shape)
        kept = np.flatnonzero(names)
        order = kept[np.argsort(names[kept], kind="stable")]
        names, rows = names[order], self.take(order)
        first = np.flatnonzero(np.diff(names, prepend=0))
        if first.size == order.size:
            return Sources(names, rows.start, rows.pixel, rows.bbox, self.shape)
        pixel = _sorted_within(rows, first)
        start = np.concatenate([rows.start[first], rows.start[-1:]])
        bbox = _joined_boxes(rows.bbox, first)
        return Sources(names[first], start, pixel, bbox, self.shape)


def _group_of(first: Any, like: Any) -> Any:
    """Return which group each element of ``like`` is in, given the first element of each group."""
    begins = np.zeros_like(like)
    begins[first] = 1
    return np.cumsum(begins) - 1


def _sorted_within(rows: Sources, first: Any) -> Any:
    """Return the pixels of ``rows``, in raster order within the groups that begin at ``first``.

    Groups of one row are in order already.
    """
    pixel = rows.pixel.copy()
    group = _group_of(rows.start[first], pixel)
    mixed = (np.diff(first, append=len(rows)) > 1)[group]
    moved = pixel[mixed]
    pixel[mixed] = moved[np.lexsort(np.stack([moved, group[mixed]]))]
    return pixel


def _joined_boxes(bbox: Any, first: Any) -> Any:
    """Return the smallest boxes around the groups of boxes that begin at ``first``."""
    group = _group_of(first, bbox[:, 0])
    end = first + np.diff(first, append=bbox.shape[0]) - 1
    columns = []
    for k, at in enumerate((first, end, first, end)):
        # CuPy has no minimum by group; in a sorted group it is the first element.
        columns.append(bbox[np.lexsort(np.stack([bbox[:, k], group])), k][at])
    return np.stack(columns, axis=1)
