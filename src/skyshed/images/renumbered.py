"""Labels that are numbered anew, from 1 in their order, whatever numbers they had."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.made_of import MadeOfAnother
from skyshed.images.pixels import RefusedError
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.kernels.threads import rows_per_range
from skyshed.namespace import array_namespace, like, to_host

__all__ = ["Renumbered", "renumbered"]


@dataclass(frozen=True, eq=False)
class Renumbered(MadeOfAnother):
    """A map of labels, of which each is read as its place among all.

    Attributes
    ----------
    source : ImageSource
        The map.
    labels : array, shape (n,)
        The labels that it has, in their order, without 0.
    """

    source: ImageSource
    labels: Any

    @property
    def other(self) -> ImageSource:
        """The map."""
        return self.source

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """The dtype of labels."""
        return np.dtype(np.int32)

    @property
    def blank(self) -> int | None:  # type: ignore[override]
        """None: blank pixels are of no source."""
        return None

    def read(self, window: Window) -> Any:
        """Return the labels of a window; see `ImageSource.read`.

        A label that is only under the mask of the map may have the number of another.
        """
        values = _labels(self.source, window)
        xp = array_namespace(labels=values)
        numbers = xp.searchsorted(like(self.labels, values), values) + 1
        return xp.where(values != 0, numbers, 0).astype(np.int32)

    def as_integers(self) -> ImageSource:
        """Return itself."""
        return self


def renumbered(source: ImageSource, mask: ImageSource | None, name: str) -> Renumbered:
    """Return a map of labels numbered anew; it is read once, by bands of rows.

    Parameters
    ----------
    source : ImageSource
        The map, of integers.
    mask : ImageSource or None
        True for pixels that belong to no source whatever their label.
    name : str
        What messages call it.

    Raises
    ------
    ValueError
        If a label is negative, or there are more than int32 can number.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> from skyshed.images.renumbered import renumbered
    >>> labels = open_image(np.array([[0, 7, 2**40], [7, 0, 3]])).image
    >>> renumbered(labels, None, "segmentation").read(Window(0, 2, 0, 3))
    array([[0, 2, 3],
           [2, 0, 1]], dtype=int32)
    """
    ny, nx = source.shape
    step = rows_per_range(nx)
    found: list[Any] = []
    for y0 in range(0, ny, step):
        window = Window(y0, min(y0 + step, ny), 0, nx)
        values = to_host(_labels(source, window))
        if mask is not None:
            values = values[to_host(mask.read(window)) == 0]
        found.append(np.unique(values))
    labels = np.unique(np.concatenate(found or [np.empty(0, np.int64)]))
    if labels.size and labels[0] < 0:
        raise RefusedError(
            f"{name} must hold labels from 0, which is no source; it has {labels[0]}: make sure "
            "that it is a map of labels"
        )
    labels = labels[labels != 0]
    if labels.size > np.iinfo(np.int32).max:
        raise RefusedError(
            f"{name} has {labels.size} labels, more than int32 can number: give a part of it"
        )
    return Renumbered(source, labels)


def _labels(source: ImageSource, window: Window) -> Any:
    """Return the labels of a window, blank ones as 0."""
    values = source.read(window)
    if source.blank is None:
        return values
    xp = array_namespace(labels=values)
    return xp.where(values == source.blank, values.dtype.type(0), values)
