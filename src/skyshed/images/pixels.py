"""What all readers of pixels need: the axes of an image, byte order, and errors that say where."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.messages import one_line

__all__ = ["RefusedError", "fits_axes", "image_axes", "native", "reading_errors"]


class RefusedError(ValueError):
    """A file that is sound, but not what was asked for."""


@contextmanager
def reading_errors(label: str, window: Window) -> Iterator[None]:
    """Turn whatever a damaged file causes into an OSError that names the image and the window."""
    try:
        yield
    except Exception as error:  # readers fail in many ways
        raise OSError(
            f"{label}: rows {window.y0} to {window.y1 - 1}, columns {window.x0} to "
            f"{window.x1 - 1} cannot be read ({one_line(error)})"
        ) from error


def image_axes(shape: tuple[int, ...], label: str) -> tuple[int, int]:
    """Return which axes are the image's: those longer than 1, or else the last two."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    if len(shape) < 2 or 0 in shape or len(long) > 2:
        raise RefusedError(
            f"{label} must hold a 2-D image (besides axes of length 1), its shape is {shape}"
        )
    kept = long if len(long) == 2 else sorted({*long, *range(len(shape) - 2, len(shape))})[-2:]
    return kept[0], kept[1]


def fits_axes(shape: tuple[int, ...], axes: tuple[int, int]) -> tuple[int, ...]:
    """Return the numbers that axes of an array have in FITS, which counts them from the last."""
    return tuple(len(shape) - axis for axis in axes)


def native(pixels: Any) -> Any:
    """Return pixels C-contiguous and in the machine's byte order: themselves if they are that."""
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
