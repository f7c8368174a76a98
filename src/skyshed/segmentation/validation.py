"""Checks of the arguments of segmentation images."""

from typing import Any

import numpy as np

from skyshed.namespace import array_namespace, to_host
from skyshed.segmentation.numbering import is_array

__all__ = ["as_areas", "as_known_labels", "check_label_image", "check_scalar"]


def check_scalar(label: Any, plural: str) -> None:
    """Raise a TypeError unless ``label`` is a scalar; ``plural`` is the method for several."""
    if np.ndim(label) != 0:
        raise TypeError(f"label must be a scalar value, got {label!r}: {plural} takes several")


def as_known_labels(labels: Any, dtype: Any) -> Any:
    """Return a caller's list of all labels of an image, in the dtype of the image.

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


def check_label_image(data: Any) -> None:
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
