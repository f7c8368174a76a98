"""``skyshed survey``: many exposures, on many machines, into one catalog by sky."""

import argparse
from typing import Any

from skyshed.cli.errors import warnings_in_one_line
from skyshed.cli.extract import (
    add_companions,
    add_files_of_parameters,
    add_parameters,
    read_parameters,
)
from skyshed.cli.garbage import collect_from_now_on
from skyshed.cli.logs import add_talk, say
from skyshed.parameters.companions import COMPANIONS

__all__ = ["EXAMPLES", "SOME_FAILED", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = (
    "Extract many exposures on the workers of Dask, into one catalog that is partitioned by sky."
)
USAGE = "skyshed survey LIST --out CATALOG [--scheduler ADDRESS | --workers N] [options]"
EXAMPLES = (
    (
        "the images that a file names, on two processes",
        "skyshed survey night.txt --out catalog --workers 2",
    ),
)
#: The exit status if some of the images failed, as of ``extract --each``.
SOME_FAILED = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; those of the chain are made from `Parameters`."""
    parser.add_argument(
        "list", metavar="LIST",
        help="file of names, one a line; or a table (.csv, .ecsv, .parquet) with a column image, "
        "and columns named as the options for what goes with each (weight, mask, hdu, ...)",
    )  # fmt: skip
    files = parser.add_argument_group(
        "files",
        "what goes with the images is a file for all, or a pattern with {folder}, {stem}, {file} "
        "or {hdu} of each",
    )
    files.add_argument(
        "--out", metavar="CATALOG", required=True,
        help="folder of the catalog: HATS, and images.parquet",
    )  # fmt: skip
    add_files_of_parameters(files)
    files.add_argument(
        "--keep", metavar="NAME", action="append", default=[],
        help="further column of LIST, for the table of images; may be repeated",
    )  # fmt: skip
    files.add_argument(
        "--partition-rows", metavar="N", type=int, default=500_000,
        help="rows of a partition, at most [500000]",
    )  # fmt: skip
    files.add_argument("--hdu", metavar="N|NAME", help="HDU of each image; several, as for --each")
    add_companions(files)
    work = parser.add_argument_group("workers")
    where = work.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster that sees all files, tcp://host:port",
    )
    where.add_argument(
        "--workers", metavar="N", type=int,
        help="processes of this machine [one for each core, or GPU with --device cuda]",
    )  # fmt: skip
    for name, metavar, about in (
        ("memory", "SIZE", "what an image may take [60 %% of what a worker may]"),
        ("workspace", "DIR", "folder to work in, which all workers see [in CATALOG]"),
        ("region", "Y0:Y1,X0:X1", "the part of each image to work on [all]"),
    ):
        work.add_argument(f"--{name}", metavar=metavar, help=about)
    for name, default, about in (
        ("retries", 1, "how often an exposure that failed is tried again"),
        ("per-task", 8, "exposures that a worker is given at a time"),
    ):
        work.add_argument(
            f"--{name}", metavar="N", type=int, default=default, help=f"{about} [{default}]"
        )
    work.add_argument(
        "--device",
        metavar="cpu|cuda|cuda:0,2|auto",
        default="cpu",
        help="where to compute; processes of this machine have a GPU each [cpu]",
    )
    work.add_argument(
        "--restart", action="store_true", help="begin anew where a survey was begun, or lies"
    )
    add_talk(parser)
    add_parameters(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the survey, or go on with it, and say what was found."""
    parameters = read_parameters(arguments)
    from skyshed.surveys import survey
    from skyshed.surveys.images_table import IMAGES

    collect_from_now_on()
    options: dict[str, Any] = {name: getattr(arguments, name) for name in COMPANIONS}
    with warnings_in_one_line(arguments.quiet):
        found = survey(
            arguments.list, arguments.out, **options,
            hdu=arguments.hdu, region=arguments.region, profile=arguments.profile,
            keep=tuple(arguments.keep), parameters=parameters, device=arguments.device,
            memory=arguments.memory, scheduler=arguments.scheduler, n_workers=arguments.workers,
            retries=arguments.retries, per_task=arguments.per_task,
            partition_rows=arguments.partition_rows, workspace=arguments.workspace,
            restart=arguments.restart, progress=False if arguments.quiet else None,
        )  # fmt: skip
    n, done = found.n_sources, found.n_images - found.n_failed
    say(
        f"{n} source{'' if n == 1 else 's'} in {found.folder}\n"
        f"{done} of {found.n_images} images done, {found.n_failed} failed:\n"
        f"  {found.folder / IMAGES}",
        arguments.quiet,
    )
    return SOME_FAILED if found.n_failed else 0
