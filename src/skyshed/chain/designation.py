"""Names of sources after their positions, by the IAU's rules."""

import re
from typing import Any

import numpy as np

from skyshed.parameters.validators import Designation

__all__ = ["designations", "pixel_scale", "resolving"]

#: Most decimals of seconds that a pattern has: `Designation.PATTERN`.
MOST_DECIMALS = 6
#: Share of the last digit that keeps a position on its edge from falling short of it by rounding.
EDGE = 1e-4


def pixel_scale(wcs: Any) -> float | None:
    """Return the side of a pixel in degrees, the lesser one; `None` where it is not known.

    It is that at the reference point, which no window of an image changes.
    """
    from astropy.wcs import WCS

    if not isinstance(wcs, WCS):
        return None
    sides = np.linalg.norm(np.asarray(wcs.pixel_scale_matrix, np.float64), axis=0)
    return float(sides.min()) if np.isfinite(sides).all() and sides.min() > 0 else None


def resolving(pattern: str, scale: float | None) -> str:
    """Return a pattern whose cells are no larger than a pixel, so that neighbours differ.

    Parameters
    ----------
    pattern : str
        As for `designations`.
    scale : float or None
        The side of a pixel in degrees.

    Examples
    --------
    >>> from skyshed.chain.designation import resolving
    >>> resolving("SKYSHED Jhhmmss.ss+ddmmss.s", 0.03 / 3600)
    'SKYSHED Jhhmmss.sss+ddmmss.ss'
    >>> resolving("SKYSHED Jhhmmss.ss+ddmmss.s", 0.2 / 3600)
    'SKYSHED Jhhmmss.ss+ddmmss.s'
    """
    match = re.fullmatch(Designation.PATTERN, pattern)
    if match is None or scale is None:
        return pattern
    spelled = []
    for axis, arcseconds in (("ra", 15.0), ("dec", 1.0)):
        needed = int(np.ceil(np.log10(arcseconds / (3600 * scale))))
        decimals = min(max(len(match[axis] or ""), needed), MOST_DECIMALS)
        spelled.append(f".{'s' * decimals}" if decimals else "")
    ra, dec = spelled
    return f"{match['prefix']}Jhhmmss{ra}+ddmmss{dec}"


def designations(ra: Any, dec: Any, pattern: str) -> Any:
    """Name positions in the manner of ``SKYSHED J123456.78+012345.6``.

    Coordinates are truncated, never rounded, so that a name says the cell that holds the source:
    https://cdsweb.u-strasbg.fr/Dic/iau-spec.html.

    Parameters
    ----------
    ra, dec : array of float, shape (n,)
        ICRS coordinates in degrees.
    pattern : str
        A prefix, then ``Jhhmmss+ddmmss``, each with as many decimals ``.s`` as wanted.

    Returns
    -------
    names : array of str, shape (n,)
        Empty where a coordinate is not finite.

    Examples
    --------
    >>> from skyshed.chain.designation import designations
    >>> designations([188.736583], [-0.999999], "SKY Jhhmmss.s+ddmmss")
    array(['SKY J123456.7-005959'], dtype='<U20')
    """
    match = re.fullmatch(Designation.PATTERN, pattern)
    if match is None:
        raise ValueError(f"designation pattern {pattern!r} must contain Jhhmmss.ss+ddmmss.s")
    ra, dec = (np.atleast_1d(np.asarray(angle, np.float64)) for angle in (ra, dec))
    good = np.isfinite(ra) & np.isfinite(dec)
    hours = _sexagesimal(np.where(good, ra, 0) % 360 / 15, len(match["ra"] or ""), wrap=24)
    degrees = _sexagesimal(np.where(good, np.abs(dec), 0), len(match["dec"] or ""))
    sign = np.where(dec < 0, "-", "+")
    names = np.char.add(match["prefix"] + "J", np.char.add(np.char.add(hours, sign), degrees))
    return np.where(good, names, "")


def _sexagesimal(angle: Any, decimals: int, wrap: int | None = None) -> Any:
    """Write angles of at least 0 as ``hhmmss.ss``, truncated after ``decimals``."""
    per_second = 10**decimals
    ticks = np.floor(angle * (3600 * per_second) + EDGE).astype(np.int64)
    if wrap is not None:
        ticks %= wrap * 3600 * per_second
    seconds, fraction = np.divmod(ticks, per_second)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    whole = np.strings.mod("%06d", hour * 10000 + minute * 100 + second)
    if not decimals:
        return whole
    return np.char.add(whole, np.strings.mod(f".%0{decimals}d", fraction))
