"""Checks at the public boundary: units, shapes, dtypes, integers.

Every message names the argument, quotes its value, says what is allowed and what to do.
"""

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
from astropy.units import Quantity, UnitBase

from skyshed.namespace import adopt

__all__ = [
    "as_image",
    "as_mask",
    "as_pair",
    "check_choice",
    "check_connectivity",
    "check_flag",
    "check_number",
    "check_numbers",
    "check_pixels",
    "check_positive_integer",
    "check_range",
    "is_a",
    "is_nddata",
    "is_number",
    "is_path",
    "split_units",
    "union",
]

#: The largest integer that kernels can be given.
LARGEST = 2**63 - 1


def split_units(**arrays: Any) -> tuple[list[Any], UnitBase | None]:
    """Separate values from units; the units must agree.

    Parameters
    ----------
    **arrays : array_like, Quantity, or None
        Arguments under their public names. `None` passes through.

    Returns
    -------
    values : list
        The plain values, in the order given.
    unit : `~astropy.units.UnitBase` or None
        The common unit; `None` if no argument has one.

    Raises
    ------
    ValueError
        If some arguments have a unit and others have none, or the units differ.

    Examples
    --------
    >>> import astropy.units as u
    >>> from skyshed.arguments import split_units
    >>> split_units(data=[1, 2] * u.Jy, error=None)
    ([array([1., 2.]), None], Unit("Jy"))
    """
    arrays = {name: adopt(array, name) for name, array in arrays.items()}
    given = {name: array for name, array in arrays.items() if array is not None}
    units = {name: getattr(array, "unit", None) for name, array in given.items()}
    if len(set(units.values())) > 1:
        listed = ", ".join(f"{name}: {unit or 'no unit'}" for name, unit in units.items())
        raise ValueError(
            f"{', '.join(units)} must all have the same units, or none of them any; "
            f"the units are {listed}"
        )
    unit = next(iter(units.values()), None)
    values = [array.value if isinstance(array, Quantity) else array for array in arrays.values()]
    return values, unit


def as_image(
    array: Any, name: str, xp: Any, *, shape: tuple[int, ...] | None = None, like: str = "data"
) -> Any:
    """Return ``array`` as a 2-D C-contiguous native float32 or float64 array.

    float32 and float64 are kept, float16 becomes float32, integers and booleans become float64.
    Nothing is copied that already is such an array.

    Raises
    ------
    ValueError
        If ``array`` is not 2-D or its shape is not ``shape``, that of the argument ``like``.
    TypeError
        If ``array`` does not hold real numbers.
    """
    array = xp.asarray(adopt(array, name))
    if array.ndim != 2:
        raise ValueError(f"{name} must be a 2-D array, got {array.ndim}-D with shape {array.shape}")
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(
            f"{name} must have the same shape as {like}: {name} has {array.shape}, "
            f"{like} has {tuple(shape)}"
        )
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    dtype = xp.float32 if array.dtype.kind == "f" and array.dtype.itemsize <= 4 else xp.float64
    return xp.ascontiguousarray(array, dtype=dtype)


def as_mask(mask: Any, name: str, xp: Any, *, shape: tuple[int, ...], like: str = "data") -> Any:
    """Return ``mask`` as a C-contiguous boolean array of ``shape``; `None` if there is no mask.

    Raises
    ------
    ValueError
        If the shape of ``mask`` is not ``shape``, that of the argument ``like``.
    """
    if mask is None or mask is np.ma.nomask:
        return None
    mask = xp.asarray(adopt(mask, name))
    if mask.shape != tuple(shape):
        raise ValueError(
            f"{name} must have the same shape as {like}: {name} has {mask.shape}, "
            f"{like} has {tuple(shape)}"
        )
    return xp.ascontiguousarray(mask, dtype=bool)


def check_positive_integer(value: Any, name: str) -> int:
    """Return ``value`` as an int of at least 1 (``5.0`` is 5).

    Raises
    ------
    ValueError
        If it is not a whole number of at least 1.
    """
    if not _is_positive_integer(value):
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    if value > LARGEST:
        raise ValueError(f"{name} must be at most 2**63 - 1, got {value!r}")
    return int(value)


