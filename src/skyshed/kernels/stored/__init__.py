"""Pixels from numbers as they lie in a file: byte order, offsets, BSCALE, BZERO and BLANK."""

from collections.abc import Callable
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from skyshed.kernels import operation, twin

__all__ = ["Form", "decode", "decoded", "load"]

#: Words are signed integers of their size, in which numbers lie as they are in the file.
WORDS = {1: "uint8", 2: "int16", 4: "int32", 8: "int64"}


class Form(NamedTuple):
    """How pixels follow from numbers of a file, which are big-endian.

    Attributes
    ----------
    size : int
        Bytes of a number.
    floats : bool
        Whether the numbers are floats.
    dtype : dtype
        Of the pixels: integers or floats of the size of the numbers or, of scaled integers, float32
        up to two bytes, else float64.
    offset : int
        What is added to integers that are stored without their sign, or with one that they lack.
    scale, zero : float
        What pixels that are floats are multiplied by, and what is added.
    blank : int or None
        The number, as it is stored, of pixels that become NaN.
    native : bool
        Whether the numbers are in the machine's byte order: those that were compressed.
    """

    size: int
    floats: bool
    dtype: np.dtype
    offset: int = 0
    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None
    native: bool = False

    @property
    def word(self) -> np.dtype:
        """The dtype of words."""
        return np.dtype(WORDS[self.size])

    @property
    def as_stored(self) -> bool:
        """Whether pixels are the numbers themselves."""
        same = (self.offset, self.scale, self.zero, self.blank) == (0, 1.0, 0.0, None)
        return same and self.size == self.dtype.itemsize and self.floats == self.marks

    @property
    def marks(self) -> bool:
        """Whether pixels may be not finite."""
        return self.dtype.kind == "f"


@operation
def decode(words: Any, form: Form, into: tuple[Any, Any], n_threads: int | None) -> tuple[Any, Any]:
    """Decode numbers of a file.

    Parameters
    ----------
    words : array of ``form.word``, shape (n,), C-contiguous
        The numbers, with their bytes as they are in the file.
    form : Form
        How pixels follow from them.
    into : tuple of two arrays of shape (n,), C-contiguous
        Pixels, of ``form.dtype``, and of bool, `None` where pixels are integers, which of them
        are not finite: both are written.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    pixels, bad : arrays
        ``into``. Exact: products and sums are rounded one by one, in the dtype of the pixels.
    """


def decoded(numbers: Any, form: Form, n_threads: int | None = None) -> Any:
    """Return pixels that follow from numbers in the machine's byte order, in memory of their own.

    Parameters
    ----------
    numbers : array of any shape
        Of the size that the form says.
    form : Form
        That of the numbers as they lie in the file.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    pixels : array of ``form.dtype``
        On the device of the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.kernels.stored import Form, decoded
    >>> decoded(np.array([3, 4], np.int16), Form(2, False, np.dtype("f4"), 0, 0.5, 10.0))
    array([11.5, 12. ], dtype=float32)
    """
    xp = array_api_compat.array_namespace(numbers)
    words = xp.ascontiguousarray(numbers).reshape(-1).view(form.word)
    pixels = xp.empty(words.shape, dtype=form.dtype)
    bad = xp.empty(words.shape, dtype=bool) if form.marks else None
    decode(words, form._replace(native=True), (pixels, bad), n_threads)
    return pixels.reshape(numbers.shape)


def load(
    fill: Callable[[Any, int], None],
    shape: tuple[int, int],
    form: Form,
    device: str | None,
    n_threads: int | None = None,
) -> tuple[Any, Any]:
    """Read the numbers of a window piece by piece, and decode them where they are wanted.

    What goes to a GPU are the bytes of the file.

    Parameters
    ----------
    fill : callable
        ``fill(buffer, at)`` fills a writable buffer with the bytes of the window from one on. It is
        called by several threads at a time.
    shape : tuple of int
        Of the window.
    form : Form
        How pixels follow from the numbers.
    device : {None, 'cpu', 'cuda'}
        Where the pixels are wanted; `None` is the host.
    n_threads : int or None
        Threads of the CPU twin, and those that read for a GPU; no effect on the result.

    Returns
    -------
    pixels : array of ``form.dtype``, of ``shape``
    bad : array of bool, or None
        Which are not finite.
    """
    pieces: Any = twin(in_pieces, device or "cpu")
    return pieces(fill, shape, form, n_threads)


def in_pieces(fill: Any, shape: Any, form: Form, n_threads: int | None) -> tuple[Any, Any]:
    """Read and decode; each device has its way to overlap both."""
    raise NotImplementedError
