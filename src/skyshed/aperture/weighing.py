"""How much of a pixel an aperture takes: the methods' names."""

from typing import Any

import numpy as np

__all__ = ["METHODS", "checked_method", "samples_of"]

METHODS = ("exact", "center", "subpixel")


def checked_method(method: Any, subpixels: Any, name: str = "method") -> None:
    """Check the name of a method, and where it counts ``subpixels``.

    Raises
    ------
    ValueError
        If one is not allowed.
    """
    if method not in METHODS:
        raise ValueError(f"Invalid {name}: {method!r}; it must be one of {METHODS}")
    whole = isinstance(subpixels, (int, np.integer)) and not isinstance(subpixels, bool)
    if method == "subpixel" and not (whole and subpixels > 0):
        raise ValueError(f"subpixels must be a strictly positive integer, got {subpixels!r}")


def samples_of(method: str, subpixels: int) -> int:
    """Return what the kernels call a method: 0 is exact, k means k x k points."""
    checked_method(method, subpixels)
    return {"exact": 0, "center": 1}.get(method, int(subpixels) if method == "subpixel" else 0)
