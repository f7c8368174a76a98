"""Windows of arrays: NumPy's, memory maps, Dask's, and Zarr's that are no folders."""

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.reading import native, window_errors
from skyshed.images.wcs import ExactWCS

__all__ = ["ArrayWindows", "mapped_file"]


@dataclass(frozen=True, eq=False)
class ArrayWindows:
    """A 2-D array that is sliced.

    A memory map is sent to other processes as the name of its file, any other array as its pixels.

    Attributes
    ----------
    array : array-like, shape (ny, nx)
        Anything with ``shape``, ``dtype`` and slices that NumPy can take.
    unit : `~astropy.units.UnitBase` or None
        The unit of the pixels.
    wcs : object or None
        The celestial WCS.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import ArrayWindows
    >>> ArrayWindows(np.arange(12).reshape(3, 4)).read(1, 3, 2, 4)
    array([[ 6,  7],
           [10, 11]])
    """

    array: Any
    unit: Any = None
    wcs: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        ny, nx = self.array.shape
        return int(ny), int(nx)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of what `read` returns."""
        return np.dtype(self.array.dtype).newbyteorder("=")

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a new NumPy array in native byte order.

        Raises
        ------
        OSError
            If the array cannot be read there; the message names the window.
        """
        with window_errors(f"the {type(self.array).__name__}", y0, y1, x0, x1):
            pixels = self.array[y0:y1, x0:x1]
            if hasattr(pixels, "dask"):
                # In this thread: within a task of Dask's, waiting for other tasks could be forever.
                pixels = pixels.compute(scheduler="synchronous")
            return native(np.asarray(pixels))

    def __getstate__(self) -> dict[str, Any]:
        mapped = mapped_file(self.array)
        sent = self.array if mapped is None else mapped
        return {"array": sent, "unit": self.unit, "wcs": ExactWCS(self.wcs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        array = state["array"]
        opened = array.open() if isinstance(array, MappedFile) else array
        self.__dict__.update({**state, "array": opened, "wcs": state["wcs"].wcs})


@dataclass(frozen=True)
class MappedFile:
    """Where in which file the pixels of a memory map are."""

    path: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype

    def open(self) -> Any:
        """Return the memory map, to be read only."""
        content = np.memmap(self.path, np.uint8, mode="r")
        return np.ndarray(self.shape, self.dtype, content, self.offset, self.strides)


def mapped_file(array: Any) -> MappedFile | None:
    """Return where the pixels of an array lie in a file, None where they are in memory."""
    if not isinstance(array, np.ndarray):
        return None
    root: Any = array
    while isinstance(root, np.ndarray) and not isinstance(root, np.memmap):
        root = root.base
    # Copy on write ("c") may have changed what the file does not know of.
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == "c":
        return None
    map_ = getattr(root, "_mmap", None)  # None for what was computed from a map
    if map_ is None:
        return None
    # `offset` is that of the map as it was opened, also of views of it.
    first = np.frombuffer(map_, np.uint8)
    start = _address(array) - _address(first)
    if not 0 <= start < max(first.size, 1):
        return None
    before = root.offset - root.offset % mmap.ALLOCATIONGRANULARITY
    return MappedFile(
        str(root.filename), int(before + start), array.shape, array.strides, array.dtype
    )


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]
