"""CuPy's functions: NumPy's from the table, and those that need adapters or rules of their own."""

from typing import Any

import numpy as np

from tests.device.standin import costs, counts, signatures
from tests.device.standin.arrays import checked_dtype, foreign, ndarray, new, unset, view
from tests.device.standin.calls import (
    Function,
    HostFunction,
    charge,
    ufunc,
    unwrap,
    wrap,
)


def _stable(kind: Any, name: str) -> None:
    if kind not in (None, "stable"):
        raise ValueError(f"cupy.{name}: kind must be None or 'stable', got {kind!r}")


def _sort(a, axis=-1, kind=None):
    _stable(kind, "sort")
    return np.sort(a, axis=axis, kind="stable")


def _argsort(a, axis=-1, kind=None):
    _stable(kind, "argsort")
    return np.argsort(a, axis=axis, kind="stable")


def _lexsort(keys):
    if not isinstance(keys, np.ndarray):
        raise TypeError(
            "cupy.lexsort wants one array of keys, of shape (k, n), not a tuple of arrays"
        )
    if keys.ndim > 2:
        raise NotImplementedError("cupy.lexsort sorts keys of at most two dimensions")
    return np.asarray(0) if keys.ndim == 1 else np.lexsort(keys)


def _bincount(x, weights=None, minlength=None):
    return np.bincount(x, weights, 0 if minlength is None else minlength)


def _repeat(a, repeats, axis=None):
    if isinstance(repeats, np.ndarray):
        raise ValueError("cupy.repeat: counts must be an int, a list or a tuple, not an array")
    return np.repeat(a, repeats, axis)


def _where(condition, x=None, y=None):
    if (x is None) != (y is None):
        raise ValueError("cupy.where: give both x and y, or neither")
    return np.nonzero(condition) if x is None else np.where(condition, x, y)


def _searchsorted(a, v, side="left", sorter=None):
    if a.ndim != 1 or not isinstance(v, np.ndarray | int | float | complex):
        raise ValueError("cupy.searchsorted wants a 1-D array, and an array or a Python scalar")
    return np.searchsorted(a, v, side, sorter)


def _order_statistic(function):
    def call(a, q, axis=None, out=None, overwrite_input=False, method="linear", **kwargs):
        if method not in ("linear", "lower", "higher", "midpoint", "nearest"):
            raise ValueError(f"CuPy has no method {method!r} of percentiles")
        return function(a, q, axis, out, overwrite_input, method, **kwargs)

    return call


def _nonzero(a):
    # NumPy's are columns of one array; CuPy's are contiguous.
    return tuple(np.ascontiguousarray(index) for index in np.nonzero(a))


def _take(a, indices, axis=None, out=None):
    return np.take(a, indices, axis, out)


def _clip(a, a_min, a_max, out=None):
    return np.clip(a, a_min, a_max, out)


def _array_equal(a1, a2, equal_nan=False):
    return np.asarray(np.array_equal(a1, a2, equal_nan))


ADAPTERS = {
    "sort": _sort, "argsort": _argsort, "lexsort": _lexsort, "bincount": _bincount,
    "repeat": _repeat, "where": _where, "searchsorted": _searchsorted, "nonzero": _nonzero,
    "percentile": _order_statistic(np.percentile), "quantile": _order_statistic(np.quantile),
    "take": _take, "clip": _clip, "array_equal": _array_equal,
    "in1d": lambda ar1, ar2, assume_unique=False, invert=False: np.isin(
        np.ravel(ar1), ar2, invert=invert
    ),
}  # fmt: skip
#: How many leading arguments are arrays; one where nothing is said.
ARRAYS = {
    "searchsorted": 1, "bincount": 1, "isin": 2, "in1d": 2, "interp": 3, "digitize": 2, "dot": 2,
    "matmul": 2, "outer": 2, "tensordot": 2, "inner": 2, "union1d": 2, "intersect1d": 2,
    "setdiff1d": 2, "setxor1d": 2, "array_equal": 2, "extract": 2, "compress": 2,
    "take_along_axis": 2,
}  # fmt: skip


class Where(Function):
    """`where` with the condition alone selects; else it maps."""

    def run(self, args, kwargs):
        given = len(args) > 1 or kwargs
        return super().run(args, kwargs) if given else FUNCTIONS["nonzero"].run(args, kwargs)


# --- Arrays from nothing and from the host -----------------------------------------------------


def _creator(name):
    make = getattr(np, name)

    def call(*args, **kwargs):
        if kwargs.get("dtype") is not None:
            checked_dtype(kwargs["dtype"])
        return make(*args, **kwargs)

    return call


