"""Whether the cards of a header give positions on the sky, or wcslib makes them up.

wcslib takes its defaults for cards that it rejects and for those that are not there: CRVAL 0, CRPIX
0, CDELT 1 and a unit matrix (FITS standard 4.0, section 8.2). Positions that come from these are
nobody's.
"""

import re
from typing import Any

import numpy as np

from skyshed.images.twice import given_twice, values_of
from skyshed.messages import one_line

__all__ = [
    "is_of_iraf",
    "is_polynomial",
    "left_over_sip",
    "no_equinox",
    "no_numbers",
    "rejected_cards",
    "usable_frame",
    "why_not",
    "without_sip",
    "zero_scale",
]

#: A card that wcslib has rejected, in its own words: the keyword, the value, and why.
REJECTED = re.compile(r"([A-Z][A-Z0-9_]*) *= *(.*?) *\n\s*(.+?)\.?\s*$", re.DOTALL)
#: Cards that belong to all axes, and those of single ones.
OF_ALL = {"LONPOLE", "LATPOLE", "WCSAXES"}
OF_FRAME = {"EQUINOX", "EPOCH", "RADESYS", "RADECSYS"}
OF_AXES = re.compile(
    r"(?:CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA)(\d+)|(?:CD|PC)(\d+)_(\d+)|"
    r"(?:CD|PC)(\d{3})(\d{3})|P[VS](\d+)_\d+"
)
#: Cards that hold a text; all others of a WCS hold a number.
TEXTS = re.compile(r"CTYPE\d+|CUNIT\d+|RADESYS|RADECSYS|PS\d+_\d+")
#: The cards of the distortion called SIP: its orders and coefficients.
SIP = re.compile(r"[AB]P?_(?:ORDER|DMAX|\d+_\d+)")
#: Systems of right ascension and declination that astropy has: FITS standard 4.0, table 26.
SYSTEMS = ("ICRS", "FK5", "FK4", "FK4-NO-E")
#: What an equinox can be, in years; instruments write 0 where they know none.
EQUINOXES = (1800.0, 2100.0)
#: Longitudes that are turned into the ICRS: ecliptic, supergalactic.
TURNED = ("ELON", "SLON")
#: A matrix whose axes are nearer to parallel than this has no inverse that is of any use.
LEAST_ANGLE = 1e-8


def left_over_sip(header: Any) -> str | None:
    """Return why distortions that a header has are not applied; `None` if they are.

    They count where both CTYPE end in ``-SIP`` (Shupe et al. 2005, ASPC 347, 491). Programs that
    take distortions out, such as AstroDrizzle and SWarp, change CTYPE and often leave the
    coefficients.
    """
    orders = [name for name in ("A_ORDER", "B_ORDER") if name in header]
    types = {f"CTYPE{n}": str(header.get(f"CTYPE{n}", "")).strip() for n in (1, 2)}
    if not orders or any(text.endswith("-SIP") for text in types.values()):
        return None
    written = " and ".join(f"{name} = {text!r}" for name, text in types.items())
    return (
        f"{orders[0]} and the coefficients of SIP are not applied, because {written} do not end in "
        "-SIP: they were left by a program that has taken the distortion out; if it is there, add "
        "-SIP to both"
    )


def is_polynomial(header: Any) -> bool:
    """Whether a header is of TPV, or of TAN with PV cards, which is read as that."""
    types = _types(header)
    if "-TPV" in types:
        return True
    return "-TAN" in types and any(name.startswith("PV") for name in header)


def is_of_iraf(header: Any) -> bool:
    """Whether a header is of one of IRAF's own projections."""
    types = _types(header)
    return "-TNX" in types or "-ZPX" in types


def _types(header: Any) -> str:
    """Return the types of the first two axes, in capitals."""
    return f"{header.get('CTYPE1', '')} {header.get('CTYPE2', '')}".upper()


def without_sip(header: Any) -> Any:
    """Return a header without the cards of SIP."""
    plain = header.copy()
    for name in [each for each in header if SIP.fullmatch(each)]:
        del plain[name]
    return plain


