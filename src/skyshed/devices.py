"""On which device work is done: that of its arrays, whichever the caller's thread has chosen.

CuPy makes arrays on the current device, and launches our kernels there wherever their arrays are:
without peer access that ends the process' use of the GPU, with it memory crosses the bus.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from types import FunctionType
from typing import Any, TypeVar

import array_api_compat
import numpy as np

__all__ = [
    "CUDA_DEVICES",
    "check_one_device",
    "current_device",
    "device_of",
    "on_device_of",
    "on_gpu",
    "on_its_device",
    "stays_on_device",
]

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

#: DLPack's numbers of devices whose memory CuPy can use: CUDA, and CUDA's managed memory.
CUDA_DEVICES = (2, 13)


def device_of(array: Any) -> Any:
    """Return the device that an array of CuPy, or one that CuPy can use, is on; else `None`."""
    if isinstance(array, np.ndarray) or not array_api_compat.is_array_api_obj(array):
        return None
    if array_api_compat.is_cupy_array(array):
        return array.device
    if not hasattr(array, "__dlpack_device__"):
        return None
    kind, number = array.__dlpack_device__()
    if int(kind) not in CUDA_DEVICES:
        return None
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:  # who wants to work on it says so, and what to do
        return None
    return cupy.cuda.Device(number)


def current_device() -> Any:
    """Return this thread's current device, for threads that it starts; `None` without a GPU.

    A new thread is on device 0. CuPy is not imported: who works on a GPU has done so.
    """
    cupy = sys.modules.get("cupy")
    return cupy.cuda.Device() if cupy is not None and cupy.is_available() else None


def on_gpu(number: int) -> AbstractContextManager[Any]:
    """Return a context in which a GPU is current, by its number; CuPy is there."""
    device: AbstractContextManager[Any] = importlib.import_module("cupy").cuda.Device(number)
    return device


def on_device_of(array: Any) -> AbstractContextManager[Any]:
    """Return a context in which the device of an array is current; the host's change nothing."""
    device = device_of(array)
    return nullcontext() if device is None else device


def on_its_device(function: F) -> F:
    """Let a function run on the device of its first argument, an array.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.devices import on_its_device
    >>> @on_its_device
    ... def double(data):
    ...     return data + data
    >>> double(np.arange(3))
    array([0, 2, 4])
    """
    return _on_device_of_argument(function, 0)  # type: ignore[no-any-return]


def _on_device_of_argument(function: Any, position: int) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        in_place = len(args) > position
        array = args[position] if in_place else kwargs.get(_parameter(function, position))
        with on_device_of(array):
            return function(*args, **kwargs)

    return wrapper


@functools.cache
def _parameter(function: Any, position: int) -> str:
    """Return the name of a parameter."""
    return list(inspect.signature(function).parameters)[position]


def stays_on_device(kind: C) -> C:
    """Let all methods and properties of a class run on the device of an object's arrays.

    An object says in ``_device`` which that is, `None` for the host; it is made on the device of
    its first argument.
    """
    for name, member in list(vars(kind).items()):
        if name == "__init__":
            kind.__init__ = _on_device_of_argument(member, 1)  # type: ignore[misc]
        elif isinstance(member, FunctionType) and name != "__getattr__":
            setattr(kind, name, _on_own_device(member))
        elif isinstance(member, property):
            get, put, delete = map(_on_own_device, (member.fget, member.fset, member.fdel))
            same = type(member)(get, put, delete)
            same.__doc__ = member.__doc__
            setattr(kind, name, same)
        elif isinstance(member, functools.cached_property):
            kept = type(member)(_on_own_device(member.func))
            kept.__set_name__(kind, name)
            setattr(kind, name, kept)
    return kind


def _on_own_device(function: Any) -> Any:
    if function is None:
        return None

    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        device = self.__dict__.get("_device")
        if device is None:  # the host, which is not to wait for a context
            return function(self, *args, **kwargs)
        with device:
            return function(self, *args, **kwargs)

    return wrapper


def check_one_device(**arrays: Any) -> None:
    """Refuse arrays of several devices; what is no CuPy array, or object that holds some, passes.

    Raises
    ------
    ValueError
        If two arrays are on two devices; the message names them by their arguments.
    """
    first: tuple[str, int] | None = None
    for name, array in _arrays(arrays):
        number = array.device.id
        if first is None:
            first = name, number
        elif number != first[1]:
            raise ValueError(
                f"{first[0]} is on GPU {first[1]} and {name} on GPU {number}: arrays must be on "
                f"one device; copy one: with cupy.cuda.Device({first[1]}): cupy.array({name})"
            )


def _arrays(named: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the CuPy arrays among arguments, also those in tuples and in `Sources`."""
    for name, value in named.items():
        if array_api_compat.is_cupy_array(value):
            yield name, value
        elif isinstance(value, (tuple, list)):
            yield from ((name, one) for one in value if array_api_compat.is_cupy_array(one))
        elif array_api_compat.is_cupy_array(getattr(value, "pixel", None)):
            yield name, value.pixel
