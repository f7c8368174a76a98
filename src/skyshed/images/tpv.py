"""TPV as it is meant, where wcslib takes it otherwise.

The polynomials are of intermediate coordinates in degrees, and the coefficients of the linear terms
are 1 where they are not given (fits.gsfc.nasa.gov/registry/tpvwcs.html). wcslib takes the
coordinates before CDELT is applied, which are pixels unless the scale is in CD, and 0 for linear
terms that are not given, so that all pixels are in one place.
"""

import re
from typing import Any

import numpy as np

__all__ = ["has_tpv", "with_plain_tpv"]

#: Cards that CD stands for.
_LINEAR = re.compile(r"CDELT[12]|CROTA[12]|PC[12]_[12]|PC00[12]00[12]")


def has_tpv(header: Any) -> bool:
    """Whether a header has the distortion TPV."""
    return any(str(header.get(f"CTYPE{n}", "")).strip().endswith("-TPV") for n in (1, 2))


def with_plain_tpv(header: Any) -> Any:
    """Return a header whose TPV wcslib takes as it is meant: the scale in CD, all linear terms.

    It is returned as it is where it has no TPV, or no numbers to make a matrix of.
    """
    if not has_tpv(header):
        return header
    plain = header.copy()
    for axis in (1, 2):
        if f"PV{axis}_1" not in header and any(f"PV{axis}_{n}" in header for n in range(40)):
            plain[f"PV{axis}_1"] = 1.0
    if any(f"CD{i}_{j}" in header for i in (1, 2) for j in (1, 2)):
        return plain
    matrix = _matrix(header)
    if matrix is None:
        return plain
    for name in {each for each in header if _LINEAR.fullmatch(each)}:
        del plain[name]
    for i in (0, 1):
        for j in (0, 1):
            plain[f"CD{i + 1}_{j + 1}"] = float(matrix[i, j])
    return plain


def _matrix(header: Any) -> Any:
    """Return the matrix that CDELT stands for, with PC or CROTA; `None` if one is no number."""
    scales = [header.get(f"CDELT{n}") for n in (1, 2)]
    old = [[header.get(f"PC{i:03d}{j:03d}") for j in (1, 2)] for i in (1, 2)]
    new = [[header.get(f"PC{i}_{j}") for j in (1, 2)] for i in (1, 2)]
    has_pc = any(each is not None for row in (*old, *new) for each in row)
    numbers = [*scales, *(each for row in (*old, *new) for each in row if each is not None)]
    # Longitude first: where it is second, headers do not agree on what CROTA is.
    rotation = header.get("CROTA2", 0.0)
    first = str(header.get("CTYPE1", ""))[:4] in ("RA--", "GLON", "ELON")
    if not all(isinstance(each, int | float) for each in (*numbers, rotation)):
        return None
    if has_pc:
        turn = np.eye(2)
        for table in (old, new):
            for i, row in enumerate(table):
                for j, each in enumerate(row):
                    turn[i, j] = turn[i, j] if each is None else each
        return np.diag(scales) @ turn
    if rotation and not first:
        return None
    c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    return np.array([[scales[0] * c, -scales[1] * s], [scales[0] * s, scales[1] * c]])