def why_not(header: Any, wcs: Any, said: list[Any], kept: tuple[int, ...] | None) -> str | None:
    """Return why a header does not say where the image is on the sky; `None` if it does.

    Parameters
    ----------
    header : Header
        The cards that it was read from.
    wcs : `~astropy.wcs.WCS`
        All its axes, two of them celestial.
    said : list
        The warnings that came with it.
    kept : tuple of int or None
        The numbers that the axes of the image have in FITS; `None` for 1 and 2.
    """
    axes = (wcs.wcs.lng + 1, wcs.wcs.lat + 1)
    return (
        _rejected(said, axes, header)
        or _of_another_type(header, axes)
        or _other_axes(wcs, axes, kept)
        or _missing(header, axes)
        or zero_scale(header, axes)
    )


def rejected_cards(said: list[Any]) -> dict[str, str]:
    """Return the cards that wcslib has rejected: keyword, and what it says about the value.

    It speaks in the same way of cards in an old form, which it takes.
    """
    found = {}
    for each in said:
        match = REJECTED.match(str(each))
        if match is not None and "deprecated" not in match[3]:
            value = " ".join(match[2].split()).replace("' ", "'").replace(" '", "'")
            found[match[1]] = f"{match[1]} = {value} is rejected: {one_line(match[3])}"
    return found


def _rejected(said: list[Any], axes: tuple[int, int], header: Any) -> str | None:
    """Return which rejected card the positions depend on."""
    for name, text in rejected_cards(said).items():
        if _counts(name, axes, header):
            return text
    return None


def _of_another_type(header: Any, axes: tuple[int, int]) -> str | None:
    """Return which card holds a text in place of a number, or the reverse, or is there twice.

    wcslib rejects these, too; but what it says may go elsewhere while threads change the filters of
    warnings.
    """
    for name in dict.fromkeys(header):
        if not _counts(name, axes, header):
            continue
        try:
            values = values_of(header, name)
        except Exception as error:  # astropy reads a card when it is asked for
            return f"{name} cannot be read ({one_line(error)})"
        if len(values) > 1:
            return given_twice(header, [name])
        (value,) = values
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(value, str) if TEXTS.fullmatch(name) else number:
            continue
        wanted = "a text" if TEXTS.fullmatch(name) else "a number"
        return f"{name} = {value!r} is rejected: it must be {wanted}"
    return None


def _counts(name: str, axes: tuple[int, int], header: Any) -> bool:
    """Whether the positions depend on a card."""
    if name in OF_FRAME:
        # Only systems with an equinox depend on it, and EPOCH is an old name of EQUINOX.
        return not _has_no_equinox(header) and not (name == "EPOCH" and "EQUINOX" in header)
    match = OF_AXES.fullmatch(name)
    numbers = [] if match is None else [int(n) for n in match.groups() if n is not None]
    if name.startswith(("CDELT", "CROTA")) and _has_cd(header, axes):
        return False
    return name in OF_ALL or (bool(numbers) and set(numbers) <= set(axes))


def _has_cd(header: Any, axes: tuple[int, ...]) -> bool:
    """Whether a header has a matrix that holds the scale and makes CDELT and CROTA void."""
    return any(
        name in header for i in axes for j in axes for name in (f"CD{i}_{j}", f"CD{i:03d}{j:03d}")
    )


def _has_no_equinox(header: Any) -> bool:
    """Whether a header names a system that has no equinox: wcslib does so where it does not."""
    if any(str(header.get(f"CTYPE{n}", "")).startswith("ELON") for n in (1, 2)):
        return False
    system = header.get("RADESYS", header.get("RADECSYS", ""))
    return str(system).strip().upper() == "ICRS"


def _other_axes(wcs: Any, axes: tuple[int, int], kept: tuple[int, ...] | None) -> str | None:
    """Return why the celestial axes are not those of the image."""
    if set(axes) == set(kept or (1, 2)):
        return None
    names = " and ".join(f"CTYPE{n} = {wcs.wcs.ctype[n - 1]!r}" for n in axes)
    return (
        f"{names} are not the axes of the image, which are axes "
        f"{' and '.join(map(str, sorted(kept or (1, 2))))}"
    )


