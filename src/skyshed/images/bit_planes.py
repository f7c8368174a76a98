"""Planes of integers whose bits say what is wrong with a pixel: masks and quality planes."""

from collections.abc import Collection
from typing import Any

import numpy as np

from skyshed.images.source import ImageSource

__all__ = ["check_mask_bits", "check_quality", "is_bad", "numbered"]


def is_bad(values: Any, bits: Collection[int] | None, blank: int | None) -> Any:
    """Return where a mask rejects a pixel, as an array of bool.

    Parameters
    ----------
    values : array
        The mask, as it is stored: of bool, or integers; of other numbers all but 0 are bad.
    bits : collection of int or None
        Those that count; `None` for all.
    blank : int or None
        The value of pixels without one, which are bad.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images.bit_planes import is_bad
    >>> is_bad(np.array([0, 1, 4, 5]), bits=[2], blank=1)
    array([False,  True,  True,  True])
    """
    chosen = values
    if bits is not None and values.dtype.kind in "iu":
        # Through the unsigned type, so that the sign bit is a bit like any other.
        unsigned = values.view(f"u{values.dtype.itemsize}")
        largest = int(np.iinfo(unsigned.dtype).max)
        wanted = sum(1 << bit for bit in bits) & largest
        chosen = unsigned & unsigned.dtype.type(wanted)
    bad = chosen != 0
    return bad if blank is None else bad | (values == values.dtype.type(blank))


def numbered(values: Any, blank: int | None = None) -> Any:
    """Return integers as int64 whose bits have the numbers that they are stored with.

    Pixels without a value, ``blank``, have no bits.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images.bit_planes import numbered
    >>> numbered(np.array([-32768, 5], np.int16))
    array([32768,     5])
    """
    if blank is not None:
        values = np.where(values == values.dtype.type(blank), values.dtype.type(0), values)
    if values.dtype.kind == "i":
        values = values.view(f"u{values.dtype.itemsize}")
    return values.astype(np.uint64).view(np.int64)


def check_mask_bits(source: ImageSource, bits: Collection[int | str] | None) -> None:
    """Refuse bits of a mask that has none."""
    if bits is not None and source.dtype.kind not in "iub":
        raise TypeError(
            "mask must hold integers where mask_bits is given, or where the product names bits; "
            f"{_held(source)}: give a plane of integers, or leave mask_bits out; of a product, "
            "give profile='plain' (--as plain)"
        )


def check_quality(source: ImageSource) -> None:
    """Refuse a quality plane without bits."""
    if source.dtype.kind not in "iub":
        raise TypeError(
            "quality must hold integers, whose bits say what is wrong with a pixel; "
            f"{_held(source)}"
        )


def _held(source: ImageSource) -> str:
    """Say which image holds no integers, the first of those that are one."""
    for each in (base.as_integers() for base in source.bases):
        if each.dtype.kind not in "iub":
            return f"{each.label} holds {each.dtype}"
    return f"{source.label} holds {source.dtype}"
