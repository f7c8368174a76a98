"""``skyshed bands``: the sources of several bands of the same pixels, in one table."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from skyshed.cli.each_inputs import companions_of
from skyshed.cli.errors import warnings_in_one_line
from skyshed.cli.extract import (
    add_large,
    add_parameters,
    add_result_files,
    carry_out,
    read_parameters,
)
from skyshed.cli.logs import add_talk
from skyshed.parameters import OF_A_BAND, Parameters

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Detect sources on several bands together, measure them in each, in one table."
USAGE = "skyshed bands NAME=IMAGE [NAME=IMAGE ...] --out DIR [options]"
EXAMPLES = (
    (
        "two bands, detected on both",
        "skyshed bands g=g.fits r=r.fits --out results --zero-point g=25 r=25.3",
    ),
)
#: What goes with each band, and what it is.
COMPANIONS = {
    "hdu": "HDU of the image [the first with an image]",
    "weight": "inverse variance of the background of each pixel",
    "rms": "noise of the background of each pixel",
    "variance": "variance of the background of each pixel",
    "background": "background to subtract: an image, a number, or none",
    "error": "total error of each pixel, for the errors in the catalog",
    "mask": "pixels to leave out: those not 0, or of --mask-bits",
    "quality": "plane of bits, for the columns quality_or and quality_and",
    "wcs": "WCS in place of the image's: headers as text, or FITS",
    "as": "which product of an observatory the image is; plain for none [found out]",
}
#: The arguments of `skyshed.extract_bands` that options have other names than.
ARGUMENTS = {"as": "profile"}
#: How the values of such options are written.
VALUES = "NAME=VALUE"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; those of the chain are made from `Parameters`."""
    parser.add_argument(
        "bands", metavar="NAME=IMAGE", nargs="+",
        help="bands of the same pixels, by the names that columns end in",
    )  # fmt: skip
    detection = parser.add_argument_group("bands")
    detection.add_argument(
        "--detect", metavar="NAME,NAME", help="the bands to detect sources on [all]"
    )
    detection.add_argument(
        "--combine", choices=("snr", "chi2", "mean"), default="snr",
        help="how they are combined: sum of significances, chi-squared, or weighted mean [snr]",
    )  # fmt: skip
    detection.add_argument(
        "--psf-fwhm", metavar="NAME=PIX", nargs="+",
        help="FWHM of the stars of each band: fluxes are measured in the worst seeing, too",
    )  # fmt: skip
    detection.add_argument(
        "--psf-beta", metavar="BETA",
        help="exponent of the Moffat profiles of these widths, inf for Gaussians [3.5]",
    )  # fmt: skip
    detection.add_argument(
        "--psf", metavar="NAME=FILE", nargs="+",
        help="the same by images of each band's PSF",
    )  # fmt: skip
    detection.add_argument(
        "--reproject", action="store_true",
        help="bring bands on other grids to the pixels of the first, by the package reproject",
    )  # fmt: skip
    files = parser.add_argument_group("files")
    add_result_files(files)
    files.add_argument(
        "--segmentation", metavar="FILE", help="measure the sources of this map of labels"
    )
    for name, about in COMPANIONS.items():
        files.add_argument(
            f"--{name}", dest=ARGUMENTS.get(name, name), metavar=VALUES, nargs="+",
            help=f"{about}; for each band, or one for all, or a pattern with {{folder}}, {{stem}}, "
            "{file} of the band's image",
        )  # fmt: skip
    add_large(parser)
    add_talk(parser)
    add_parameters(parser, of_a_band=OF_A_BAND)


def run(arguments: argparse.Namespace) -> int:
    """Extract and write, or say what that will take."""
    from skyshed.extraction.bands import open_bands

    if not arguments.plan and arguments.out is None:
        raise ValueError("the following arguments are required: --out (see skyshed bands --help)")
    images = _named(arguments.bands)
    options = {
        ARGUMENTS.get(name, name): _values(
            getattr(arguments, ARGUMENTS.get(name, name)), name, images
        )
        for name in COMPANIONS
    }
    own = _of_bands(arguments, images)
    seeing = _values(_apart(arguments.psf_fwhm), "psf-fwhm", images)
    if isinstance(seeing, dict):
        seeing = {name: _number(text, f"--psf-fwhm {name}") for name, text in seeing.items()}
    with warnings_in_one_line(arguments.quiet) as said:
        request = open_bands(
            images, detect=arguments.detect, combine=arguments.combine, psf_fwhm=seeing,
            psf_beta=None if arguments.psf_beta is None
            else _number(arguments.psf_beta, "--psf-beta"),
            psf=_values(arguments.psf, "psf", images),
            segmentation=arguments.segmentation, reproject=arguments.reproject,
            region=arguments.region,
            parameters=read_parameters(arguments), device=arguments.device,
            **{name: value for name, value in options.items() if value is not None}, **own,
        )  # fmt: skip
        return carry_out(arguments, request, said)


def _named(tokens: Sequence[str]) -> dict[str, str]:
    """Return the bands of ``NAME=IMAGE``."""
    bands: dict[str, str] = {}
    for token in tokens:
        name, found, image = token.partition("=")
        if not (name and found and image):
            raise ValueError(f"{token!r} must be NAME=IMAGE, such as r=field.r.fits")
        if name in bands:
            raise ValueError(f"the band {name!r} is given twice: {bands[name]} and {image}")
        bands[name] = image
    return bands


def _values(tokens: Sequence[str] | None, option: str, images: dict[str, str]) -> Any:
    """Return what an option gives: a value for each band that it names, or one for all."""
    if tokens is None:
        return None
    pairs = [token.partition("=") for token in tokens]
    if all(name in images and found for name, found, _ in pairs):
        named = [name for name, _, _ in pairs]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"--{option}: {twice} is given twice: {' '.join(tokens)}")
        return {name: value for name, _, value in pairs}
    if len(tokens) > 1:
        wrong = next(
            token for token, (name, found, _) in zip(tokens, pairs, strict=True)
            if not found or name not in images
        )  # fmt: skip
        raise ValueError(
            f"--{option}: {wrong!r} must be NAME=VALUE with one of the bands {', '.join(images)}"
        )
    if option in ("hdu", "as"):
        return tokens[0]
    given = companions_of(tokens[0], f"--{option}", list(images.values()))
    return given if isinstance(given, str) else dict(zip(images, given, strict=True))


def _of_bands(arguments: argparse.Namespace, images: dict[str, str]) -> dict[str, Any]:
    """Return the parameters that are given for each band; take them out of the arguments."""
    own: dict[str, Any] = {}
    for each in fields(Parameters):
        tokens = getattr(arguments, each.name, None)
        if not isinstance(tokens, list):
            continue
        delattr(arguments, each.name)
        parse = each.metadata["kind"].parse
        value = _values(_apart(tokens), each.name.replace("_", "-"), images)
        own[each.name] = (
            {name: parse(text) for name, text in value.items()}
            if isinstance(value, dict)
            else parse(value)
        )
    return own


def _apart(tokens: list[str] | None) -> list[str] | None:
    """Return the values of bands that are given as one text, ``g=25,r=26``, one by one."""
    if tokens is not None and len(tokens) == 1 and tokens[0].count("=") > 1:
        return tokens[0].split(",")
    return tokens


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{option} must be a number, got {text!r}") from None
