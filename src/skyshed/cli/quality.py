"""``skyshed quality``: how good a catalog of an image is, by sources that are injected into it."""

import argparse

from skyshed.cli.errors import warnings_in_one_line
from skyshed.cli.extract import add_files_of_parameters, add_parameters, read_parameters
from skyshed.cli.garbage import collect_from_now_on
from skyshed.cli.logs import add_talk, say

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Inject sources of known flux into an image; tell completeness, purity, bias, errors."
USAGE = "skyshed quality IMAGE --out DIR [options]"
EXAMPLES = (
    (
        "a hundred sources, tables only",
        "skyshed quality image.fits --out quality --n-sources 100 --no-picture",
    ),
)
#: What goes with the image, and what it is.
COMPANIONS = {
    "hdu": "HDU of the image [the first with an image]",
    "weight": "inverse variance of the background of each pixel",
    "rms": "noise of the background of each pixel",
    "variance": "variance of the background of each pixel",
    "background": "background to subtract: an image, a number, or none",
    "error": "total error of each pixel, for the errors in the catalog",
    "mask": "pixels to leave out: those not 0, or of --mask-bits",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; those of the chain are made from `Parameters`."""
    parser.add_argument("image", metavar="IMAGE", help="as for skyshed extract")
    files = parser.add_argument_group("files")
    files.add_argument("--out", metavar="DIR", required=True, help="folder for tables and picture")
    files.add_argument("--no-picture", action="store_true", help="write tables only")
    add_files_of_parameters(files)
    for name, about in COMPANIONS.items():
        files.add_argument(f"--{name}", metavar="FILE", help=about)
    injected = parser.add_argument_group("injected sources")
    injected.add_argument(
        "--psf-fwhm", type=float, metavar="PIX", help="FWHM of the PSF [that of the image's stars]"
    )
    injected.add_argument(
        "--n-sources", type=int, default=1000, metavar="N", help="how many, at least [1000]"
    )
    injected.add_argument(
        "--star-fraction", type=float, default=0.5, metavar="F", help="the share of stars [0.5]"
    )
    injected.add_argument("--seed", type=int, help="of the random numbers [drawn, and told]")
    add_talk(parser)
    add_parameters(parser)


def run(arguments: argparse.Namespace) -> int:
    """Inject, extract, compare, and write."""
    from skyshed.optional import need
    from skyshed.output.results import check_writable
    from skyshed.quality import assess

    collect_from_now_on()
    folder = check_writable(arguments.out)
    if not arguments.no_picture:
        need("matplotlib", "the picture of skyshed quality (--no-picture leaves it out)", "plot")
    given = {name: getattr(arguments, name) for name in COMPANIONS}
    with warnings_in_one_line(arguments.quiet):
        quality = assess(
            arguments.image, psf_fwhm=arguments.psf_fwhm, n_sources=arguments.n_sources,
            star_fraction=arguments.star_fraction, seed=arguments.seed,
            parameters=read_parameters(arguments),
            **{name: value for name, value in given.items() if value is not None},
        )  # fmt: skip
    files = quality.write(folder, picture=not arguments.no_picture)
    say(f"{quality}\n\n{', '.join(path.name for path in files)} in {folder}", arguments.quiet)
    return 0
