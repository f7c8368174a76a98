"""NumPy or CuPy: which library, and so which device, the user's arrays belong to.

A stage asks once, at its public boundary::

    xp = array_namespace(data=data, mask=mask)

and from then on calls NumPy's functions, which CuPy implements, too. The few for which that is not
so are here. Arrays of other libraries become arrays of these two on the same memory, by `adopt`.
CuPy is imported only when one of its arrays is passed, or one that is on a GPU.
"""

import importlib
import importlib.util
from types import ModuleType
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from skyshed.devices import (
    CUDA_DEVICES,
    check_one_device,
    device_of,
    on_device_of,
    on_its_device,
    stays_on_device,
)
from skyshed.messages import one_line

__all__ = [
    "adopt",
    "array_namespace",
    "count_in_rows",
    "device_memory",
    "device_of",
    "imported_modules",
    "in_one_transfer",
    "is_device_array",
    "like",
    "named_modules",
    "ndimage_of",
    "need_gpu",
    "on_device_of",
    "on_its_device",
    "only_on_host",
    "repeat",
    "stays_on_device",
    "to_device",
    "to_host",
    "why_no_gpu",
]


#: Compute capability, times 10, of the oldest GPUs that the kernels are compiled for.
LEAST_CAPABILITY = 75
#: Bytes of a NumPy array that go to a device at once.
PART = 64 << 20
#: DLPack's numbers of devices whose memory the host can read: the CPU, and CUDA's pinned memory.
HOST_DEVICES = (1, 3)


def is_device_array(array: Any) -> bool:
    """Whether ``array`` is a CuPy array, without importing CuPy."""
    return array_api_compat.is_cupy_array(array)


def array_namespace(**arrays: Any) -> ModuleType:
    """Return the array namespace that all arrays share.

    Parameters
    ----------
    **arrays : array_like or None
        Arguments under their public names, which error messages quote. `None` and scalars of Python
        and NumPy go with any namespace. Lists and other array-likes count as NumPy's, arrays of
        other libraries as what `adopt` makes of them.

    Returns
    -------
    xp : module
        NumPy, or CuPy as `array_api_compat` wraps it. (NumPy needs no wrapper since 2.0, and
        that of `array_api_compat` imports all of it, which takes a tenth of a second.)

    Raises
    ------
    TypeError
        If an argument is an array that skyshed cannot work on, or some arrays are on the host and
        others on a device.
    ValueError
        If arrays are on two devices.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import array_namespace
    >>> array_namespace(data=np.zeros((2, 3)), mask=None).__name__
    'numpy'
    """
    homes: dict[bool, tuple[str, Any]] = {}
    for name, array in arrays.items():
        on_device = is_device_array(array) or _shared_device(array, name) in CUDA_DEVICES
        if not on_device and (array is None or array is np.ma.nomask or _is_scalar(array)):
            continue
        if not on_device and _is_foreign(array) and not _is_shared(array):
            raise TypeError(
                f"{name} is a {_kind(array)}, but skyshed works on NumPy and CuPy arrays, and on "
                "arrays that share their memory by DLPack or __cuda_array_interface__: convert it "
                f"first, e.g. with numpy.asarray({name})"
            )
        homes.setdefault(on_device, (name, array))
    if len(homes) == 2:
        (one, first), (other, second) = (homes[key] for key in homes)
        device, host = homes[True][0], homes[False][0]
        raise TypeError(
            f"{one} is a {_kind(first)} and {other} a {_kind(second)}: images must all be on the "
            f"host or all on the device; use cupy.asarray({host}), or cupy.asnumpy({device})"
        )
    if True not in homes:
        return np
    check_one_device(**arrays)
    name, array = homes[True]
    if not is_device_array(array):
        need_gpu(f"{name} is a {_kind(array)} on a GPU, which")
        return importlib.import_module("array_api_compat.cupy")
    return array_api_compat.array_namespace(array)


