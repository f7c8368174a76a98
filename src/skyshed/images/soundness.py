"""Whether the data of an HDU are all in its file, and are those that were written.

What a header claims is compared with the size of the file before anything is read or planned; its
checksums (FITS standard 4.0, section 4.4.2.7 and appendix J) with the data, once in a run.
"""

import os
from typing import Any

import numpy as np

from skyshed.images.astropy_says import quiet
from skyshed.images.cube_planes import first_pixel
from skyshed.images.hdu_index import opened_at
from skyshed.images.packed import MOST_PACKED
from skyshed.images.pixels import RefusedError
from skyshed.images.window import Window

__all__ = ["check_unpacked", "lacking", "wrong_sums"]

#: Bytes of a file that are summed at a time.
STEP = 16 << 20
#: All bits of a sum of 32 bits, which is what a sound HDU has.
ALL_ONES = 2**32 - 1


def lacking(
    path: str, header_at: int, axes: tuple[int, int], first: tuple[int, ...], window: Window
) -> str:
    """Say why a window of an image cannot be in a file; nothing if it may be.

    Parameters
    ----------
    path : str
        The file.
    header_at : int
        Where in it the header begins.
    axes, first
        Which axes of the HDU the image has, and where on each its first pixel is.
    window : Window
        What is to be read of it.
    """
    size = os.path.getsize(path)
    with quiet(), opened_at(path, header_at, disable_image_compression=True) as hdus:
        header, begin = hdus[0].header, header_at + int(hdus[0].fileinfo()["datLoc"])
        if header.get("ZIMAGE") is True:
            return _lacking_tiles(header, size - begin)
        shape = tuple(int(header[f"NAXIS{n}"]) for n in range(header["NAXIS"], 0, -1))
        last = list(first)
        last[axes[0]], last[axes[1]] = window.y1 - 1, window.x1 - 1
        itemsize = abs(int(header["BITPIX"])) // 8
        end = begin + (first_pixel(shape, tuple(last)) + 1) * itemsize
    if end <= size:
        return ""
    claimed = " x ".join(str(length) for length in shape[::-1])
    return (
        f"by its header ({_named(shape)}) it has {claimed} pixels of {itemsize} bytes, of which "
        f"{end} bytes of the file are needed, and the file has {size}: it is cut off, or NAXIS is "
        "wrong"
    )


def _lacking_tiles(header: Any, there: int) -> str:
    """Say why tiles cannot be in the bytes that are there of a table; nothing if they may be."""
    n_axes = int(header["ZNAXIS"])
    shape = [int(header[f"ZNAXIS{n}"]) for n in range(1, n_axes + 1)]
    tile = [int(header.get(f"ZTILE{n}", shape[0] if n == 1 else 1)) for n in range(1, n_axes + 1)]
    n_tiles = 1
    for length, side in zip(shape, tile, strict=True):
        n_tiles *= -(-length // max(side, 1))
    claimed = " x ".join(map(str, shape))
    if n_tiles == header["NAXIS2"]:
        table = int(header["NAXIS1"]) * n_tiles
        if table <= there:
            return ""
        return (
            f"by its header it has {claimed} pixels in {n_tiles} tiles, the table of which has "
            f"rows of {header['NAXIS1']} bytes, {table} together, and the file has {max(there, 0)} "
            "of them: it is cut off, or NAXIS1 is wrong"
        )
    return (
        f"by its header it has {claimed} pixels in {n_tiles} tiles, and the table of tiles has "
        f"{header['NAXIS2']} rows: it is cut off, or ZNAXIS is wrong"
    )


def check_unpacked(path: str, packed_by: str | None, nbytes: int, label: str) -> None:
    """Refuse an image that is larger than a compressed file of its size can hold.

    Raises
    ------
    ValueError
        If it is.
    """
    size = os.path.getsize(path)
    most = size * MOST_PACKED.get(packed_by or "", max(MOST_PACKED.values()))
    if nbytes > most:
        raise RefusedError(
            f"{label}: by its header it has {nbytes} bytes of pixels, and no file of {size} bytes "
            f"that {packed_by or 'a program'} has compressed holds as many: its header is damaged"
        )


def wrong_sums(path: str, header_at: int) -> list[str]:
    """Say which checksums of an HDU are not those of what the file has; nothing without any.

    All its data are read, in pieces. Zeros that fill the last block may not be there: they add
    nothing.
    """
    with quiet(), opened_at(path, header_at, disable_image_compression=True) as hdus:
        header, where = hdus[0].header, hdus[0].fileinfo()
        sums = (str(header.get(name, "")).strip() for name in ("DATASUM", "CHECKSUM"))
        data_sum, check_sum = sums
        try:
            n_bytes = int(hdus[0].size)
        except TypeError:  # a card of its size has no number, and none to sum up
            return []
    begin, length = header_at + int(where["datLoc"]), int(where["datSpan"])
    if not data_sum.isdigit() or begin + n_bytes > os.path.getsize(path):
        return []
    with open(path, "rb", buffering=0) as file:
        found = _summed(file, begin, length)
        of_header = _summed(file, header_at, begin - header_at)
    if found != int(data_sum):
        return [
            f"its data are not those that its DATASUM was written for ({data_sum}; they have "
            f"{found}): they are damaged, or were changed without it; copy or download the file "
            "anew, or correct DATASUM"
        ]
    total = _folded(found + of_header)
    if check_sum.strip("0") and total not in (0, ALL_ONES):
        return [
            "its header is not that which its CHECKSUM was written for, its data are: cards are "
            "damaged, or were changed without it"
        ]
    return []


def _summed(file: Any, begin: int, length: int) -> int:
    """Return the sum of the 32-bit words of a part of a file, with carries added at its end."""
    file.seek(begin)
    total, left, rest = 0, length, b""
    while left:
        content = file.read(min(STEP, left))  # may be less, of any length
        if not content:
            break
        left -= len(content)
        content = rest + content if rest else content
        n_words = len(content) // 4
        rest = content[4 * n_words :]
        total += int(np.frombuffer(content, ">u4", n_words).sum(dtype=np.uint64))
    return _folded(total + int.from_bytes(rest.ljust(4, b"\0"), "big"))


def _folded(total: int) -> int:
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def _named(shape: tuple[int, ...]) -> str:
    return ", ".join(f"NAXIS{n} = {length}" for n, length in enumerate(shape[::-1], 1))
