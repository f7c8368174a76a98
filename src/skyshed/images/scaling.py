"""Pixels from numbers as they are stored: BSCALE and BZERO, in the dtypes that astropy chooses."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.blanks import OFFSETS, PLAIN, float_for, unheld_blank
from skyshed.kernels.stored import Form

__all__ = ["Scaling", "scaling_of"]

#: BITPIX of floats -> what they are.
FLOATS = {-32: "float32", -64: "float64"}


@dataclass(frozen=True)
class Scaling:
    """How pixels follow from numbers as they are stored; none of them is blank.

    Attributes
    ----------
    stored : dtype
        Of the numbers, in native byte order.
    dtype : dtype
        Of the pixels: with the offset of the sign bit they are unsigned (FITS standard 4.0, table
        11), other scaled integers are floats.
    scale, zero : float
        BSCALE and BZERO of pixels that are no integers.
    """

    stored: np.dtype
    dtype: np.dtype
    scale: float = 1.0
    zero: float = 0.0

    @property
    def form(self) -> Form:
        """How the pixels follow from the numbers as they lie in a file."""
        size, floats = self.stored.itemsize, self.stored.kind == "f"
        # Of integers that stay so it only counts whether there is an offset.
        offset = int(self.dtype.kind in "iu" and self.dtype != self.stored)
        return Form(size, floats, self.dtype, offset, self.scale, self.zero)


def scaling_of(header: Any) -> Scaling | None:
    """Return how the pixels of an image without blank ones are scaled; `None` if that is not plain.

    Examples
    --------
    >>> from skyshed.images.scaling import scaling_of
    >>> scaling_of({"BITPIX": 16, "BZERO": 32768}).dtype
    dtype('uint16')
    >>> scaling_of({"BITPIX": 16, "BZERO": 32768, "BSCALE": 2}).dtype
    dtype('float32')

    A BLANK that none of the integers can be is none:

    >>> scaling_of({"BITPIX": 16, "BLANK": -99999}).dtype
    dtype('int16')
    """
    bits, scale, zero = (header.get(*card) for card in (("BITPIX",), ("BSCALE", 1), ("BZERO", 0)))
    if bits in FLOATS:
        stored = dtype = np.dtype(FLOATS[bits])
    elif bits in PLAIN and ("BLANK" not in header or unheld_blank(header) is not None):
        stored = np.dtype(PLAIN[bits])
        if scale == 1 and (bits, zero) in OFFSETS:
            return Scaling(stored, np.dtype(OFFSETS[bits, zero]))
        dtype = stored if (scale, zero) == (1, 0) else float_for(stored)
    else:
        return None
    if not all(_is_number(value, dtype) for value in (scale, zero)):
        return None
    return Scaling(stored, dtype, float(scale), float(zero))


def _is_number(value: Any, dtype: np.dtype) -> bool:
    """Whether a card's value is a number that pixels of a dtype can be multiplied by."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return False
    return dtype.kind != "f" or abs(value) <= float(np.finfo(dtype).max)
