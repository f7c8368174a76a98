"""Reading and writing parts of an array.

Integers and slices give views, at no cost. Arrays of indices gather in a kernel. A mask must be
counted first: the host waits for the number of its true elements.
"""

from typing import Any

import numpy as np

from tests.device.standin import counts, pool
from tests.device.standin.arrays import ndarray, new, view


def _plain(key: Any) -> tuple[tuple, list[np.ndarray], int]:
    """Return the key for NumPy, its index arrays, and how many of them are masks."""
    parts, arrays, masks = [], [], 0
    for part in key if isinstance(key, tuple) else (key,):
        if type(part) is ndarray:
            part = part._a
            arrays.append(part)
        elif isinstance(part, np.ndarray):
            raise TypeError(
                "a device array can't be indexed by a NumPy array: copy it with cupy.asarray"
            )
        elif isinstance(part, bool | np.bool_):
            raise TypeError("the stand-in takes no truth value as an index")
        elif isinstance(part, list):
            part = np.asarray(part, dtype=None if part else np.intp)
            counts.uploaded("indexing by a list", part.nbytes)
            arrays.append(part)
        elif isinstance(part, np.generic):
            part = part.item()
        if isinstance(part, np.ndarray):
            if part.dtype.kind not in "iub":
                raise IndexError(
                    f"arrays used as indices must be integers or masks, got {part.dtype}"
                )
            masks += part.dtype.kind == "b"
        parts.append(part)
    return tuple(parts), arrays, masks


def get(array: ndarray, key: Any) -> ndarray:
    """Return ``array[key]``.

    Raises
    ------
    IndexError
        If an index is out of range; CuPy would wrap it around without a word.
    """
    parts, arrays, masks = _plain(key)
    if not arrays:
        if not any(part is Ellipsis for part in parts):
            parts = (*parts, Ellipsis)  # keeps a single element an array
        return view(array, array._held[parts])
    result = new(array._a[parts])
    moved, read = result.nbytes, sum(a.nbytes for a in arrays)
    if masks:
        counts.downloaded("getitem by a mask", 8)
        counts.memory.pulse(pool.rounded(8 * max(a.size for a in arrays)))
        counts.ran_library("getitem by a mask", 3, 2 * read + moved, moved)
    else:
        counts.ran_library("getitem", 1, read + moved, moved)
    return result


def put(array: ndarray, key: Any, value: Any) -> None:
    """Do ``array[key] = value``.

    Raises
    ------
    ValueError
        If two different values go to one place; which one stays is undefined on a device.
    """
    if type(value) is ndarray:
        plain, read = value._a, value.nbytes
    elif isinstance(value, bool | int | float | complex | np.generic):
        plain, read = value, 0
    else:
        raise TypeError(
            f"Unsupported type {type(value)}: a device array takes device arrays and scalars"
        )
    parts, arrays, masks = _plain(key)
    read += sum(a.nbytes for a in arrays)
    target = array._a
    with np.errstate(all="ignore"):
        target[parts] = plain
    if not arrays:
        moved = target[parts].nbytes
    elif masks:
        moved = array.itemsize * int(sum(a.sum() for a in arrays if a.dtype.kind == "b"))
        if np.ndim(plain):
            counts.downloaded("setitem by a mask", 8)
    else:
        written = target[parts]
        moved = written.nbytes
        if np.ndim(plain):
            _refuse_conflicts(written, plain)
    counts.ran_library("setitem", 1, read, moved)


def _refuse_conflicts(written: np.ndarray, wanted: np.ndarray) -> None:
    """Compare what stands there now with what was written there; both come in the same order."""
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(wanted, written.shape).astype(written.dtype)
    same = (written == expected) | ((written != written) & (expected != expected))
    if not same.all():
        raise ValueError(
            f"{int((~same).sum())} of {written.size} assigned values share their place with a "
            "different one: which stays is undefined on a device"
        )


def scatter(array: ndarray, slices: Any, value: Any, operation: np.ufunc, order: Any) -> None:
    """Combine values into their places; duplicates combine, in an order that ``order`` shuffles."""
    parts, arrays, masks = _plain(slices)
    if masks or not arrays:
        operation.at(array._a, parts, value._a if type(value) is ndarray else value)
    else:
        places = np.arange(array.size).reshape(array.shape)[parts]
        plain = value._a if type(value) is ndarray else value
        values = np.broadcast_to(np.asarray(plain, array.dtype), places.shape).ravel()
        turn = order.permutation(places.size)
        flat = array._a.reshape(-1)
        if flat.base is None and array._a.size:
            raise NotImplementedError("the stand-in scatters into contiguous arrays only")
        operation.at(flat, places.ravel()[turn], values[turn])
    moved = array.itemsize * sum(a.size for a in arrays)
    counts.ran_library(f"scatter_{operation.__name__}", 1, 2 * moved, moved)
