"""Images of a result, in memory or on disk, that are read when they are sliced."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.namespace import is_device_array
from skyshed.notebook import card, picture_of, quietly, sampled

__all__ = ["ImageView"]


@dataclass(frozen=True, eq=False, repr=False)
class ImageView:
    """An image that is read, or made, when it is asked for.

    ``view[y0:y1, x0:x1]`` reads a window, ``numpy.asarray(view)`` and ``view[:]`` the whole image.
    Slices are arrays: NumPy's, or CuPy's where the chain ran on a GPU. An image that is larger than
    memory must be read by windows. Arithmetic, and the methods of arrays, read the whole image.

    Attributes
    ----------
    read : callable
        ``read(window)`` returns the pixels of a `~skyshed.images.Window`.
    shape : tuple of int
        Rows and columns.
    dtype : dtype
        That of the pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> found = extract(image, nsigma=5)
    >>> found.data
    <ImageView: float64, 128 x 128 pixels>
    >>> found.data[30:33, 60:62].shape
    (3, 2)
    >>> bool(np.all(found.error[:] > 0))
    True
    """

    read: Callable[[Window], Any]
    shape: tuple[int, int]
    dtype: np.dtype

    def __repr__(self) -> str:
        ny, nx = self.shape
        return f"<ImageView: {self.dtype}, {ny} x {nx} pixels>"

    @quietly
    def _repr_html_(self) -> str:
        def window(y0: int, y1: int, x0: int, x1: int) -> Any:
            return self.read(Window(y0, y1, x0, x1))

        ny, nx = self.shape
        facts = [("pixels", f"{nx} x {ny}"), ("dtype", self.dtype)]
        # Images of a result may be made, or on disk: a part is read.
        pixels, which = sampled(window, self.shape, False)
        return card("image", facts, picture_of(pixels), which)

    @property
    def ndim(self) -> int:
        """The number of axes, 2."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        """The bytes that the whole image takes in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.ndarray, name):
            return getattr(self[:], name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        dots = [each is Ellipsis for each in keys]
        if any(dots):
            at = dots.index(True)
            middle = (slice(None),) * (self.ndim + 1 - len(keys))
            keys = (*keys[:at], *middle, *keys[at + 1 :])
        keys = (*keys, *(slice(None),) * (self.ndim - len(keys)))
        if len(keys) != self.ndim or not all(map(_is_index, keys)):
            return self.read(Window(0, self.shape[0], 0, self.shape[1]))[key]
        (y0, y1, rows), (x0, x1, columns) = (
            _range(each, length) for each, length in zip(keys, self.shape, strict=True)
        )
        return self.read(Window(y0, y1, x0, x1))[rows, columns]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        pixels = self[:]
        if is_device_array(pixels):
            raise TypeError(
                "the image is on a GPU, and is not copied to the host by itself: copy it with "
                "cupy.asnumpy(view[:]), or all of the result with to_host()"
            )
        return np.array(pixels, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(each, ImageView) for each in kwargs.get("out", ())):
            raise TypeError("out must be an array: an ImageView is a result, and is not written to")
        arrays = [each[:] if isinstance(each, ImageView) else each for each in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)


def _forwarded(name: str) -> Callable[..., Any]:
    """Return an operator that works on the whole image as an array, whatever the other operand."""

    def operate(self: ImageView, *others: Any) -> Any:
        arrays = [other[:] if isinstance(other, ImageView) else other for other in others]
        return getattr(self[:], name)(*arrays)

    return operate


for _name in (
    *("abs", "neg", "pos", "invert", "eq", "ne", "lt", "le", "gt", "ge"),
    *(
        prefix + name
        for prefix in ("", "r")
        for name in (
            "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow",
            "lshift", "rshift", "and", "or", "xor", "matmul",
        )
    ),
):  # fmt: skip
    setattr(ImageView, f"__{_name}__", _forwarded(f"__{_name}__"))


def _is_index(key: Any) -> bool:
    """Whether a key of an axis is a slice or an integer, which a window can be read for."""
    return isinstance(key, slice | Integral) and not isinstance(key, bool | np.bool)


def _range(key: Any, length: int) -> tuple[int, int, Any]:
    """Return the pixels of an axis to read, and what to take of them."""
    if not isinstance(key, slice):
        index = operator.index(key)
        if not -length <= index < length:
            raise IndexError(f"index {index} is out of bounds for an axis of {length} pixels")
        return index % length, index % length + 1, 0
    chosen = range(length)[key]
    if not chosen:
        return 0, 1, slice(0, 0)
    low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
    first = chosen[0] - low
    stop = chosen[-1] - low + chosen.step
    return low, high + 1, slice(first, None if stop < 0 else stop, chosen.step)
