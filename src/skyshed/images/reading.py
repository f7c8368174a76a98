"""What all reading of windows has in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skyshed.images.read import _RefusedError

__all__ = ["image_axes", "native", "reason", "window_errors"]


@contextmanager
def window_errors(label: str, y0: int, y1: int, x0: int, x1: int) -> Iterator[None]:
    """Turn whatever a damaged file causes into an OSError that names the window."""
    try:
        yield
    except Exception as error:  # readers stumble in many ways
        raise OSError(
            f"{label}: rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1} cannot be read "
            f"({reason(error)})"
        ) from error


def reason(error: Exception) -> str:
    """Return what an exception says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def image_axes(shape: tuple[int, ...], label: str) -> tuple[int, int]:
    """Return which axes are the image's: those longer than 1, or else the last two."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    if len(shape) < 2 or 0 in shape or len(long) > 2:
        raise _RefusedError(
            f"{label} must hold a 2-D image (besides axes of length 1), its shape is {shape}"
        )
    kept = long if len(long) == 2 else sorted({*long, *range(len(shape) - 2, len(shape))})[-2:]
    return kept[0], kept[1]


def native(pixels: Any) -> Any:
    """Return the pixels as a new array in the machine's byte order."""
    return np.array(pixels, dtype=pixels.dtype.newbyteorder("="), order="C")
