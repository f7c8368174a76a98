"""Checks of the arguments of `Background2D` and `LocalBackground`, and their errors."""

import copy
from typing import Any

import numpy as np
from astropy.units import Quantity

from skyshed.arguments import as_mask, is_nddata
from skyshed.namespace import adopt

__all__ = [
    "as_boolean",
    "callable_or",
    "unpack",
    "why_no_box",
    "without_clip",
]


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """Return the values of ``data``, its mask if it is a masked array, and its unit."""
    unit = None
    if isinstance(data, Quantity):
        data, unit = data.value, data.unit
    elif is_nddata(data):
        data, unit = data.data, data.unit
    mask = None
    if isinstance(data, np.ma.MaskedArray):
        mask = None if data.mask is np.ma.nomask else np.asarray(data.mask)
        data = data.data
    return adopt(data, "data"), mask, unit


def as_boolean(mask: Any, name: str, shape: tuple[int, ...], xp: Any) -> Any:
    """Return a boolean mask of the shape of the data; `None` for `None` and ``np.ma.nomask``.

    Raises
    ------
    TypeError
        If it is not boolean: any weight or flag other than 0 would count as True.
    ValueError
        If its shape differs.
    """
    if mask is None or mask is np.ma.nomask:
        return None
    mask = xp.asarray(adopt(mask, name))
    if mask.dtype.kind != "b":
        raise TypeError(
            f"{name} must be a boolean array, got dtype {mask.dtype}: convert it, e.g. {name} != 0"
        )
    if mask.ndim != 2:
        raise ValueError(
            f"{name} must be a 2D array of data's shape {shape}, got {mask.ndim}D with shape "
            f"{mask.shape}"
        )
    if mask.shape != shape:
        raise ValueError(
            f"data and {name} must have the same shape: data has {shape}, {name} has {mask.shape}"
        )
    return as_mask(mask, name, xp, shape=shape)


def callable_or(value: Any, name: str, default: Any) -> Any:
    """Return ``value``, or ``default`` if it is `None`; raise a TypeError if it is not callable."""
    if value is None:
        return default
    if not callable(value) or isinstance(value, type):
        raise TypeError(
            f"{name} must be None or callable (an instance or a function), got {value!r}"
        )
    return value


def without_clip(estimator: Any) -> Any:
    """Return a copy of an estimator that does not clip: boxes are clipped once for both."""
    estimator = copy.copy(estimator)
    if hasattr(estimator, "sigma_clip"):
        estimator.sigma_clip = None
    return estimator


def why_no_box(data: Any, mask: Any, box_size: Any, exclude_percentile: float, least: float) -> str:
    """Return an error message that says why no box could be measured."""
    finite = np.isfinite(data)
    if not finite.any():
        return (
            "Input data contains all nonfinite (NaN or infinity) values: there is no background to "
            "estimate. Check how the image was read."
        )
    if mask is not None and not (finite & ~mask).any():
        return (
            "All input pixels are masked. Cannot compute a background from data of which each "
            "pixel is in mask, in coverage_mask or not finite: check that the masks are True where "
            "pixels are to be left out."
        )
    return (
        f"All boxes contain fewer than {least:g} unmasked or finite pixels that are not clipped, "
        f"which box_size={box_size} and exclude_percentile={exclude_percentile:g} ask for, or have "
        "no estimate: raise exclude_percentile, mask less, or choose another box_size"
    )
