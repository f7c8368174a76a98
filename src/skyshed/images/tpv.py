"""Polynomials of PV cards beside CDELT, which wcslib applies to the wrong coordinates."""

import re
from typing import Any

import numpy as np

__all__ = ["with_cd"]

#: Cards of a linear transformation, and the numbers of their axes.
OF_SCALE = re.compile(r"(?:CDELT|CROTA)(\d)|PC(\d)_(\d)|PC00(\d)00(\d)")
CD = re.compile(r"CD\d_\d|CD00\d00\d")


def with_cd(header: Any) -> Any:
    """Return a header of TPV with a CD matrix in place of CDELT, PC and CROTA.

    TPV, and TAN with PV cards as SCAMP once wrote it, add a polynomial of the standard coordinates,
    which are in degrees (https://fits.gsfc.nasa.gov/registry/tpvwcs/tpv.html). wcslib takes it for
    one of what the matrix gives before it is multiplied by CDELT, and is right where CDELT is 1.

    Parameters
    ----------
    header : Header
        The cards; returned as they are where there is a CD matrix, or a scale is no number.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.tpv import with_cd
    >>> header = fits.Header({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "CDELT1": -0.5,
    ...     "CDELT2": 0.5, "PV1_1": 1.0})
    >>> list(with_cd(header)["CD*"].values())
    [-0.5, 0.0, 0.0, 0.5]
    """
    if _has(header, CD):
        return header
    axes = {int(n) for name in header if (match := OF_SCALE.fullmatch(name)) for n in _axes(match)}
    numbers = sorted(axes | {1, 2})
    scales = [header.get(f"CDELT{n}", 1.0) for n in numbers]
    rows = [
        [header.get(f"PC{i}_{j}", header.get(f"PC00{i}00{j}", float(i == j))) for j in numbers]
        for i in numbers
    ]
    rotation = header.get("CROTA2", 0.0)
    values = [*scales, *(each for row in rows for each in row), rotation]
    if not all(isinstance(each, int | float) for each in values):
        return header  # whoever reads it says which
    matrix = np.array(rows, np.float64)
    if rotation and not any(name.startswith("PC") for name in header if OF_SCALE.fullmatch(name)):
        # FITS standard 4.0, equation 8.1, of the matrix before CDELT.
        c, s = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
        ratio = scales[1] / scales[0] if scales[0] else 0.0
        matrix[:2, :2] = [[c, -s * ratio], [s / ratio if ratio else 0.0, c]]
    changed = header.copy()
    for name in {each for each in header if OF_SCALE.fullmatch(each)}:  # one may be there twice
        del changed[name]
    for i, row in zip(numbers, np.array(scales)[:, None] * matrix, strict=True):
        for j, value in zip(numbers, row, strict=True):
            changed[f"CD{i}_{j}"] = float(value) + 0.0  # no -0
    return changed


def _has(header: Any, pattern: re.Pattern[str]) -> bool:
    """Whether a header has a card of a kind."""
    return any(pattern.fullmatch(name) for name in header)


def _axes(match: re.Match[str]) -> list[str]:
    """Return the axes that a card is of."""
    return [each for each in match.groups() if each is not None]
