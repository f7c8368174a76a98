"""Images compressed by tiles with RICE_1 (FITS standard 4.0, section 10)."""

from typing import Any, NamedTuple

from skyshed.kernels import operation

__all__ = ["NO_BLANK", "Coding", "decode_tiles"]

#: The blank number of tiles that have none.
NO_BLANK = -(1 << 63)


class Coding(NamedTuple):
    """What all tiles of an image have in common.

    Attributes
    ----------
    bytes : int
        1, 2 or 4: those of a number. Numbers of one byte are without sign.
    blocksize : int
        How many numbers a block has.
    dither : int
        0, 1 or 2: by which method floats were dithered.
    rounding : int
        0; 1 where the product of a number and the scale, 2 where also the sum with zero, is rounded
        to single precision.
    blank_pixel : int
        What a blank number becomes in an image of whole numbers; NaN in one of floats.
    """

    bytes: int
    blocksize: int
    dither: int = 0
    rounding: int = 0
    blank_pixel: int = 0


@operation
def decode_tiles(
    stream: Any,
    tiles: Any,
    scaling: tuple[Any, Any, Any],
    coding: Coding,
    shape: tuple[int, int],
    dtype: Any,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Decode tiles, and lay what is wanted of each in a window.

    Parameters
    ----------
    stream : array of uint8, shape (n_bytes,), C-contiguous
        The compressed tiles. Nothing outside of a tile's bytes is read.
    tiles : array of int64, shape (n, 11), C-contiguous
        Of each tile: the first of its bytes, and how many there are; how many pixels it has;
        the first of those that are wanted, and how far apart those of a column, and those of a row,
        are; the rows of the window that they become, half open, and the columns; which of the
        10,000 seeds it was dithered with, from 0.
    scaling : tuple of three arrays of shape (n,), C-contiguous
        Scale and zero of each tile, float64, and its blank number, int64, or `NO_BLANK`. Images of
        whole numbers are not scaled.
    coding : Coding
        What all tiles have in common.
    shape : tuple of int
        Of the window.
    dtype : dtype
        uint8, int16, int32, int64, float32 or float64: of the pixels. Whole numbers that do not fit
        lose their upper bits.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    window : array of ``dtype``, of ``shape``
        0 where no tile lies. Exact: floats are computed in float64 and rounded once.
    state : array of int32, shape (n,)
        0; 1 where the bytes of a tile end before its pixels do, 2 where bytes are left over, 3
        where a block has a code that there is not. What such a tile leaves there is not defined.
    """
