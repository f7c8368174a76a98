"""What a command says besides its results: lines on standard error, and in a file."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from skyshed.log import LOGGER, PROGRESS

__all__ = ["add_talk", "logged", "say"]

#: Of a line in a file: one run may take days, on any machine.
IN_A_FILE = "%(asctime)s %(levelname)-7s %(message)s"


def add_talk(parser: Any) -> None:
    """Declare how much is said."""
    much = parser.add_mutually_exclusive_group()
    much.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    much.add_argument(
        "-v", "--verbose", action="store_true", help="say what is done, and with what"
    )
    parser.add_argument(
        "--log", metavar="FILE", help="write all that --verbose says to the end of a file, too"
    )


def say(text: str, quiet: bool) -> None:
    """Print what was found, unless that is not wanted; the log has it, a record for each line."""
    for line in text.splitlines():
        LOGGER.info("%s", line, extra={"printed": True})
        if not quiet:
            print(line)


@contextmanager
def logged(arguments: argparse.Namespace) -> Iterator[None]:
    """Say on standard error, and in the file that is asked for, what the package logs.

    On a terminal a bar shows how a run gets on; elsewhere, as in the log of a batch job, it is said
    in lines.

    Raises
    ------
    OSError
        If the file cannot be written to.
    """
    with ExitStack() as stack:
        if not getattr(arguments, "quiet", True):
            stack.enter_context(_handled(_console(getattr(arguments, "verbose", False))))
        if getattr(arguments, "log", None) is not None:
            file = _file(arguments.log)
            file.setFormatter(logging.Formatter(IN_A_FILE))
            stack.callback(file.close)
            stack.enter_context(_handled(file))
        yield


def _file(path: str) -> logging.FileHandler:
    """Return what writes to the end of a file.

    Raises
    ------
    OSError
        If the file cannot be written to.
    """
    try:
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"--log: {path} can't be written ({reason}): name a file in a folder that is there"
        ) from error


def _console(verbose: bool) -> logging.Handler:
    """Return what prints on standard error."""
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.DEBUG if verbose else logging.INFO)
    on_terminal = sys.stderr.isatty()

    def wanted(record: logging.LogRecord) -> bool:
        if getattr(record, "printed", False):  # by the command, in a form of its own
            return False
        return verbose or not (on_terminal and record.name == PROGRESS.name)

    console.addFilter(wanted)
    return console


@contextmanager
def _handled(handler: logging.Handler) -> Iterator[None]:
    """Let a handler take what the package logs, for a while."""
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
