"""The command line: ``skyshed extract``, ``columns``, ``simulate``, ``info``.

What computes is imported by the command that needs it, so that help comes at once.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from skyshed import __version__
from skyshed.cli import columns, extract, info, simulate

__all__ = ["main"]

#: Exit statuses: a request that cannot be met, an error in skyshed itself, Ctrl-C (as in shells).
REFUSED, BROKEN, INTERRUPTED = 2, 1, 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Report a bad option as any other error."""
        raise _BadOptionError(f"{message} (see {self.prog} --help)")


class _BadOptionError(Exception):
    """A command line that cannot be understood."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; `None` for those of the process.

    Returns
    -------
    status : int
        0; 2 if the request cannot be met (a bad option or file, said in one line on standard
        error); 1 for an error in skyshed itself; 130 when interrupted.

    Examples
    --------
    >>> from skyshed.cli import main
    >>> main(["simulate"])  # one line on standard error says what is missing
    2
    """
    debug = False
    try:
        arguments = _parser().parse_args(argv)
        debug = arguments.debug
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("skyshed: interrupted", file=sys.stderr)
        return INTERRUPTED
    except _BadOptionError as error:
        return _complain(error)
    except SystemExit as leaving:  # --help and --version
        return int(leaving.code or 0)
    except BrokenPipeError:
        # Whoever read our output has closed it, e.g. `skyshed info | head -1`.
        sys.stderr.close()
        return BROKEN
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        if debug:
            raise
        return _complain(error)
    except Exception as error:
        if debug:
            raise
        from skyshed.exceptions import TileError  # here: help is quick without astropy

        if isinstance(error, TileError):
            return _complain(error)
        what = f"internal error, please report it: {type(error).__name__}: {error}"
        _complain(f"{what} (--debug shows where)")
        return BROKEN


def _complain(error: Any) -> int:
    """Say in one line what is wrong."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        text = f"not enough memory: {text}" if text else "not enough memory"
    print(f"skyshed: error: {text or type(error).__name__}", file=sys.stderr)
    return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="skyshed",
        description="Detect, deblend and measure the sources of astronomical images.",
    )
    parser.add_argument("--version", action="version", version=f"skyshed {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (extract, columns, simulate, info):
        name = command.__name__.rpartition(".")[2]
        child = commands.add_parser(
            name,
            usage=command.USAGE,
            help=command.SUMMARY,
            description=command.SUMMARY,
            allow_abbrev=False,
        )
        command.add_options(child)
        child.add_argument("--debug", action="store_true", help="show where an error arose")
        child.set_defaults(run=command.run)
    return parser
