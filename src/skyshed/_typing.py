"""Names for the types of arguments and results.

What functions take can be described: arrays of NumPy, CuPy, or any library that shares memory. What
they return depends on what they were given, which no type checker can follow: `Array` is `Any`.
"""

from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "Array",
    "Image",
    "ImageOrNDData",
    "Labels",
    "Mask",
    "Namespace",
    "Pair",
    "PerSource",
]


class _SharesMemory(Protocol):
    """An array of another library that shares its memory by DLPack."""

    def __dlpack__(self, **kwargs: Any) -> Any: ...

    def __dlpack_device__(self) -> Any: ...


class _OnDevice(Protocol):
    """An array on a CUDA device."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...


class _Data(Protocol):
    """An `~astropy.nddata.NDData`."""

    @property
    def data(self) -> Any: ...

    @property
    def mask(self) -> Any: ...

    @property
    def unit(self) -> Any: ...


#: What is returned: an array of the library and on the device of the arguments, or a Quantity.
Array: TypeAlias = Any
#: An image as an argument, shape (ny, nx): an array of any library, Quantity, masked array or list.
Image: TypeAlias = npt.ArrayLike | _SharesMemory | _OnDevice
#: The same, or an NDData.
ImageOrNDData: TypeAlias = Image | _Data
#: Booleans of the shape of an image, True for pixels to leave out; `None` for none.
Mask: TypeAlias = npt.ArrayLike | _SharesMemory | _OnDevice | None
#: One or several labels.
Labels: TypeAlias = int | np.integer[Any] | npt.ArrayLike
#: A value for each source, shape (n,), on the host: an array or a Quantity.
PerSource: TypeAlias = np.ndarray[Any, Any]
#: One integer for both axes, or two in the order (y, x).
Pair: TypeAlias = int | tuple[int, int] | npt.ArrayLike
#: A module of array functions: NumPy or CuPy.
Namespace: TypeAlias = ModuleType
