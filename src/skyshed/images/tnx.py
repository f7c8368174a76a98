"""The projection TNX of IRAF, a tangent plane with a polynomial, as TPV, which wcslib knows.

It is described at https://fits.gsfc.nasa.gov/registry/tnx/tnxdoc.html, TPV at
https://fits.gsfc.nasa.gov/registry/tpvwcs/tpv.html. Both add a polynomial of the standard
coordinates to them, so that nothing is lost.
"""

import re
from typing import Any

import numpy as np

__all__ = ["as_tpv"]

#: Projections of IRAF that are in no standard.
TNX, ZPX = "TNX", "ZPX"
#: Cards in which IRAF says more about the axes.
OF_IRAF = re.compile(r"WAT\d_\d{3}")
#: The characters that a card of a text that goes on over several has; FITS drops blanks at its end.
FULL = 68
#: A polynomial of a WAT card, by the word before it.
SURFACE = {
    "RA": re.compile(r'lngcor\s*=\s*"([^"]*)"'),
    "DEC": re.compile(r'latcor\s*=\s*"([^"]*)"'),
}
#: The numbers before the coefficients: kind, orders, cross terms, and the domain.
HEAD = 8
#: Kinds of polynomials, by the class of `numpy.polynomial`.
KINDS = {1: "Chebyshev", 2: "Legendre", 3: "Polynomial"}
#: Which products of powers there are.
NO_CROSS, ALL_CROSS, HALF_CROSS = range(3)
#: The highest degree of TPV.
MOST = 7


def as_tpv(header: Any) -> tuple[Any, str | None]:
    """Return a header whose WCS is TPV where it was TNX, and why that cannot be.

    Parameters
    ----------
    header : Header
        Any header; one without TNX and ZPX is returned as it is.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.tnx import as_tpv
    >>> header = fits.Header({"CTYPE1": "RA---TNX", "CTYPE2": "DEC--TNX",
    ...     "WAT1_001": 'wtype=tnx axtype=ra lngcor = "3. 2. 2. 2. -1 1 -1 1 0.5 0.25 0.125 "'})
    >>> dict(as_tpv(header)[0]["PV1_*"])
    {'PV1_0': 0.5, 'PV1_1': 1.25, 'PV1_2': 0.125, 'PV1_5': 0.0}
    """
    types = {n: str(header.get(f"CTYPE{n}", "")).strip().upper() for n in (1, 2)}
    written = " and ".join(f"CTYPE{n} = {text!r}" for n, text in types.items())
    if any(text.endswith(f"-{ZPX}") for text in types.values()):
        return header, f"{written} are of IRAF's projection {ZPX}, which is not known"
    if not any(text.endswith(f"-{TNX}") for text in types.values()):
        return header, None
    axes = {text.partition("-")[0]: n for n, text in types.items()}
    if set(axes) != set(SURFACE) or not all(text.endswith(TNX) for text in types.values()):
        return header, f"{written} are not RA and DEC of IRAF's projection {TNX}"
    changed = header.copy()
    for name, n in axes.items():
        try:
            powers = _powers(_joined(header, n), SURFACE[name])
        except ValueError as error:
            return header, f"the polynomial of IRAF's projection {TNX} in WAT{n}_001: {error}"
        # TPV counts powers of the axis' own coordinate first.
        own = powers if name == "RA" else powers.T
        own[1, 0] += 1
        for number, (i, j) in enumerate(_terms()):
            if (i, j) != (-1, -1) and i < own.shape[0] and j < own.shape[1]:
                changed[f"PV{n}_{number}"] = float(own[i, j])
        changed[f"CTYPE{n}"] = types[n].replace(TNX, "TPV")
    for name in [each for each in changed if OF_IRAF.fullmatch(each)]:
        del changed[name]  # wcslib stumbles over them
    return changed, None


def _joined(header: Any, axis: int) -> str:
    """Return the text that the WAT cards of an axis hold together."""
    names = sorted(name for name in header if re.fullmatch(rf"WAT{axis}_\d{{3}}", name))
    return "".join(str(header[name]).ljust(FULL) for name in names)


def _powers(text: str, surface: re.Pattern[str]) -> Any:
    """Return the coefficients of xi**i eta**j of what is added to a coordinate.

    Raises
    ------
    ValueError
        If they cannot be read, or have too high a degree.
    """
    match = surface.search(text)
    if match is None:
        if "cor" in text:
            raise ValueError(f"{text.strip()!r} cannot be read")
        return np.zeros((2, 2))
    numbers = [float(each) for each in match[1].split()]
    head, rest = numbers[:HEAD], numbers[HEAD:]
    if len(head) < HEAD or head[0] not in KINDS or head[3] not in range(HALF_CROSS + 1):
        raise ValueError(f"its first numbers are {head}")
    kind, nx, ny, cross = (int(each) for each in head[:4])
    rows = _row_lengths(nx, ny, cross)
    if sum(rows) != len(rest):
        raise ValueError(f"it has {len(rest)} coefficients in place of {sum(rows)}")
    total = np.zeros((max(nx, 2), max(ny, 2)))
    values = iter(rest)
    for j, length in enumerate(rows):
        for i in range(length):
            along_x, along_y = _basis(kind, i, head[4:6]), _basis(kind, j, head[6:8])
            total[: i + 1, : j + 1] += next(values) * np.outer(along_x, along_y)
    degrees = np.add.outer(np.arange(total.shape[0]), np.arange(total.shape[1]))
    if total[degrees > MOST].any():
        raise ValueError(f"it is of degree {degrees[total != 0].max()}, above {MOST}")
    return total


def _row_lengths(nx: int, ny: int, cross: int) -> list[int]:
    """Return how many powers of xi there are for each power of eta."""
    if cross == NO_CROSS:
        return [nx] + [1] * (ny - 1)
    if cross == ALL_CROSS:
        return [nx] * ny
    return [min(nx, max(nx, ny) - j) for j in range(ny)]


def _basis(kind: int, degree: int, domain: list[float]) -> Any:
    """Return the coefficients of the powers that a polynomial of a basis consists of."""
    import numpy.polynomial as polynomial

    if KINDS[kind] == "Polynomial":  # which IRAF does not scale to the domain
        return np.eye(degree + 1)[degree]
    family = getattr(polynomial, KINDS[kind])
    found = family.basis(degree, domain=domain).convert(kind=polynomial.Polynomial).coef
    return np.pad(found, (0, degree + 1 - len(found)))


def _terms() -> list[tuple[int, int]]:
    """Return the powers of the own and of the other coordinate, by the number of the parameter.

    After each odd degree comes a power of the radius, (-1, -1) here.
    """
    found = []
    for degree in range(MOST + 1):
        found += [(degree - k, k) for k in range(degree + 1)]
        found += [(-1, -1)] * (degree % 2)
    return found