def adopt(array: Any, name: str = "array") -> Any:
    """Return an array of another library as an array of NumPy or CuPy on the same memory.

    Memory of the host becomes a NumPy array, memory of a CUDA device a CuPy array. Nothing is
    copied. Whatever does not share memory is returned unchanged, as are arrays of NumPy and CuPy.

    Parameters
    ----------
    array : object
        Shares its memory if it has ``__dlpack__`` and ``__dlpack_device__``, or
        ``__cuda_array_interface__``.
    name : str, optional
        What messages call it.

    Raises
    ------
    TypeError
        If the memory is on a device of another kind, or its library refuses to share it.
    ImportError
        If the memory is on a GPU, and CuPy is not installed or finds no GPU.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import adopt
    >>> class Tensor:
    ...     values = np.arange(3.0)
    ...     def __dlpack__(self, **kwargs):
    ...         return self.values.__dlpack__(**kwargs)
    ...     def __dlpack_device__(self):
    ...         return self.values.__dlpack_device__()
    >>> adopt(Tensor())
    array([0., 1., 2.])
    """
    if isinstance(array, (np.ndarray, np.generic)) or not _is_shared(array):
        return array
    device = _shared_device(array, name)
    try:
        if device not in CUDA_DEVICES:
            return np.from_dlpack(array)
        cupy = need_gpu(f"{name} is a {_kind(array)} on a GPU, which")
        return (cupy.asarray if _on_cuda(array) else cupy.from_dlpack)(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name} is a {_kind(array)} that does not share its memory "
            f"({one_line(error)}): convert it to a NumPy or CuPy array of real "
            "numbers first"
        ) from error


def _on_cuda(array: Any) -> bool:
    return hasattr(array, "__cuda_array_interface__")


def _is_shared(array: Any) -> bool:
    """Whether it is an array of another library that shares its memory."""
    if isinstance(array, (np.ndarray, np.generic)) or is_device_array(array):
        return False
    exports = hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__")
    return exports or _on_cuda(array)


def _shared_device(array: Any, name: str) -> int | None:
    """Return DLPack's number of the device that shared memory is on, `None` if it is not shared.

    Raises
    ------
    TypeError
        If neither NumPy nor CuPy can use memory of that device.
    """
    if not _is_shared(array):
        return None
    if _on_cuda(array):
        return CUDA_DEVICES[0]
    device = int(array.__dlpack_device__()[0])
    if device not in HOST_DEVICES + CUDA_DEVICES:
        raise TypeError(
            f"{name} is a {_kind(array)} on a device of DLPack's type {device}, but skyshed works "
            "on the host and on CUDA devices: move it there first"
        )
    return device


def _is_scalar(array: Any) -> bool:
    return array.ndim == 0 if isinstance(array, np.ndarray) else np.isscalar(array)


def _is_foreign(array: Any) -> bool:
    """Whether it is an array of a library other than NumPy."""
    is_array = array_api_compat.is_array_api_obj(array)
    return is_array and not array_api_compat.is_numpy_array(array)


def _kind(array: Any) -> str:
    kind = type(array)
    library = kind.__module__.partition(".")[0]
    return kind.__name__ if library == "builtins" else f"{library}.{kind.__name__}"


def to_host(array: Any) -> Any:
    """Return a copy of a device array as a NumPy array; anything else is returned unchanged."""
    return array.get() if is_device_array(array) else array


def in_one_transfer(*arrays: Any) -> tuple[Any, ...]:
    """Return small arrays as NumPy arrays; those on the device are copied together.

    Each copy waits for the device: twenty columns copied one by one would wait twenty times.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import in_one_transfer
    >>> in_one_transfer(np.arange(2), None)
    (array([0, 1]), None)
    """
    remote = [array for array in arrays if is_device_array(array)]
    if len(remote) < 2:
        return tuple(to_host(array) for array in arrays)
    xp = array_api_compat.array_namespace(remote[0])
    with on_device_of(remote[0]):
        parts = [xp.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in remote]
        packed = xp.concatenate(parts).get()
    ends = np.cumsum([part.size for part in parts])
    # `tobytes` copies: a part may begin at an address that is not a multiple of its itemsize.
    pieces = iter(
        np.frombuffer(packed[end - part.size : end].tobytes(), array.dtype).reshape(array.shape)
        for array, part, end in zip(remote, parts, ends, strict=True)
    )
    return tuple(next(pieces).copy() if is_device_array(array) else array for array in arrays)


