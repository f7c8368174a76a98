"""Pixels of integer images that have no value: those that BLANK names.

BLANK is a value as it is stored, before BSCALE and BZERO (FITS standard 4.0, section 4.4.2.5).
Unsigned integers are stored with an offset (the same, table 11), and astropy passes over the BLANK
of these, and over a BLANK of 0; that of signed ones makes it read floats, which quality planes and
maps of labels must not be.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.kernels.stored import Form

__all__ = ["Blanks", "blanks_of", "blanks_of_hdu", "unheld_blank", "without_blanks"]

#: BITPIX and BZERO of integers that are stored with an offset -> what they are.
OFFSETS = {
    (8, -(2**7)): "int8",
    (16, 2**15): "uint16",
    (32, 2**31): "uint32",
    (64, 2**63): "uint64",
}
#: BITPIX of other integers.
PLAIN = {8: "uint8", 16: "int16", 32: "int32", 64: "int64"}


@dataclass(frozen=True)
class Blanks:
    """How the integers of an image are stored, and which of them is no value.

    Attributes
    ----------
    card : int
        BLANK, as it is stored.
    dtype : dtype
        That of the integers.
    scale, zero : float
        BSCALE and BZERO of pixels that are no integers.
    """

    card: int
    dtype: np.dtype
    scale: float = 1.0
    zero: float = 0.0

    @property
    def scaled(self) -> bool:
        """Whether the pixels are no integers."""
        return (self.scale, self.zero) != (1.0, 0.0)

    @property
    def value(self) -> int:
        """The integer that stands for no value."""
        return self.card + _offset(self.dtype)

    @property
    def float_dtype(self) -> np.dtype:
        """The dtype of the pixels where those without a value are NaN; astropy's choice."""
        return float_for(self.dtype)

    @property
    def form(self) -> Form:
        """How pixels, NaN where they are blank, follow from numbers of a file."""
        size = self.dtype.itemsize
        return Form(
            size, False, self.float_dtype, _offset(self.dtype), self.scale, self.zero, self.card
        )

    @property
    def integer_form(self) -> Form:
        """How integers follow from numbers of a file; blank ones are as `value`."""
        return Form(self.dtype.itemsize, False, self.dtype, _offset(self.dtype))


def float_for(dtype: np.dtype) -> np.dtype:
    """Return the dtype of floats that hold integers and NaN."""
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def blanks_of(header: Any) -> Blanks | None:
    """Return the blank pixels of an image of integers; `None` if it has none.

    Examples
    --------
    >>> from skyshed.images.blanks import blanks_of
    >>> blanks_of({"BITPIX": 16, "BZERO": 32768, "BLANK": 32767}).value
    65535
    """
    card, bits = _card_of(header), header.get("BITPIX", 0)
    if card is None or unheld_blank(header) is not None:
        return None
    scale, offset = header.get("BSCALE", 1), header.get("BZERO", 0)
    if scale == 1 and (bits, offset) in OFFSETS:
        return Blanks(card, np.dtype(OFFSETS[bits, offset]))
    return Blanks(card, np.dtype(PLAIN[bits]), float(scale), float(offset))


def unheld_blank(header: Any) -> int | None:
    """Return the BLANK that no integer of an image can have; `None` if there is no such card.

    It was copied from an image of other integers, and names no pixel of this one.

    Examples
    --------
    >>> from skyshed.images.blanks import unheld_blank
    >>> unheld_blank({"BITPIX": 16, "BLANK": -99999})
    -99999
    """
    card = _card_of(header)
    if card is None:
        return None
    held = np.iinfo(PLAIN[header["BITPIX"]])
    return None if held.min <= card <= held.max else card


def _card_of(header: Any) -> int | None:
    """Return the BLANK of an image of integers, if it is a whole number."""
    card = header.get("BLANK")
    whole = isinstance(card, int) and not isinstance(card, bool)
    return card if whole and header.get("BITPIX", 0) in PLAIN else None


def blanks_of_hdu(hdu: Any) -> Blanks | None:
    """Return the blank pixels of an HDU of astropy's, also once astropy has read its pixels.

    As it reads them it takes BLANK out of the header where they become floats, and passes over a
    BLANK of 0; what the header said is known from then on by attributes of its own alone.
    """
    found = blanks_of(hdu.header)
    card = getattr(hdu, "_blank", None)
    if found is not None or card is None:
        return found
    kept = {
        card: getattr(hdu, f"_orig_{card.lower()}", 0) for card in ("BITPIX", "BSCALE", "BZERO")
    }
    return blanks_of({"BLANK": card, **kept})


def without_blanks(pixels: Any, blanks: Blanks | None) -> Any:
    """Return the pixels that astropy has read, NaN where integers of theirs are blank.

    ``blanks`` are those of the header as it was before.
    """
    if blanks is None or not (pixels.dtype.kind in "iu" or blanks.card == 0):
        return pixels
    dtype = pixels.dtype.newbyteorder("=")
    floats = pixels.astype(float_for(dtype) if dtype.kind in "iu" else dtype)
    where = pixels == blanks.value if dtype.kind in "iu" else floats == dtype.type(blanks.zero)
    floats[where] = np.nan
    return floats


def _offset(dtype: np.dtype) -> int:
    """Return the BZERO that integers of a dtype are stored with."""
    return next((offset for (_, offset), kind in OFFSETS.items() if kind == dtype.name), 0)
