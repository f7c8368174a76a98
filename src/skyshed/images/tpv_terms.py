"""Linear terms of TPV that a header leaves out, which are 1 and not 0."""

from typing import Any

__all__ = ["with_linear_terms"]


def with_linear_terms(header: Any) -> Any:
    """Return a header of TPV with the linear term of each axis.

    It is 1 where it is not given (https://fits.gsfc.nasa.gov/registry/tpvwcs/tpv.html). wcslib
    takes 0, which puts a whole axis into one place.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.tpv_terms import with_linear_terms
    >>> header = fits.Header({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_4": 1e-3})
    >>> with_linear_terms(header)["PV1_1"]
    1.0
    """
    types = [str(header.get(f"CTYPE{axis}", "")).strip().upper() for axis in (1, 2)]
    if not any(each.endswith("-TPV") for each in types):
        return header
    whole = header.copy()
    for axis in (1, 2):
        if f"PV{axis}_1" not in header:
            whole[f"PV{axis}_1"] = 1.0
    return whole