def check_flag(value: Any, name: str) -> bool:
    """Return ``value`` as a bool if it is one (0 and 1 are), else raise a TypeError."""
    if isinstance(value, (bool, np.bool_)) or (is_number(value) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {value!r}")


def check_number(value: Any, name: str, allowed: str = "a real number") -> float:
    """Return ``value`` as a float if it is a real number without a unit, else raise a TypeError."""
    if is_number(value):
        with suppress(OverflowError):
            return float(value)
    raise TypeError(f"{name} must be {allowed}, got {value!r}")


def check_numbers(values: Any, name: str) -> Any:
    """Return ``values`` if they are real numbers without a unit: one, or an array of them.

    Raises
    ------
    TypeError
        If they are not.
    """
    unit = getattr(values, "unit", None)
    dtype = getattr(values, "dtype", None)
    if dtype is None and isinstance(values, (Real, list, tuple)):
        dtype = np.asarray(values).dtype
    if unit is not None or getattr(dtype, "kind", "O") not in "fiub":
        raise TypeError(f"{name} must be a real number, or an array of them, got {values!r}")
    return values


def check_pixels(image: Any, name: str) -> None:
    """Raise a ValueError if an image has no pixel."""
    if image.size == 0:
        raise ValueError(f"{name} must have pixels, got shape {image.shape}")


def as_pair(value: Any, name: str, *, odd: bool = False, order: str = "(y, x)") -> tuple[int, int]:
    """Return two positive integers; a single one stands for both.

    Parameters
    ----------
    value : int or pair of int
        The argument; ``5.0`` is 5.
    name : str
        The name of the argument, for messages.
    odd : bool, optional
        Whether the integers must be odd.
    order : str, optional
        What the two integers are, for messages.

    Raises
    ------
    ValueError
        If ``value`` is not one or two such integers.

    Examples
    --------
    >>> from skyshed.arguments import as_pair
    >>> as_pair(3, "size"), as_pair((3, 5), "size", odd=True)
    ((3, 3), (3, 5))
    """
    kind = "an odd positive integer" if odd else "a positive integer"
    numbers = [value] if np.ndim(value) == 0 else list(value)
    if len(numbers) not in (1, 2):
        raise ValueError(
            f"{name} must have 1 or 2 elements: {kind}, or two of them {order}; got {value!r}"
        )
    if not all(_is_positive_integer(number) and (not odd or number % 2) for number in numbers):
        raise ValueError(f"{name} must be {kind}, or two of them {order}; got {value!r}")
    return int(numbers[0]), int(numbers[-1])


def check_choice(value: Any, name: str, choices: Collection[Any]) -> Any:
    """Return ``value`` if it is one of ``choices``, else raise a ValueError that lists them."""
    if np.ndim(value) != 0 or value not in choices:
        *others, last = (repr(choice) for choice in choices)
        listed = f"{', '.join(others)}{',' * (len(others) > 1)} or {last}" if others else last
        raise ValueError(f"{name} must be {listed}, got {value!r}")
    return value


def check_connectivity(value: Any) -> int:
    """Return ``value`` as an int if it is 4 or 8, else raise a ValueError."""
    if np.ndim(value) != 0 or value not in (4, 8):
        raise ValueError(
            f"Invalid connectivity={value!r}: it must be 4 (pixels are connected by edges) or 8 "
            "(by corners, too)"
        )
    return int(value)


def check_range(
    value: Any, name: str, low: float, high: float, wording: str = "between {low:g} and {high:g}"
) -> float:
    """Return ``value`` as a float if ``low <= value <= high``, else raise a ValueError."""
    if not is_number(value) or not low <= value <= high:
        allowed = wording.format(low=low, high=high)
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return float(value)


def union(*masks: Any) -> Any:
    """Return a mask that is True where any of the masks is; `None` if all of them are `None`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.arguments import union
    >>> union(None, np.array([True, False, False]), np.array([False, False, True]))
    array([ True, False,  True])
    """
    total = None
    for mask in masks:
        if mask is not None:
            total = mask if total is None else total | mask
    return total


def is_path(value: Any) -> bool:
    """Whether an argument is the path of a file or folder."""
    return isinstance(value, (str, os.PathLike))


def is_a(value: Any, module: str, name: str) -> bool:
    """Whether ``value`` is an instance of a class, without importing the class's module."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def is_nddata(value: Any) -> bool:
    """Whether ``value`` is an NDData, without importing its module, which is slow."""
    return is_a(value, "astropy.nddata", "NDData")


def is_number(value: Any) -> bool:
    """Whether ``value`` is a real number without a unit: a scalar or 0-d array, but no boolean."""
    if isinstance(value, np.ndarray):
        plain = value.ndim == 0 and value.dtype.kind in "iuf"
        return plain and getattr(value, "unit", None) is None
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_positive_integer(value: Any) -> bool:
    """Whether ``value`` is a whole number of at least 1."""
    return is_number(value) and 1 <= value < np.inf and int(value) == value
