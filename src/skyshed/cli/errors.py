"""Errors and warnings as lines on standard error."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skyshed.log import LOGGER

__all__ = ["complain", "in_one_line", "is_refusal", "warnings_in_one_line"]

#: Errors that say what is wrong with a request; all others are ours.
REFUSALS = (ValueError, TypeError, OSError, ImportError, MemoryError)


def is_refusal(error: BaseException) -> bool:
    """Whether an error says that a request cannot be met, and is no error in skyshed itself."""
    if isinstance(error, REFUSALS):
        return True
    from skyshed.exceptions import TileError  # here: help is quick without astropy

    return isinstance(error, TileError)


def in_one_line(error: BaseException) -> str:
    r"""Return what is wrong as one line.

    Examples
    --------
    >>> from skyshed.cli.errors import in_one_line
    >>> in_one_line(ValueError("no\nsuch HDU"))
    'no such HDU'
    >>> in_one_line(KeyError("x"))
    "internal error, please report it: KeyError: 'x' (--debug shows where)"
    """
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return f"not enough memory: {text}" if text else "not enough memory"
    if is_refusal(error):
        return text or type(error).__name__
    what = f"{type(error).__name__}: {text}"
    return f"internal error, please report it: {what} (--debug shows where)"


def complain(text: str) -> None:
    """Say in one line what is wrong."""
    LOGGER.error("%s", text, extra={"printed": True})
    print(f"skyshed: error: {text}", file=sys.stderr)


@contextmanager
def warnings_in_one_line(quiet: bool = False) -> Iterator[list[str]]:
    """Print warnings as lines of this command, each once, or not at all; give what they say."""
    import astropy  # noqa: F401 - as it is imported, its logger takes warnings for itself

    seen: list[str] = []

    def show(message: Any, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if text in seen:
            return
        seen.append(text)
        LOGGER.warning("%s", text, extra={"printed": True})
        if not quiet:
            print(f"skyshed: warning: {text}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield seen
