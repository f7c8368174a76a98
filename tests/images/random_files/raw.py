"""FITS written card by card, so that a header may break any rule."""

import io

import numpy as np
from astropy.io import fits

__all__ = ["BLOCK", "Card", "hdu_bytes", "plain_hdu", "tiled_hdu"]

#: The bytes of a block of a FITS file.
BLOCK = 2880


class Card(str):
    """A value that is written as it stands, in a card that may not be one."""

    __slots__ = ()


def hdu_bytes(cards, data, primary):
    """Return an HDU of structural and other cards, with the pixels as bytes."""
    first = ("SIMPLE", True) if primary else ("XTENSION", "IMAGE")
    text = "".join(_card(name, value) for name, value in (first, *cards)) + f"{'END':80s}"
    header = text.encode("latin-1")
    return _padded(header, b" ") + _padded(data, b"\0")


def plain_hdu(stored, cards, primary):
    """Return an image as it is stored: big-endian numbers."""
    bits = 8 * stored.dtype.itemsize * (-1 if stored.dtype.kind == "f" else 1)
    axes = [(f"NAXIS{n}", length) for n, length in enumerate(stored.shape[::-1], 1)]
    after = [("EXTEND", True)] if primary else [("PCOUNT", 0), ("GCOUNT", 1)]
    structure = [("BITPIX", bits), ("NAXIS", stored.ndim), *axes, *after]
    return hdu_bytes([*structure, *cards], stored.astype(stored.dtype.newbyteorder(">")).tobytes(),
                     primary)  # fmt: skip


def tiled_hdu(pixels, cards, **options):
    """Return an image that astropy compresses by tiles, with further cards before its END."""
    content = io.BytesIO()
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, **options)])
    hdus.writeto(content)
    with fits.open(io.BytesIO(content.getvalue()), disable_image_compression=True) as opened:
        where = opened[1].fileinfo()
        header = content.getvalue()[where["hdrLoc"] : where["datLoc"]].decode()
        data = content.getvalue()[where["datLoc"] : where["datLoc"] + where["datSpan"]]
    end = next(n for n in range(0, len(header), 80) if header[n : n + 80].rstrip() == "END")
    mine = {name for name, _ in cards}
    lines = [header[n : n + 80] for n in range(0, end, 80)]
    kept = "".join(line for line in lines if line[:8].strip() not in mine)
    text = kept + "".join(_card(name, value) for name, value in cards) + f"{'END':80s}"
    return _padded(text.encode("latin-1"), b" ") + data


def _card(name, value):
    """Return a card of 80 characters."""
    if isinstance(value, Card):
        return f"{name:8s}= {value}"[:80].ljust(80)
    if isinstance(value, bool | np.bool_):
        text = f"{'T' if value else 'F':>20s}"
    elif isinstance(value, str):
        quoted = value.replace("'", "''")
        text = f"'{quoted:8s}'"
    elif isinstance(value, int | np.integer):
        text = f"{value:>20d}"
    else:
        text = f"{float(value)!r:>20s}".upper()
    return f"{name:8s}= {text}"[:80].ljust(80)


def _padded(content, fill):
    return content + fill * (-len(content) % BLOCK)
