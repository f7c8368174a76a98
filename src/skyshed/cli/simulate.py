"""``skyshed simulate``: a made-up survey field, as FITS."""

import argparse
import os

from skyshed.cli.garbage import collect_from_now_on

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Simulate a survey field: image, mask and true sources, with a WCS."
USAGE = "skyshed simulate OUT.fits [options]"
EXAMPLES = (("a field to try things on", "skyshed simulate field.fits --shape 512 512 --seed 3"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("out", metavar="OUT.fits", help="file to write")
    parser.add_argument(
        "--shape", nargs=2, type=_length, default=(2048, 2048), metavar=("NY", "NX"),
        help="rows and columns [2048 2048]",
    )  # fmt: skip
    parser.add_argument("--seed", type=_seed, default=1, help="of the random numbers [1]")
    parser.add_argument(
        "--density", type=_positive, help="sources per megapixel [that of a deep survey]"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file of this name")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def _length(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, got {text!r}")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Simulate and write."""
    from skyshed.datasets import make_survey_image
    from skyshed.datasets.write import write_survey
    from skyshed.output.results import check_writable

    collect_from_now_on()

    if os.path.lexists(arguments.out) and not arguments.overwrite:
        raise ValueError(f"{arguments.out} exists: name another file, or give --overwrite")
    check_writable(os.path.dirname(arguments.out) or ".")
    options = {} if arguments.density is None else {"density": arguments.density}
    field = make_survey_image(tuple(arguments.shape), seed=arguments.seed, **options)
    write_survey(field, arguments.out)
    if not arguments.quiet:
        ny, nx = field.data.shape
        print(f"{len(field.truth)} sources on {ny} x {nx} pixels in {arguments.out}")
    return 0
