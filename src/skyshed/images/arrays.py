"""Arrays as images: NumPy's, memory maps, Dask's and CuPy's."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skyshed.images.cards import Cards
from skyshed.images.fingerprint import file_facts, sample_digest
from skyshed.images.hdu_facts import HduFacts
from skyshed.images.pixels import native, reading_errors
from skyshed.images.source import ImageSource
from skyshed.images.wcs import ExactWCS
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, is_device_array

__all__ = ["ArraySource", "mapped_file"]


@dataclass(frozen=True, eq=False)
class ArraySource(ImageSource):
    """An image that is an array: NumPy's, a memory map, Dask's, CuPy's, or anything like them.

    A memory map is sent to other processes as the name of its file, any other array as its pixels.

    Attributes
    ----------
    array : array-like, shape (ny, nx)
        Anything with ``shape``, ``dtype`` and slices that NumPy or CuPy can take.
    unit : `~astropy.units.UnitBase` or None
        The unit of the pixels.
    wcs : object or None
        The celestial WCS.
    came_from : mapping
        What `origin` returns.
    detsec : str or None
        Where on the detector the image is, as the header of its file says.
    integers : ImageSource or None
        What `as_integers` returns, if it is another.
    blank : int or None
        The value of pixels without one.
    hdu : HduFacts or None
        Which HDU of a file it is.
    unknown_unit : str
        What a header says the unit is, where that is not known.
    header : Cards or None
        The cards of its header.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> open_image(np.arange(12).reshape(3, 4)).image.read(Window(1, 3, 2, 4))
    array([[ 6,  7],
           [10, 11]])
    """

    array: Any
    unit: Any = None
    wcs: Any = None
    came_from: Mapping[str, Any] = field(default_factory=lambda: {"input": "array"})
    unit_from_header: bool = False
    windowed: bool = True
    detsec: str | None = None
    integers: ImageSource | None = None
    blank: int | None = None
    hdu: HduFacts | None = None
    unknown_unit: str = ""
    header: Cards | None = None

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """The shape of the whole image."""
        ny, nx = self.array.shape
        return int(ny), int(nx)

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """The dtype of what `read` returns."""
        stored: np.dtype = np.dtype(self.array.dtype)
        return stored.newbyteorder("=")

    @property
    def label(self) -> str:
        """What messages call the image."""
        if "input_hdu" in self.came_from:
            return f"{self.came_from['input']}[{self.came_from['input_hdu']}]"
        return f"the {type(self.array).__name__}"

    @property
    def held_bytes(self) -> int:
        """The bytes of this process's memory that the pixels take."""
        local = hasattr(self.array, "__array_interface__") and mapped_file(self.array) is None
        return self.array.size * self.array.dtype.itemsize if local else 0

    def as_integers(self) -> ImageSource:
        """Return the image as integers, if its file has them; see `ImageSource.as_integers`."""
        return self.integers or self

    def read(self, window: Window) -> Any:
        """Return the pixels of a window, a view of the array if it can be; `ImageSource.read`."""
        if is_device_array(self.array):
            return array_namespace(image=self.array).ascontiguousarray(self.array[window.slices])
        with reading_errors(self.label, window):
            pixels = self.array[window.slices]
            if hasattr(pixels, "dask"):
                # In this thread: a task of Dask's that waits for other tasks may wait forever.
                pixels = pixels.compute(scheduler="synchronous")
            return native(np.asarray(pixels))

    def origin(self) -> dict[str, Any]:
        """Return where the array came from; see `ImageSource.origin`."""
        return dict(self.came_from)

    @property
    def files(self) -> list[str]:
        """The file of a memory map; see `ImageSource.files`."""
        mapped = mapped_file(self.array)
        return super().files if mapped is None else [mapped.path]

    def fingerprint(self) -> dict[str, Any]:
        """Return a checksum of evenly spaced pixels; of a memory map, its file and its time.

        A Dask array has a name that is made from what it computes.
        """
        mapped = mapped_file(self.array)
        if mapped is not None:
            where = {"offset": mapped.offset, "strides": list(mapped.strides)}
            facts = {**file_facts(mapped.path), **where, "stored": mapped.dtype.str}
        elif hasattr(self.array, "dask"):
            facts = {"dask": str(self.array.name)}
        else:
            facts = {"sha256": sample_digest(self)}
        return {**facts, **self.description()}

    def __getstate__(self) -> dict[str, Any]:
        mapped = mapped_file(self.array)
        return {
            **self.__dict__,
            "array": self.array if mapped is None else mapped,
            "wcs": ExactWCS(self.wcs),
            "header": None,
        }

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
    return int(array.__array_interface__["data"][0])
