"""``python -m skyshed.accel``: run a script or a module on skyshed, and say what ran where."""

import argparse
import os
import runpy
import sys
from collections.abc import Sequence

from skyshed import accel

USAGE = "python -m skyshed.accel [--no-receipt] [--receipt FILE] SCRIPT|-m MODULE [ARG...]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skyshed.accel",
        usage=USAGE,
        description="Run a program that uses photutils on skyshed, without a change of its code.",
    )
    parser.add_argument("--no-receipt", action="store_true", help="say nothing at the end")
    parser.add_argument(
        "--receipt", metavar="FILE", help="write what ran where to FILE, as JSON, at the end"
    )
    parser.add_argument("-m", dest="module", action="store_true", help="run a module")
    parser.add_argument("program", metavar="SCRIPT|MODULE", help="what to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARG", help="its arguments")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run a program. Its errors and its exit status are as without skyshed."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.module and not os.path.exists(options.program):
        parser.error(f"SCRIPT must be a file, {options.program!r} is none: for a module give -m")
    try:
        accel.install()
    except ImportError as error:
        parser.error(str(error))
    sys.argv = [options.program, *options.args]
    try:
        if options.module:
            runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        else:
            if not sys.flags.safe_path:
                sys.path[0] = os.path.dirname(os.path.abspath(options.program))
            runpy.run_path(options.program, run_name="__main__")
    finally:
        _finish(options.receipt, quiet=options.no_receipt)


def _finish(path: str | None, *, quiet: bool) -> None:
    if path is not None:
        try:
            accel.receipt().write(path)
        except OSError as error:
            print(f"skyshed.accel: the receipt can't be written: {error}", file=sys.stderr)
    if not quiet:
        print(f"\n{accel.receipt()}", file=sys.stderr)


if __name__ == "__main__":
    main()
