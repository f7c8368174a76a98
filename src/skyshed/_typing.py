"""Names for the types of arguments and results.

Arrays may be NumPy's, CuPy's, or of any library that shares memory, and no type checker knows which
one a function returns: `Array` is an alias of `Any`. What a function *takes* can be said.
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
    """An array of another library, by DLPack."""

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
#: What an image may be, shape (ny, nx): an array of any library, a Quantity, masked array or list.
Image: TypeAlias = npt.ArrayLike | _SharesMemory | _OnDevice
#: The same where an NDData may be given, too.
ImageOrNDData: TypeAlias = Image | _Data
#: Booleans of the shape of an image, True for pixels to leave out; `None` for none.
Mask: TypeAlias = npt.ArrayLike | _SharesMemory | _OnDevice | None
#: One label, or several.
Labels: TypeAlias = int | np.integer[Any] | npt.ArrayLike
#: A value for each source, shape (n,), on the host: an array or a Quantity.
PerSource: TypeAlias = np.ndarray[Any, Any]
#: One integer for both axes, or two in the order (y, x).
Pair: TypeAlias = int | tuple[int, int] | npt.ArrayLike
#: An array library's functions.
Namespace: TypeAlias = ModuleType