def to_device(array: Any) -> Any:
    """Return a NumPy array as a CuPy array on the current device; `None` stays `None`.

    Large ones are sent in parts of `PART` bytes. CuPy's ``asarray`` takes page-locked memory of the
    host for all of an array, rounded up to a power of two, and keeps it.

    Raises
    ------
    ImportError
        If CuPy is not installed or finds no device.
    """
    if array is None or is_device_array(array):
        return array
    cupy = need_gpu("device 'cuda'")
    if array.nbytes <= PART or not array.ndim or not array.dtype.isnative:
        return cupy.asarray(array)
    there = cupy.empty(array.shape, array.dtype)
    step = max(1, PART * array.shape[0] // array.nbytes)
    for first in range(0, array.shape[0], step):
        there[first : first + step].set(array[first : first + step])
    return there


def device_memory() -> int:
    """Return how many bytes of memory are free on the current device.

    What CuPy's pool keeps of freed arrays is free, too: the next array takes it.

    Raises
    ------
    ImportError
        If CuPy is not installed or finds no device.
    """
    cupy = need_gpu("device 'cuda'")
    return int(cupy.cuda.Device().mem_info[0]) + int(cupy.get_default_memory_pool().free_bytes())


def why_no_gpu() -> str | None:
    """Return why nothing can be computed on a GPU here; `None` if it can.

    Examples
    --------
    >>> from skyshed.namespace import why_no_gpu
    >>> why_no_gpu() is None or "CuPy" in why_no_gpu() or "GPU" in why_no_gpu()
    True
    """
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed"
    try:
        cupy = need_gpu("a GPU")
    except ImportError:
        return "CuPy sees no GPU"
    capability = str(cupy.cuda.Device().compute_capability)
    if int(capability) < LEAST_CAPABILITY:
        return f"the GPU's compute capability is {capability[:-1]}.{capability[-1]}, less than 7.5"
    return None


def need_gpu(what: str) -> Any:
    """Import CuPy, or raise an ImportError that says that ``what`` needs it."""
    try:
        cupy: Any = importlib.import_module("cupy")
    except ImportError as error:
        raise ImportError(
            f"{what} needs CuPy, which can't be imported: pip install 'skyshed[cuda13]' (or "
            f"cuda12); {error}"
        ) from error
    if not cupy.is_available():
        raise ImportError(f"{what} needs an NVIDIA GPU, and CuPy sees none: use the host")
    return cupy


def like(array: Any, other: Any) -> Any:
    """Return a small NumPy array in the library, and on the device, of ``other``."""
    if not is_device_array(other) or is_device_array(array):
        return array
    with on_device_of(other):
        return array_api_compat.array_namespace(other).asarray(array)


def only_on_host(array: Any, what: str, instead: str) -> None:
    """Raise a TypeError if ``array`` is on a device, where ``what`` is not available.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import only_on_host
    >>> only_on_host(np.zeros(3), "data_ma", "use data")
    """
    if is_device_array(array):
        raise TypeError(f"{what} can't be had of a {_kind(array)}: {instead}")


def ndimage_of(array: Any) -> ModuleType:
    """Return the ``scipy.ndimage`` of the library of ``array``."""
    name = "cupyx.scipy.ndimage" if is_device_array(array) else "scipy.ndimage"
    return importlib.import_module(name)


def repeat(values: Any, counts: Any) -> Any:
    """Repeat each element of ``values`` as often as ``counts``, an array, says.

    It is `numpy.repeat`; CuPy's does not take an array of counts.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import repeat
    >>> repeat(np.array([7, 8]), np.array([2, 1]))
    array([7, 7, 8])
    """
    if not is_device_array(counts):
        return np.repeat(values, counts)
    xp = array_api_compat.array_namespace(counts)
    ends = xp.cumsum(counts)
    total = int(ends[-1]) if counts.size else 0
    return xp.take(values, xp.searchsorted(ends, xp.arange(total), side="right"), axis=0)


def count_in_rows(values: Any, start: Any) -> Any:
    """Count the values that are True in each row of compressed rows.

    Parameters
    ----------
    values : array of bool, shape (N,)
        The elements of all rows, one row after the other.
    start : array of int64, shape (n + 1,)
        Where each row begins, and N. No row is empty.

    Returns
    -------
    counts : array of int64, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import count_in_rows
    >>> count_in_rows(np.array([True, False, True]), np.array([0, 2, 3]))
    array([1, 1])
    """
    if not is_device_array(values):
        rows = start[:-1]
        return np.add.reduceat(values, rows, dtype=np.int64) if rows.size else rows
    xp = array_api_compat.array_namespace(values)
    sums = xp.zeros(values.size + 1, dtype=np.int64)
    xp.cumsum(values, dtype=np.int64, out=sums[1:])
    return sums[start[1:]] - sums[start[:-1]]


def named_modules(state: dict[str, Any]) -> dict[str, Any]:
    """Return an object's attributes, modules by their names: these can be pickled and copied.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.namespace import imported_modules, named_modules
    >>> state = named_modules({"xp": np, "n": 3})
    >>> imported_modules(state)["xp"] is np
    True
    """
    return {
        name: _Named(value.__name__) if isinstance(value, ModuleType) else value
        for name, value in state.items()
    }


def imported_modules(state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that `named_modules` was given."""
    return {
        name: importlib.import_module(value.module) if isinstance(value, _Named) else value
        for name, value in state.items()
    }


class _Named(NamedTuple):
    """A module, by its name."""

    module: str
