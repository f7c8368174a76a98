"""``skyshed warmup``: compile ahead of time."""

import argparse

__all__ = ["SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Compile the CPU kernels ahead of time, e.g. when a container image is built."
USAGE = "skyshed warmup [--dtype float32 float64]"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    both = ("float32", "float64")
    parser.add_argument(
        "--dtype", nargs="+", choices=both, default=both, help="kinds of images [both]"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def run(arguments: argparse.Namespace) -> int:
    """Compile, and say where the kernels are."""
    from skyshed.cli.info import numba_cache
    from skyshed.warmup import warmup

    done = warmup(arguments.dtype)
    if not arguments.quiet:
        print(
            f"{done.compiled} kernels compiled, {done.loaded} found compiled, in "
            f"{done.seconds:.1f} s; kept in {numba_cache()}"
        )
    return 0
