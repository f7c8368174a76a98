"""Gives `ndarray` its operators and methods, each behind the real method's signature."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.device.standin import costs, counts, indexing, signatures
from tests.device.standin.arrays import checked_dtype, ndarray, new, view
from tests.device.standin.calls import charge
from tests.device.standin.costs import words
from tests.device.standin.functions import FUNCTIONS, cast

BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}
#: Methods that are functions of the same name with the array first.
SAME = words(
    "all any argmax argmin argsort clip conj conjugate cumprod cumsum diagonal dot "
    "max mean min nonzero prod ptp ravel repeat round searchsorted squeeze std sum "
    "swapaxes take trace var choose"
)


def _binary(name: str) -> tuple[Callable, Callable, Callable]:
    function = FUNCTIONS[name]
    return (
        lambda self, other: function(self, other),
        lambda self, other: function(other, self),
        lambda self, other: function(self, other, out=self),
    )


def _unary(name: str) -> Callable:
    function = FUNCTIONS[name]
    return lambda self: function(self)


def _method(name: str) -> Callable:
    full, function = f"cupy.ndarray.{name}", FUNCTIONS[name]
    run = function if not hasattr(function, "run") else lambda *a, **k: function.run(a, k)

    def method(self, *args: Any, **kwargs: Any) -> Any:
        signatures.check(full, (self, *args), kwargs)
        return run(self, *args, **kwargs)

    method.__name__ = name
    return method


def _checked(function: Callable) -> Callable:
    full = f"cupy.ndarray.{function.__name__}"

    def method(self, *args: Any, **kwargs: Any) -> Any:
        signatures.check(full, (self, *args), kwargs)
        return function(self, *args, **kwargs)

    method.__name__, method.__doc__ = function.__name__, function.__doc__
    return method


def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
    """Convert the dtype."""
    return cast(self, dtype, order, casting, subok, copy)


def copy(self, order="C"):
    """Return a copy."""
    return FUNCTIONS["copy"].run((self,), {"order": order})


def flatten(self, order="C"):
    """Return a 1-D copy."""
    result = new(self._a.flatten(order))
    charge("cupy.ndarray.flatten", costs.MAP, [self], [result])
    return result


def fill(self, value):
    """Set all elements to a scalar."""
    indexing.put(self, Ellipsis, value)


def reshape(self, *shape, order="C", copy=None):
    """Return the elements in another shape: a view where possible."""
    shape = shape[0] if len(shape) == 1 else shape
    if copy:
        self = FUNCTIONS["copy"].run((self,), {})
    return FUNCTIONS["reshape"].run((self, shape), {"order": order})


def transpose(self, *axes):
    """Return a view with axes permuted."""
    return view(self, self._held.transpose(*axes))


def sort(self, axis=-1, kind=None):
    """Sort in place."""
    if kind not in (None, "stable"):
        raise ValueError(f"kind must be None or 'stable', got {kind!r}")
    self._a.sort(axis=axis, kind="stable")
    charge("cupy.ndarray.sort", costs.SORT, [self], [self], kwargs={"out": self})


def set_(self, arr, stream=None):
    """Copy a host array of the same dtype and shape into this one."""
    if not isinstance(arr, np.ndarray):
        raise TypeError(f"Only numpy.ndarray can be set to cupy.ndarray, got {type(arr).__name__}")
    if (arr.dtype, arr.shape) != (self.dtype, self.shape):
        raise TypeError(
            f"set() wants {self.dtype} of shape {self.shape}, got {arr.dtype} of {arr.shape}"
        )
    self._a[...] = arr
    counts.uploaded("set", arr.nbytes)


def view_(self, dtype=None, type=None):
    """Return the same bytes, perhaps as another dtype."""
    return view(self, self._a.view() if dtype is None else self._a.view(checked_dtype(dtype)))


def array_ufunc(self, function, method, *inputs, **kwargs):
    """Answer NumPy's ufuncs as CuPy does: by its own of the same name."""
    if method != "__call__" or function.__name__ not in FUNCTIONS:
        return NotImplemented
    if "out" in kwargs:
        if len(kwargs["out"]) != 1:
            raise ValueError("The 'out' parameter must have exactly one array value")
        kwargs["out"] = kwargs["out"][0]
    return FUNCTIONS[function.__name__](*inputs, **kwargs)


def array_function(self, function, types, args, kwargs):
    """Answer NumPy's functions as CuPy does: by its own of the same name, where it has one."""
    if function.__module__ != "numpy" or not all(
        issubclass(kind, ndarray | np.ndarray) for kind in types
    ):
        return NotImplemented
    import cupy

    own = getattr(cupy, function.__name__, None)
    return NotImplemented if own is None else own(*args, **kwargs)


def attach() -> None:
    """Put operators and methods on the class."""
    for name, function in BINARY.items():
        plain, reflected, in_place = _binary(function)
        setattr(ndarray, f"__{name}__", plain)
        setattr(ndarray, f"__r{name}__", reflected)
        setattr(ndarray, f"__i{name}__", in_place)
    for name, function in COMPARISONS.items():
        setattr(ndarray, f"__{name}__", _binary(function)[0])
    for name, function in UNARY.items():
        setattr(ndarray, f"__{name}__", _unary(function))
    ndarray.__matmul__ = lambda self, other: FUNCTIONS["matmul"](self, other)
    ndarray.__divmod__ = lambda self, other: FUNCTIONS["divmod"](self, other)
    for name in SAME:
        setattr(ndarray, name, _method(name))
    for function in (astype, copy, flatten, fill, reshape, transpose, sort):
        setattr(ndarray, function.__name__, _checked(function))
    set_.__name__, view_.__name__ = "set", "view"
    ndarray.set, ndarray.view = _checked(set_), _checked(view_)
    ndarray.get = _checked(ndarray.get)
    ndarray.__getitem__, ndarray.__setitem__ = indexing.get, indexing.put
    ndarray.__array_ufunc__, ndarray.__array_function__ = array_ufunc, array_function
    ndarray.__copy__ = lambda self: self.copy()
    ndarray.__deepcopy__ = lambda self, memo: self.copy()
    for operation, function in (("add", np.add), ("max", np.maximum), ("min", np.minimum)):
        setattr(ndarray, f"scatter_{operation}", _scatter(function))


def _scatter(function: np.ufunc) -> Callable:
    from tests.device.standin.kernels import order

    return lambda self, slices, value: indexing.scatter(self, slices, value, function, order())
