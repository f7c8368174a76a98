"""The beam of radio maps that AIPS wrote, which is in HISTORY alone."""

import re
from typing import Any

__all__ = ["beam_in_history"]

#: What CLEAN and later tasks write, such as ``AIPS   CLEAN BMAJ=  1.2500E-02 BMIN=  1.2500E-02``.
BEAM = re.compile(r"AIPS\s.*\bBMAJ\s*=\s*(\S+)\s+BMIN\s*=\s*(\S+)")


def beam_in_history(header: Any) -> dict[str, float]:
    """Return BMAJ and BMIN that the last line of HISTORY with a beam says; none without one.

    AIPS Memo 117, section 3.1; maps of the NVSS and FIRST have it.

    Examples
    --------
    >>> from astropy.io import fits
    >>> from skyshed.images.photometry.aips import beam_in_history
    >>> header = fits.Header()
    >>> header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.2500E-02 BMIN=  1.2000E-02 BPA=   0.00"
    >>> beam_in_history(header)
    {'BMAJ': 0.0125, 'BMIN': 0.012}
    """
    lines = [match for line in header.get("HISTORY", ()) if (match := BEAM.search(str(line)))]
    try:
        major, minor = (float(number) for number in lines[-1].groups())
    except (IndexError, ValueError):
        return {}
    return {"BMAJ": major, "BMIN": minor}
