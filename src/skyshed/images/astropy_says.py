"""What astropy says while it reads a file: what can be ignored, and what is passed on."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any

from astropy.io.fits.verify import VerifyWarning
from astropy.utils.exceptions import AstropyWarning

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level, one_line

__all__ = ["heard", "pass_on", "quiet"]

#: Filters of warnings belong to the process: only one thread at a time may change them.
_FILTERS = RLock()
#: Whose warnings are heard, or not shown: other threads may warn of their images meanwhile.
_ABOUT_HEADERS = r"(astropy|skyshed\.images)\."
#: What is said of cards that were mended without a change of what they mean, and of other images.
HARMLESS = re.compile(
    r"'\w+fix' made the change|RADECSYS|cdelt will be ignored since cd is present|"
    r"more axes \(\d+\) than the image it is associated with",
    re.IGNORECASE,
)
#: What matters among the warnings of cards that break a rule of FITS: most headers have one.
ABOUT_PIXELS = re.compile(r"BLANK|BSCALE|BZERO|truncated|checksum", re.IGNORECASE)


def _begin_process() -> None:
    """Take a lock of its own in a process that begins by a fork, where no thread lets go of it."""
    global _FILTERS
    _FILTERS = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_process)


@contextmanager
def quiet(message: str = "") -> Iterator[None]:
    """Ignore what astropy says of a file that has been opened before, when it was passed on.

    With a ``message``, a pattern of the begin of what is said, ignore that alone.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message, AstropyWarning, _ABOUT_HEADERS)
        yield


@contextmanager
def heard() -> Iterator[list[Any]]:
    """Collect what astropy says to this thread; what others say meanwhile is theirs to be shown."""
    said: list[Any] = []
    mine = get_ident()
    with _FILTERS, warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: Any, filename: str, *where: Any, **more: Any) -> None:
            theirs = get_ident() != mine or category.__module__.startswith("skyshed.")
            if theirs or not issubclass(category, AstropyWarning | RuntimeWarning):
                shown(message, category, filename, *where, **more)
            else:
                said.append(message)

        warnings.filterwarnings("always", module=_ABOUT_HEADERS)
        warnings.showwarning = show
        yield said


def pass_on(said: list[Any], label: str) -> None:
    """Warn of what matters in what was said of an image."""
    for message in said:
        text = one_line(message)
        if HARMLESS.search(text):
            continue
        if isinstance(message, VerifyWarning) and not ABOUT_PIXELS.search(text):
            continue
        warnings.warn(f"{label}: {text}", ImageWarning, stacklevel=find_stack_level())
