"""Arrays as text: compressed, so that a page holds them and a browser reads them back."""

import base64
import zlib
from typing import Any

import numpy as np

__all__ = ["Blocks"]

#: Of compression. Noise has no repeats to look for: its codes are counted only, in a fourth of the
#: time and in fewer bytes; labels and columns do have some.
LEVEL = 6


class Blocks:
    r"""The arrays of a page, each under its number.

    A block is the base64 text of a zlib stream. Values of several bytes are taken apart, first
    bytes first: the upper bytes of neighbours are alike.

    Examples
    --------
    >>> import base64, zlib
    >>> import numpy as np
    >>> from skyshed.output.page.blocks import Blocks
    >>> blocks = Blocks()
    >>> blocks.add(np.array([1, 2], "<i4"))
    0
    >>> zlib.decompress(base64.b64decode(blocks.texts[0]))
    b'\x01\x02\x00\x00\x00\x00\x00\x00'
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.n_bytes = 0

    def add(self, values: Any, *, noisy: bool = False) -> int:
        """Keep an array of uint8, int32, float32 or float64, and return its number."""
        size = values.dtype.itemsize
        flat = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(-1)
        content = flat.view(np.uint8).reshape(-1, size).T.tobytes()
        strategy = zlib.Z_RLE if noisy else zlib.Z_DEFAULT_STRATEGY
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
        text = base64.b64encode(packer.compress(content) + packer.flush()).decode("ascii")
        self.texts.append(text)
        self.n_bytes += len(text)
        return len(self.texts) - 1

    def drop(self, number: int) -> None:
        """Leave a block empty."""
        self.n_bytes -= len(self.texts[number])
        self.texts[number] = ""
