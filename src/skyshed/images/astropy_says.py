"""What astropy says while it reads a file: what can be ignored, and what is passed on."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from astropy.io.fits.verify import VerifyWarning
from astropy.utils.exceptions import AstropyWarning

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level, one_line

__all__ = ["heard", "pass_on", "quiet"]

#: Filters of warnings belong to the process: only one thread at a time may change them.
_FILTERS = RLock()
#: What is said of cards that were mended without a change of what they mean, and of other images.
HARMLESS = re.compile(
    r"'\w+fix' made the change|RADECSYS|cdelt will be ignored since cd is present|"
    r"more axes \(\d+\) than the image it is associated with",
    re.IGNORECASE,
)
#: What matters among the warnings of cards that break a rule of FITS: most headers have one.
ABOUT_PIXELS = re.compile(r"BLANK|BSCALE|BZERO|truncated|checksum", re.IGNORECASE)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore what astropy says of a file that has been opened before, when it was passed on."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        yield


@contextmanager
def heard() -> Iterator[list[Any]]:
    """Collect what is said; nothing of it is shown."""
    with _FILTERS, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said


def pass_on(said: list[Any], label: str) -> None:
    """Warn of what matters in what was said of an image."""
    for each in said:
        text = one_line(each.message)
        if isinstance(each.message, VerifyWarning) and not ABOUT_PIXELS.search(text):
            continue
        if HARMLESS.search(text):
            continue
        if issubclass(each.category, AstropyWarning):
            message = f"{label}: {text}"
            warnings.warn(message, ImageWarning, stacklevel=find_stack_level())
        elif not issubclass(each.category, DeprecationWarning | ResourceWarning):
            warnings.warn(text, each.category, stacklevel=find_stack_level())
