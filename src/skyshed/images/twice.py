"""Cards that a header has twice with different values: which of them is right is not known.

Readers differ: astropy takes the first, wcslib the last.
"""

from collections.abc import Iterable
from typing import Any

from astropy.io.fits.verify import VerifyError

from skyshed.images.pixels import RefusedError
from skyshed.messages import one_line

__all__ = ["check_scaling", "given_twice", "unit_text", "values_of"]


def values_of(header: Any, name: str) -> list[Any]:
    """Return the values of all cards of a name; those that are equal once."""
    n = header.count(name) if hasattr(header, "count") and name in header else int(name in header)
    if n < 2:
        return [header[name]] if n else []
    found: list[Any] = []
    for k in range(n):
        value = header[(name, k)]
        if value not in found:
            found.append(value)
    return found


def given_twice(header: Any, names: Iterable[str]) -> str | None:
    """Return which of some cards is there with different values; `None` if none is.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.twice import given_twice
    >>> header = fits.Header([("BSCALE", 1.0), ("BZERO", 0.0), ("BSCALE", 2.0)])
    >>> given_twice(header, ["BSCALE", "BZERO"])
    'BSCALE is given twice, as 1.0 and 2.0'
    """
    for name in names:
        values = values_of(header, name)
        if len(values) > 1:
            return f"{name} is given twice, as {' and '.join(map(repr, values))}"
    return None


def check_scaling(header: Any, label: str) -> None:
    """Refuse an image of which it is not known how its pixels are scaled.

    Raises
    ------
    ValueError
        If BSCALE, BZERO or the BLANK of integers is a text, or a card is given twice.
    """
    of_integers = ("BLANK",) if header.get("BITPIX", 0) > 0 else ()
    for name in ("BSCALE", "BZERO", *of_integers):
        if isinstance(header.get(name, 0), str):
            raise RefusedError(f"{label}: {name} = {header[name]!r} is text, not a number")
    twice = given_twice(header, ("BSCALE", "BZERO", "BLANK", "BSOFTEN", "BOFFSET"))
    if twice is not None:
        raise RefusedError(f"{label}: {twice}, and pixels depend on it: take one of them out")


def unit_text(header: Any) -> Any:
    """Return what BUNIT says; a text that is no unit if it says two things or cannot be read."""
    try:
        values = values_of(header, "BUNIT")
    except VerifyError as error:  # astropy reads a card when it is asked for
        return one_line(error)
    return " and ".join(map(str, values)) if len(values) > 1 else header.get("BUNIT")
