"""Conversion of labels of any integer dtype to `Sources`, whose labels have 32 bits."""

from typing import Any

import numpy as np

from skyshed.namespace import array_namespace, is_device_array, to_host
from skyshed.sources import Sources

__all__ = ["LARGEST", "collect", "consecutive", "extents", "in_int32"]

#: The largest label of `Sources`.
LARGEST = int(np.iinfo(np.int32).max)


def collect(data: Any) -> tuple[Sources, Any]:
    """Collect the sources of an array of labels.

    Parameters
    ----------
    data : array of int
        Labels of any integer dtype. An array that is not 2-D is taken as one row.

    Returns
    -------
    sources : `~skyshed.sources.Sources`
        Under their labels if all of them fit int32, else numbered 1, 2, 3, ... in their order.
    labels : array, shape (n,)
        The labels, ascending, on the host, in the dtype of ``data``.

    Raises
    ------
    ValueError
        If there is a negative label.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.segmentation.numbering import collect
    >>> sources, labels = collect(np.array([[0, 2**40], [7, 2**40]]))
    >>> sources.labels, labels
    (array([1, 2], dtype=int32), array([            7, 1099511627776]))
    """
    image = data if data.ndim == 2 else data.reshape(1, -1)
    numbers, names = in_int32(image)
    sources = Sources.from_labels(numbers)
    labels = sources.host.labels if names is None else to_host(names)
    # They are ascending: looking at the first one saves a pass over the image.
    if labels.size and labels[0] < 0:
        raise ValueError(
            "The segmentation image cannot contain negative integers: the least value of data is "
            f"{labels[0]}; 0 is the background"
        )
    return sources, labels.astype(data.dtype)


def in_int32(image: Any) -> tuple[Any, Any]:
    """Return labels of any integer dtype as int32.

    Returns
    -------
    numbers : array of int32, shape of ``image``, C-contiguous
        The labels if all of them fit, else 1, 2, 3, ... in their order; 0 stays 0.
    names : array or None
        The label of each number from 1; `None` where numbers are labels.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.segmentation.numbering import in_int32
    >>> in_int32(np.array([0, 2**40, 7]))
    (array([0, 2, 1], dtype=int32), array([            7, 1099511627776]))
    """
    xp = array_namespace(image=image)
    if not _exceeds_int32(image):
        return xp.ascontiguousarray(image, dtype=xp.int32), None
    mask = image != 0
    names, index = xp.unique(image[mask], return_inverse=True)
    numbers = xp.zeros(image.shape, dtype=xp.int32)
    numbers[mask] = index.reshape(-1) + 1
    return numbers, names


def _exceeds_int32(image: Any) -> bool:
    """Whether a value may not fit int32, judged by the dtype if that is enough."""
    dtype = image.dtype
    if np.iinfo(dtype).max <= LARGEST or image.size == 0:
        return False
    # Negative values are the largest ones as unsigned integers: one pass finds both kinds.
    return int(image.view(np.dtype(dtype.str.replace("i", "u"))).max()) > LARGEST


def consecutive(names: Any) -> tuple[Any, Any]:
    """Number values in their order; 0 stays 0.

    Returns
    -------
    numbers : array of int, shape of ``names``
        1, 2, 3, ... in the order of the names.
    kept : array
        The names other than 0, ascending, each once.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.segmentation.numbering import consecutive
    >>> consecutive(np.array([9, 0, 4, 9]))
    (array([2, 0, 1, 2]), array([4, 9]))
    """
    kept, index = np.unique(names, return_inverse=True)
    first = int(kept.size > 0 and kept[0] == 0)
    return index + 1 - first, kept[first:]


def coordinate(pixel: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return the coordinate along an axis of flat indices into an array of some shape."""
    stride = int(np.prod(shape[axis + 1 :], dtype=np.int64))
    return pixel // stride % max(shape[axis], 1)


def extents(sources: Sources, shape: tuple[int, ...]) -> Any:
    """Return the boxes of sources in an array of ``shape``, on the host.

    Returns
    -------
    array of int64, shape (n, ndim, 2)
        Half-open ranges along each axis. In two dimensions they are known already.
    """
    n = len(sources)
    if len(shape) == 2:
        return sources.host.bbox.reshape(n, 2, 2)
    xp = array_namespace(pixel=sources.pixel)
    ranges = np.empty((n, len(shape), 2), np.int64)
    if n == 0:
        return ranges
    row = xp.searchsorted(sources.start, xp.arange(sources.pixel.size), side="right")
    for axis in range(len(shape)):
        position = coordinate(sources.pixel, shape, axis)
        position = position[np.lexsort(np.stack([position, row]))]
        low, high = position[sources.start[:-1]], position[sources.start[1:] - 1]
        ranges[:, axis, 0], ranges[:, axis, 1] = to_host(low), to_host(high) + 1
    return ranges


def is_array(data: Any) -> bool:
    """Whether ``data`` is a plain array of NumPy or CuPy."""
    plain = isinstance(data, np.ndarray) and not isinstance(data, np.ma.MaskedArray)
    return plain or is_device_array(data)
