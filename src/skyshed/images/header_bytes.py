"""What headers claim of their data, read as bytes before any reader believes it."""

import os
from lzma import LZMAError
from typing import Any

from skyshed.images.packed import compression_of, opened
from skyshed.images.pixels import RefusedError

__all__ = ["check_axes"]

#: The bytes of a block, and of a card.
BLOCK, CARD = 2880, 80
#: The most axes that an HDU may have (FITS standard 4.0, section 4.4.1.1).
MOST_AXES = 999
#: Where files end at most: readers cannot even look for what comes after (16 TiB in many systems).
LARGEST = 2**43


def check_axes(path: str) -> None:
    """Refuse a file of which an HDU claims more axes than there can be: readers count them all.

    Headers are walked through as bytes, as far as they can be read; of a file that is compressed
    as a whole, only the first is.

    Raises
    ------
    ValueError
        If there is one.
    """
    try:
        packed_by = compression_of(path)
        size = 1 if packed_by is not None else os.path.getsize(path)
        with opened(path, packed_by) as file:
            begin, number = 0, 0
            while begin < size:
                file.seek(begin)
                cards, length = _cards(file)
                n_axes = cards.get("NAXIS")
                if n_axes is None:
                    return
                if not 0 <= n_axes <= MOST_AXES:
                    raise RefusedError(
                        f"{path}: HDU {number} says NAXIS = {n_axes}, and FITS has 0 to "
                        f"{MOST_AXES} axes: its header is damaged"
                    )
                begin += length + _blocks(_data_bytes(cards, n_axes))
                if begin > max(size, LARGEST) and packed_by is None:
                    claimed = ", ".join(f"{name} = {value}" for name, value in cards.items())
                    raise RefusedError(
                        f"{path}: HDU {number} says {claimed}, by which it ends at byte {begin}, "
                        f"and the file has {size}: its header is damaged"
                    )
                number += 1
    except (OSError, EOFError, LZMAError):  # whoever opens it says what is wrong
        return


def _cards(file: Any) -> tuple[dict[str, int], int]:
    """Return the integers of the structural cards of a header, and how many bytes it has."""
    found: dict[str, int] = {}
    length = 0
    while block := file.read(BLOCK):
        length += BLOCK
        for at in range(0, len(block), CARD):
            name = block[at : at + 8].rstrip()
            if name == b"END":
                return found, length
            structural = name.startswith(b"NAXIS") or name in (b"BITPIX", b"PCOUNT", b"GCOUNT")
            if structural and block[at + 8 : at + 10] == b"= ":
                value = block[at + 10 : at + CARD].partition(b"/")[0].strip()
                if value.lstrip(b"+-").isdigit():
                    found[name.decode("ascii")] = int(value)
    return {}, length


def _data_bytes(cards: dict[str, int], n_axes: int) -> int:
    """Return the bytes of the data of an HDU (FITS standard 4.0, equation 2)."""
    if n_axes == 0:
        return 0
    lengths = [cards.get(f"NAXIS{n}", 0) for n in range(1, n_axes + 1)]
    total = cards.get("PCOUNT", 0)
    pixels = 1
    for length in lengths[1:] if lengths[0] == 0 and "GCOUNT" in cards else lengths:
        pixels *= length
    total += pixels
    return abs(cards.get("BITPIX", 8)) // 8 * cards.get("GCOUNT", 1) * max(total, 0)


def _blocks(nbytes: int) -> int:
    return -(-nbytes // BLOCK) * BLOCK
