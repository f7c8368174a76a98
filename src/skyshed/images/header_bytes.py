"""What headers claim of their data, read as bytes before any reader believes it."""

import os
import re
from lzma import LZMAError
from typing import Any

from skyshed.images.packed import MOST_PACKED, compression_of, opened, unpacked_size
from skyshed.images.pixels import RefusedError

__all__ = ["check_claims"]

#: The bytes of a block, and of a card.
BLOCK, CARD = 2880, 80
#: What readers count one by one, and of which there are 999 at most: axes (FITS standard 4.0,
#: section 4.4.1.1), columns (7.2.1), axes of an image that is compressed by tiles (10.1).
COUNTS = {"NAXIS": "axes", "TFIELDS": "columns", "ZNAXIS": "axes of a compressed image"}
MOST_COUNTED = 999
STRUCTURAL = {b"BITPIX", b"PCOUNT", b"GCOUNT", *(name.encode() for name in COUNTS)}
AXIS = re.compile(rb"NAXIS[0-9]+")
#: A whole number as astropy reads it: there may be spaces after the sign.
WHOLE = re.compile(rb"([+-]?) *([0-9]+)")
#: Cards that are counts, and say nothing of the bytes.
NO_SIZE = ("TFIELDS", "ZNAXIS")
#: Where files end at most: readers cannot even look for what comes after (16 TiB in many systems).
LARGEST = 2**43


def check_claims(path: str) -> None:
    """Refuse a file of which an HDU claims what no reader can count, or no file of its size holds.

    Headers are walked through as bytes, as far as they can be read; of a file that is compressed
    as a whole, the first at least.

    Raises
    ------
    ValueError
        If there is one.
    """
    try:
        packed_by = compression_of(path)
        size = most = os.path.getsize(path)
        if packed_by is not None:
            most *= MOST_PACKED.get(packed_by[0], max(MOST_PACKED.values()))
            size = unpacked_size(path) or 1
        else:
            most = max(size, LARGEST)
        with opened(path, packed_by) as file:
            begin, number = 0, 0
            while begin < size:
                file.seek(begin)
                cards, length = _cards(file)
                if "NAXIS" not in cards:
                    return
                _check_counts(cards, f"{path}: HDU {number}")
                nbytes = _data_bytes(cards)
                begin += length + _blocks(nbytes)
                # Of a size below 0 readers come back to the same header, and never end.
                if begin > most or nbytes < 0:
                    claimed = ", ".join(
                        f"{name} = {value}" for name, value in cards.items() if name not in NO_SIZE
                    )
                    ends = f"it ends at byte {begin}, and the file has {size}"
                    if nbytes < 0:
                        ends = f"its data have {nbytes} bytes"
                    raise RefusedError(
                        f"{path}: HDU {number} says {claimed}, by which {ends}: its header is "
                        "damaged"
                    )
                number += 1
    except (OSError, EOFError, LZMAError):  # whoever opens it says what is wrong
        return


def _check_counts(cards: dict[str, int | str], hdu: str) -> None:
    for name, what in COUNTS.items():
        value = cards.get(name, 0)
        if isinstance(value, int) and not 0 <= value <= MOST_COUNTED:
            raise RefusedError(
                f"{hdu} says {name} = {value}, and FITS has 0 to {MOST_COUNTED} {what}: its "
                "header is damaged"
            )
    for name in _of_size(cards):
        value = cards.get(name, 0)
        if not isinstance(value, int):
            said = f"says {name} = {value}, which" if value else f"has no value of {name}, which"
            raise RefusedError(f"{hdu} {said} is no whole number: its header is damaged")


def _of_size(cards: dict[str, int | str]) -> list[str]:
    """Return the names of the cards that the size of an HDU's data follows from."""
    n_axes = cards["NAXIS"]
    if not isinstance(n_axes, int) or n_axes == 0:
        return ["NAXIS"]
    return ["NAXIS", "BITPIX", "PCOUNT", "GCOUNT", *(f"NAXIS{n}" for n in range(1, n_axes + 1))]


def _cards(file: Any) -> tuple[dict[str, int | str], int]:
    """Return the values of the structural cards of a header, and how many bytes it has.

    A value that is no integer is returned as its text. Of several cards of one name the last
    counts, and letters may be small: as astropy has it, which computes sizes from them.
    """
    found: dict[str, int | str] = {}
    length = 0
    while block := file.read(BLOCK):
        length += BLOCK
        for at in range(0, len(block), CARD):
            name = block[at : at + 8].rstrip().upper()
            if name == b"END":
                return found, length
            if (name in STRUCTURAL or AXIS.fullmatch(name)) and block[at + 8 : at + 10] == b"= ":
                value = block[at + 10 : at + CARD].partition(b"/")[0].strip()
                number = WHOLE.fullmatch(value)
                found[name.decode("ascii")] = (
                    int(b"".join(number.groups(b""))) if number else value.decode("latin-1")
                )
    return {}, length


def _data_bytes(cards: dict[str, Any]) -> int:
    """Return the bytes of the data of an HDU (FITS standard 4.0, equation 2)."""
    n_axes = cards["NAXIS"]
    if n_axes == 0:
        return 0
    lengths = [cards.get(f"NAXIS{n}", 0) for n in range(1, n_axes + 1)]
    total = cards.get("PCOUNT", 0)
    pixels = 1
    for length in lengths[1:] if lengths[0] == 0 and "GCOUNT" in cards else lengths:
        pixels *= length
    total += pixels
    return int(abs(cards.get("BITPIX", 8)) // 8 * cards.get("GCOUNT", 1) * total)


def _blocks(nbytes: int) -> int:
    return -(-nbytes // BLOCK) * BLOCK
