"""The stand-in for `cupy.ndarray`: what an array is, and what it refuses to become.

It holds a NumPy array and shows none of it. Operators and methods are in `methods.py`.
"""

from typing import Any

import numpy as np

from tests.device.standin import counts, device, signatures

#: What a new array holds: nothing a program could mistake for zeros.
PATTERN = 0x5A


def checked_dtype(dtype: Any) -> np.dtype:
    """Return a dtype that CuPy has.

    Raises
    ------
    TypeError
        If it has none such: objects, texts, dates, extended precision, foreign byte order.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "biufc" or dtype.char in "gG" or not dtype.isnative:
        raise TypeError(f"CuPy has no arrays of dtype {dtype!r}")
    return dtype


class Flags:
    """The flags that CuPy's arrays have; NumPy's others are missing there."""

    __slots__ = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, array: np.ndarray, owner: bool) -> None:
        self.c_contiguous = array.flags.c_contiguous
        self.f_contiguous = array.flags.f_contiguous
        self.owndata = owner


class Pointer:
    """Where an array's first element lies."""

    def __init__(self, array: "ndarray") -> None:
        self.ptr, self.mem, self.device = array._held.ctypes.data, array._buffer, array.device


class Capsule:
    """What an array is handed over in by DLPack; nothing but `from_dlpack` can open it."""

    __slots__ = ("array",)

    def __init__(self, array: "ndarray") -> None:
        self.array = array


class ndarray:  # noqa: N801 - CuPy's name
    """An array on the device.

    Parameters
    ----------
    shape, dtype, memptr, strides, order
        CuPy's. The elements are not set; memory from elsewhere is not accepted.
    """

    __slots__ = ("__weakref__", "_buffer", "_held", "base")
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 100
    __module__ = "cupy"

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C") -> None:
        if memptr is not None or strides is not None:
            raise NotImplementedError(
                "the stand-in makes no arrays from memory pointers or strides"
            )
        self._held = unset(np.empty(shape, checked_dtype(dtype), order))
        self._buffer = _allocated(self._held.nbytes)
        self.base = None  # of a view, the array that owns the memory

    @property
    def _a(self) -> np.ndarray:
        """What work on the current device and stream reads or writes."""
        device.used(self._buffer)
        return self._held

    # What it shows.
    shape = property(lambda self: self._held.shape)
    dtype = property(lambda self: self._held.dtype)
    ndim = property(lambda self: self._held.ndim)
    size = property(lambda self: self._held.size)
    itemsize = property(lambda self: self._held.itemsize)
    nbytes = property(lambda self: self._held.nbytes)
    strides = property(lambda self: self._held.strides)
    flags = property(lambda self: Flags(self._held, self._held.base is None))
    device = property(lambda self: device.Device(self._buffer.device))
    data = property(Pointer)
    T = property(lambda self: view(self, self._held.T))
    mT = property(lambda self: view(self, self._held.mT))  # noqa: N815 - the standard's name

    @property
    def real(self):
        return view(self, self._held.real) if self.dtype.kind == "c" else self

    @property
    def imag(self):
        if self.dtype.kind != "c":
            raise NotImplementedError("the stand-in has imaginary parts of complex arrays only")
        return view(self, self._held.imag)

    def __getattr__(self, name: str) -> Any:
        if signatures.offers(f"cupy.ndarray.{name}"):
            raise NotImplementedError(
                f"CuPy has ndarray.{name}, the stand-in hasn't: add it to standin/methods.py"
            )
        version = signatures.version("cupy")
        raise AttributeError(f"{name!r} is not in CuPy's ndarray (CuPy {version})")

    def __len__(self) -> int:
        return len(self._held)

    # How it is handed to other libraries of the device, without a copy.
    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None) -> Capsule:
        return Capsule(self)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._buffer.device  # 2: CUDA

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape, "typestr": self.dtype.str, "descr": self.dtype.descr,
            "stream": 1, "version": 3, "data": (self.data.ptr, False),
            "strides": None if self.flags.c_contiguous else self.strides,
        }  # fmt: skip

    # What it refuses: to become a host array unasked, to be walked through.
    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Call .get(), or cupy.asnumpy, where the copy is meant."
        )

    def __iter__(self) -> Any:
        raise TypeError(
            "iterating over a device array launches and waits once per element: "
            "work on the whole array, or copy it to the host first"
        )

    def __contains__(self, item: Any) -> bool:
        raise TypeError("'in' would walk through a device array: use (array == item).any()")

    # What costs a copy to the host and a wait.
    def host(self, name: str) -> np.ndarray:
        """Return a host copy, recorded under ``name``."""
        counts.downloaded(name, self._held.nbytes)
        with self.device:
            copied = self._a.copy(order="C")
            device.waited()
        return copied

    def get(self, stream=None, order="C", out=None, blocking=True) -> np.ndarray:
        """Return a copy on the host."""
        result = self.host("get")
        if out is None:
            return np.asarray(result, order=order)
        if not isinstance(out, np.ndarray) or (out.dtype, out.shape) != (self.dtype, self.shape):
            raise TypeError("out of get() must be a numpy.ndarray of the same dtype and shape")
        out[...] = result
        return out

    def item(self):
        """Return the only element."""
        return self.host("item").item()

    def tolist(self):
        """Return the elements as (nested) lists."""
        return self.host("tolist").tolist()

    def __bool__(self) -> bool:
        return bool(self.host("bool()"))

    def __int__(self) -> int:
        return int(self.host("int()").item())

    def __float__(self) -> float:
        return float(self.host("float()").item())

    def __complex__(self) -> complex:
        return complex(self.host("complex()").item())

    def __repr__(self) -> str:
        return repr(self.host("repr()"))

    def __str__(self) -> str:
        return str(self.host("str()"))

    def __format__(self, spec: str) -> str:
        return format(self.host("format()").item() if self.ndim == 0 else str(self), spec)


def unset(array: np.ndarray) -> np.ndarray:
    """Fill an array with what uninitialised memory must not be mistaken for, and return it."""
    if array.dtype.kind in "fc":
        array.fill(np.nan)
    elif array.dtype.kind == "b":
        array.fill(True)
    else:
        array.fill(np.frombuffer(bytes([PATTERN] * array.itemsize), array.dtype)[0])
    return array


def view(array: ndarray, part: np.ndarray) -> ndarray:
    """Return an array on the same memory."""
    return _made(part, array._buffer, array if array.base is None else array.base)


def foreign(array: Any) -> ndarray:
    """Return an array on the memory that another library shows by ``__cuda_array_interface__``."""
    interface = dict(array.__cuda_array_interface__)
    holder = type("Holder", (), {"__array_interface__": interface, "owner": array})()
    return _made(np.asarray(holder), _allocated(0))


def new(values: Any) -> ndarray:
    """Return an array on memory of its own; ``values`` is a fresh NumPy array or a scalar."""
    values = np.asarray(values)
    checked_dtype(values.dtype)
    return _made(values, _allocated(values.nbytes))


def _allocated(nbytes: int) -> counts.Buffer:
    """Return memory of the current device, of which the current stream is the first user."""
    buffer = counts.Buffer(nbytes, device.current())
    device.used(buffer)
    return buffer


def _made(values: np.ndarray, buffer: counts.Buffer, base: ndarray | None = None) -> ndarray:
    made = object.__new__(ndarray)
    made._held, made._buffer, made.base = values, buffer, base
    return made
