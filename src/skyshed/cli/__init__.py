"""The command line: a module for each command, ``skyshed extract`` in ``extract.py``.

What computes is imported by the command that needs it, so that help comes at once.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

from skyshed import __version__
from skyshed.cli import (
    bands,
    columns,
    completion,
    extract,
    info,
    init,
    quality,
    simulate,
    survey,
    view,
)
from skyshed.cli.errors import complain, in_one_line, is_refusal
from skyshed.cli.garbage import leave_for_now
from skyshed.cli.logs import logged
from skyshed.cli.streams import forgiving_streams
from skyshed.log import LOGGER

__all__ = ["COMMANDS", "command", "main", "make_parser"]

#: The commands, in the order in which help lists them.
COMMANDS = (
    extract, bands, survey, view, quality, columns, init, simulate, info, completion
)  # fmt: skip


#: Exit statuses: a request that cannot be met, an error in skyshed itself. That for some of several
#: images is in `skyshed.cli.each`.
REFUSED, BROKEN = 2, 1
#: Added to the number of the signal that ended the command, as in shells.
BY_SIGNAL = 128
#: Signals that end a command, and the word for it; not every system has all.
SIGNALS = {
    number: word
    for number, word in (
        (signal.SIGINT, "interrupted"),
        (getattr(signal, "SIGTERM", None), "terminated"),
        (getattr(signal, "SIGHUP", None), "hung up"),
    )
    if number is not None
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, about the command that they are an error of."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is unknown here, where the options are known that it may be one of."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            from difflib import get_close_matches

            said = f"unrecognized arguments: {' '.join(unknown)}"
            word = unknown[0].partition("=")[0]
            near = get_close_matches(word, self._option_string_actions, 1)
            self.error(f"{said}; did you mean {near[0]}?" if near else said)
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Report a bad option as any other error."""
        raise _BadOptionError(f"{message} (see {self.prog} --help)")


class _BadOptionError(ValueError):
    """A command line that cannot be understood."""


class _Ended(KeyboardInterrupt):
    """A signal that ends the command; whatever is unfinished is cleared away, as for Ctrl-C.

    For Ctrl-C too: Python remembers a `KeyboardInterrupt` itself that came up in code made of text
    (named tuples and dataclasses are), and dies of the signal in the end, whatever status it was
    to leave with.
    """


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
        error); 3 if some of several images (``--each``) failed; 1 for an error in skyshed itself;
        130 when interrupted, 143 by SIGTERM, 129 by SIGHUP.

    Examples
    --------
    >>> from skyshed.cli import main
    >>> main(["simulate"])  # one line on standard error says what is missing
    2
    """
    debug = False
    with ExitStack() as stack:
        try:
            arguments = make_parser().parse_args(argv)
            debug = arguments.debug
            stack.enter_context(logged(arguments))
            return int(arguments.run(arguments))
        except KeyboardInterrupt as ended:
            number = ended.args[0] if isinstance(ended, _Ended) else signal.SIGINT
            word = SIGNALS[number]
            LOGGER.error("%s", word, extra={"printed": True})
            print(f"skyshed: {word}", file=sys.stderr)
            return BY_SIGNAL + int(number)
        except SystemExit as leaving:  # --help and --version
            return int(leaving.code or 0)
        except Exception as error:
            if debug:
                raise
            complain(in_one_line(error))
            return REFUSED if is_refusal(error) else BROKEN


def command() -> NoReturn:
    """Run the command line of this process, and end it."""
    forgiving_streams()
    for number in SIGNALS:
        # nohup ignores SIGHUP, a shell SIGINT for what it runs in the background.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
    leave_for_now()
    # Nothing here multiplies matrices: the threads that NumPy's BLAS starts as it is imported would
    # only take time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    status = main()
    # What was asked for is done, and nothing is left to be cleared away: Python, as it ends, would
    # only show where it was.
    for number in SIGNALS:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)
    sys.exit(status)


def _end(number: int, _: Any) -> NoReturn:
    """End the command; a second signal, other than Ctrl-C, ends the process at once."""
    if number != signal.SIGINT:
        signal.signal(number, signal.SIG_DFL)
    raise _Ended(signal.Signals(number))


class _Help(argparse.HelpFormatter):
    """Leaves examples as they are; all other text is filled."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)


#: What examples begin with.
EXAMPLES = "examples:"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="skyshed",
        description="Detect, deblend and measure the sources of astronomical images.",
    )
    parser.add_argument("--version", action="version", version=f"skyshed {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        examples = (f"  # {about}\n  {line}" for about, line in command.EXAMPLES)
        child = commands.add_parser(
            name,
            usage=command.USAGE,
            help=command.SUMMARY,
            description=command.SUMMARY,
            epilog="\n".join([EXAMPLES, *examples]),
            formatter_class=_Help,
            allow_abbrev=False,
        )
        command.add_options(child)
        child.add_argument("--debug", action="store_true", help="show where an error arose")
        child.set_defaults(run=command.run)
    return parser