def _missing(header: Any, axes: tuple[int, int]) -> str | None:
    """Return which card is not there that the positions depend on."""
    for name in ("CRVAL", "CRPIX"):
        for axis in axes:
            if f"{name}{axis}" not in header:
                return f"there is no {name}{axis}"
    scales = [f"{kind}{i}_{j}" for kind in ("CD", "PC") for i in axes for j in axes]
    scales += [f"{kind}{i:03d}{j:03d}" for kind in ("CD", "PC") for i in axes for j in axes]
    if any(name in header for name in scales):
        return None
    for axis in axes:
        if f"CDELT{axis}" not in header:
            return f"there is no CDELT{axis} and no CD or PC matrix: the scale is not known"
    return None


def zero_scale(header: Any, axes: tuple[int, ...]) -> str | None:
    """Return which cards give an axis no scale; wcslib takes a matrix of zeros for one of ones."""
    rows = {i: [f"CD{i}_{j}" for j in sorted(axes)] for i in sorted(axes)}
    has_matrix = any(name in header for row in rows.values() for name in row)
    for axis, row in rows.items():
        names = row if has_matrix else [f"CDELT{axis}"]
        if all(header.get(name, 0) == 0 for name in names):
            # Where none of them is there, the scale is in PC.
            given = [name for name in names if name in header]
            if given or has_matrix:
                return f"{' and '.join(given or names)} {'are' if len(given) > 1 else 'is'} 0"
    return None


def no_numbers(celestial: Any) -> str | None:
    """Return which numbers of a WCS are not finite, or why its matrix cannot be inverted."""
    for name in ("crval", "crpix"):
        values = getattr(celestial.wcs, name)
        if not np.isfinite(values).all():
            return f"{name.upper()} is {values.tolist()}"
    matrix = np.asarray(celestial.pixel_scale_matrix, np.float64)
    if np.isfinite(matrix).all():
        lengths = np.linalg.norm(matrix, axis=1).prod()
        if lengths > 0 and abs(np.linalg.det(matrix)) > LEAST_ANGLE * lengths:
            return None
    return f"the matrix of CD, or of PC and CDELT, is singular: {matrix.tolist()}"


def no_equinox(header: Any, wcs: Any) -> str | None:
    """Return why the equinox of a system that has one says nothing."""
    first, last = EQUINOXES
    equinox = wcs.wcs.equinox
    turns = wcs.wcs.ctype[wcs.wcs.lng].startswith("RA") and not _has_no_equinox(header)
    if not turns or np.isnan(equinox) or first <= equinox <= last:
        return None
    name = next((each for each in ("EQUINOX", "EPOCH") if each in header), "EQUINOX")
    return f"{name} = {equinox:g} is no year from {first:g} to {last:g}, and RADESYS is not ICRS"


def usable_frame(wcs: Any) -> str | None:
    """Make sure that a celestial WCS is in a frame that astropy has, and is called by its name.

    Coordinates that astropy's WCS has no frame for become those of the ICRS, if they can.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        A WCS with two celestial axes, of one's own: it is changed in place.

    Returns
    -------
    why_not : str or None
        Why it is not; `None` if it is.
    """
    inner = wcs.wcs
    if inner.ctype[inner.lng].startswith("GLON"):
        return None
    if inner.ctype[inner.lng].startswith(TURNED):
        from skyshed.images.turned import turn_to_icrs

        return turn_to_icrs(wcs)
    if not inner.ctype[inner.lng].startswith("RA--"):
        return (
            f"CTYPE = {inner.ctype[inner.lng]!r}, {inner.ctype[inner.lat]!r}: positions are given "
            "for RA and DEC, and for GLON, ELON and SLON with their latitudes"
        )
    system = inner.radesys.strip().upper()
    if system and system not in SYSTEMS:
        return f"RADESYS = {inner.radesys!r} is none of {', '.join(SYSTEMS)}"
    if system != inner.radesys:
        inner.radesys = system
    return None
