"""Runs of pixels on the GPU: all that labelling and collecting keep of an image they read once."""

from typing import Any, NamedTuple

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels, reserve

__all__ = ["Runs", "Words"]

KERNELS = Kernels(__package__, "runs.cu")

#: Pixels of a word: those that a warp compares together.
WORD = 32

#: Words that a warp looks at, one after the other: what it sets out with serves them all.
WORDS_PER_WARP = 4


class Words:
    """Where runs start and end, in bits.

    A kernel that fills them looks at a word with a warp, on `threads` threads, and writes `bits`.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    listed : int
        Bytes of lists that are to lie in the same piece of memory, once bits and offsets are gone.

    Attributes
    ----------
    starts, ends : cupy array of uint32, shape (number of words,)
        A bit for each pixel: the lowest is the leftmost.
    count : cupy array of uint8, shape (number of words + 1,)
        0, and how many runs start in each word.
    """

    def __init__(self, shape: tuple[int, int], listed: int = 0) -> None:
        self.shape = shape
        self.size = shape[0] * -(-shape[1] // WORD)
        bits, offsets = 9 * self.size + 1, 8 * (self.size + 1)
        reserve(bits, offsets, least=listed)
        memory = cupy.empty(bits, np.uint8)
        words = memory[: 8 * self.size].view(np.uint32)
        self.starts, self.ends = words[: self.size], words[self.size :]
        self.count = memory[8 * self.size :]

    @property
    def threads(self) -> int:
        """How many threads kernels want that have a warp look at a word, loop by loop."""
        return -(-self.size // WORDS_PER_WARP) * WORD

    @property
    def sides(self) -> tuple[np.int64, np.int64]:
        """The shape of the image as kernels take it."""
        return np.int64(self.shape[0]), np.int64(self.shape[1])

    @property
    def bits(self) -> tuple[Any, Any, Any]:
        """What a kernel fills."""
        return self.starts, self.ends, self.count

    def runs(self) -> "Runs":
        """Number the runs in raster order. Asks the device how many there are."""
        offset = self.offsets()
        return self.numbered(offset, int(offset[-1]))

    def offsets(self) -> Any:
        """Return how many runs start before each word, and their number, int64."""
        if not self.size:
            return cupy.zeros(1, np.int64)
        return cupy.cumsum(self.count, dtype=np.int64)

    def numbered(self, offset: Any, n_runs: int) -> "Runs":
        """Number the runs in raster order, given their offsets and how many there are."""
        first, last = cupy.empty(n_runs, np.int64), cupy.empty(n_runs, np.int64)
        KERNELS.launch(
            "record_runs", self.size, self.starts, self.ends, offset, *self.sides, first, last
        )
        return Runs(first, last, offset)


class Runs(NamedTuple):
    """Runs in raster order.

    Attributes
    ----------
    first, last : cupy array of int64, shape (number of runs,)
        Flat indices of their ends, both within the run.
    offset : cupy array of int64, shape (number of words + 1,)
        The number of runs that start before each word.
    """

    first: Any
    last: Any
    offset: Any

    @property
    def size(self) -> int:
        """How many runs there are."""
        return self.first.shape[0]