def empty(shape, dtype=float, order="C"):
    """Return an array whose elements are not set."""
    return ndarray(shape, dtype, order=order)


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    """Return an array like another whose elements are not set."""
    if type(prototype) is not ndarray:
        raise TypeError(f"cupy.empty_like wants a device array, got {type(prototype).__name__}")
    dtype = None if dtype is None else checked_dtype(dtype)
    return new(unset(np.empty_like(prototype._a, dtype, order, shape=shape)))


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    """Return a copy on the device of an array, of numbers, or of a list of device arrays."""
    dtype = None if dtype is None else checked_dtype(dtype)
    if type(obj) is ndarray:
        ordered = {"C": obj.flags.c_contiguous, "F": obj.flags.f_contiguous}.get(order, True)
        if not copy and ordered and dtype in (None, obj.dtype) and obj.ndim >= ndmin:
            return obj
        _refuse_undefined(obj._a, dtype or obj.dtype)
        result = new(np.array(obj._a, dtype, order=order or "K", copy=True, ndmin=ndmin))
        charge("cupy.array", costs.MAP, [obj], [result])
        return result
    if hasattr(obj, "__cuda_array_interface__"):
        return array(foreign(obj), dtype, copy, order, subok, ndmin)
    operands: list[ndarray] = []
    if isinstance(obj, list | tuple) and _holds_arrays(obj):
        result = new(np.array(unwrap(obj, operands, "cupy.array"), dtype, ndmin=ndmin))
        charge("cupy.array", costs.MAP, operands, [result])
        return result
    result = new(np.array(obj, dtype, order=order or "K", copy=True, ndmin=ndmin))
    counts.uploaded("cupy.asarray" if not copy else "cupy.array", result.nbytes)
    return result


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """Return the array itself where it fits, else a copy on the device."""
    if copy is False and type(a) is not ndarray:
        raise ValueError("cupy.asarray: a copy to the device can't be avoided")
    return array(a, dtype, bool(copy), order or "K")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    """Return a copy on the host; what is there already stays."""
    if type(a) is ndarray:
        return a.get(stream, order, out)
    return np.asarray(a, order=order) if out is None else np.copyto(out, a) or out


def _holds_arrays(items) -> bool:
    return any(
        type(item) is ndarray or (isinstance(item, list | tuple) and _holds_arrays(item))
        for item in items
    )


def astype(x, dtype, /, *, copy=True):
    """Return the array in another dtype."""
    return cast(x, dtype, copy=copy)


def cast(x: ndarray, dtype: Any, order="K", casting=None, subok=None, copy=True) -> ndarray:
    """Convert; what the device's conversion leaves undefined is refused."""
    dtype = checked_dtype(dtype)
    if not copy and dtype == x.dtype:
        return x
    if casting is not None and not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"cannot cast {x.dtype} to {dtype} by {casting!r}")
    _refuse_undefined(x._a, dtype)
    with np.errstate(all="ignore"):
        result = new(x._a.astype(dtype, order=order))
    charge("cupy.astype", costs.MAP, [x], [result])
    return result


def _refuse_undefined(values: np.ndarray, dtype: np.dtype) -> None:
    if values.dtype.kind != "f" or dtype.kind not in "iu" or values.size == 0:
        return
    limits = np.iinfo(dtype)
    low, high = values.min(), values.max()
    if not (low > limits.min - 1.0 and high < limits.max + 1.0):  # false for NaN too
        raise ValueError(
            f"{values.dtype} values from {low} to {high} (NaN: undefined) do not fit {dtype}: "
            "what the device makes of them is undefined"
        )


def copyto(dst, src, casting="same_kind", where=None):
    """Copy values into an array."""
    if type(dst) is not ndarray:
        raise TypeError("cupy.copyto: dst must be a device array")
    operands: list[ndarray] = []
    plain = [unwrap(value, operands, "cupy.copyto") for value in (src, where)]
    np.copyto(dst._a, plain[0], casting, where=True if plain[1] is None else plain[1])
    counts.ran_library("cupy.copyto", 1, sum(o.nbytes for o in operands), dst.nbytes)


def from_dlpack(array, *, device=None, copy=None):
    """Return an array on the memory of whatever lies on the device."""
    if device is not None or copy is not None:
        raise NotImplementedError("the stand-in's from_dlpack takes the array alone")
    if array.__dlpack_device__()[0] != 2:
        raise BufferError("cupy.from_dlpack: the array is not on a CUDA device")
    given = array.__dlpack__(stream=1).array
    return view(given, given._held)


def ix_(*args):
    """Return index arrays that select a grid."""
    operands: list[ndarray] = []
    return wrap(np.ix_(*[unwrap(a, operands, "cupy.ix_") for a in args]), operands)


def get_array_module(*args):
    """Return cupy if one of the arguments is on the device, else numpy."""
    import cupy

    return cupy if any(type(argument) is ndarray for argument in args) else np


class Checked:
    """A function of this file behind the real signature."""

    def __init__(self, function, full_name):
        self.function, self.full_name, self.__name__ = function, full_name, function.__name__
        self.__module__, self.__doc__ = full_name.rpartition(".")[0], function.__doc__

    def __call__(self, *args, **kwargs):
        signatures.check(self.full_name, args, kwargs)
        return self.function(*args, **kwargs)


def _function(name):
    kind = Where if name == "where" else Function
    function = ADAPTERS.get(name) or getattr(np, name)
    return kind(
        f"cupy.{name}", function, costs.FUNCTIONS[name],
        arrays=ARRAYS.get(name, 1), quiet=name in costs.QUIET,
    )  # fmt: skip


OWN = (
    empty, empty_like, array, asarray, asnumpy, astype, copyto, from_dlpack, get_array_module,
)  # fmt: skip
FUNCTIONS: dict[str, Any] = {
    **{name: _function(name) for name in costs.FUNCTIONS},
    **{name: ufunc(name) for name in costs.UFUNCS},
    **{n: Function(f"cupy.{n}", _creator(n), costs.CREATE, arrays=0) for n in costs.CREATORS},
    **{n: Function(f"cupy.{n}", _creator(n), costs.CREATE) for n in costs.LIKE_CREATORS},
    **{n: HostFunction(f"cupy.{n}", getattr(np, n)) for n in costs.ON_HOST},
    **{function.__name__: Checked(function, f"cupy.{function.__name__}") for function in OWN},
    "asanyarray": Checked(asarray, "cupy.asanyarray"),
    "ix_": ix_,
}
__all__ = ["FUNCTIONS", "array", "asarray", "asnumpy", "cast"]
