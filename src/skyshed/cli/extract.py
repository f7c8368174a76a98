"""``skyshed extract``: the sources of one image, into a folder, or of each of many."""

import argparse
import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from skyshed.cli.each_inputs import COMPANIONS
from skyshed.cli.errors import warnings_in_one_line
from skyshed.cli.writing import WORKSPACE, say_calibration, say_product, write_found
from skyshed.names import KEYWORDS
from skyshed.parameters import Parameters
from skyshed.parameters.validators import Flag

__all__ = [
    "SUMMARY",
    "USAGE",
    "add_large",
    "add_options",
    "add_parameters",
    "add_result_files",
    "carry_out",
    "read_parameters",
    "run",
]

SUMMARY = "Detect, deblend and measure the sources of an image."
USAGE = "skyshed extract [--each] IMAGE [IMAGE ...] --out DIR [options]"
#: Options that are arguments of `skyshed.extract` as they are.
INPUTS = ("hdu", *COMPANIONS, "device", "region", "profile")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; those of the chain are made from `Parameters`."""
    parser.add_argument(
        "image", metavar="IMAGE", nargs="+",
        help="FITS file (image.fits[SCI] names an HDU, cube.fits[DATA][1] a plane), ASDF file or "
        "Zarr array; several that abut are one",
    )  # fmt: skip
    many = parser.add_argument_group("many images")
    many.add_argument(
        "--each", action="store_true",
        help="images are many, not parts of one; @FILE is a file of names. A folder for each in "
        "DIR, and report.ecsv. --weight, --mask, ...: a file for all, @FILE with as many names, or "
        "a pattern with {folder}, {stem}, {file} or {hdu} of the image",
    )  # fmt: skip
    many.add_argument(
        "--one-table", action="store_true",
        help="with --each: one catalog of all images, with columns image, hdu, hdu_name; no maps",
    )  # fmt: skip
    files = parser.add_argument_group("files")
    add_result_files(files)
    files.add_argument(
        "--hdu", metavar="N|NAME",
        help="HDU of the image [the first with an image]; with --each several: 1,2,3, 1-60, "
        "S29,S30, 'S*', 'SCI,*' (every version) or all",
    )  # fmt: skip
    for name, about in (
        ("weight", "inverse variance of the background of each pixel"),
        ("rms", "noise of the background of each pixel"),
        ("variance", "variance of the background of each pixel"),
        (
            "background",
            "background to subtract in place of the one measured: an image, a number, or none",
        ),
        ("error", "total error of each pixel, for the errors in the catalog"),
        ("mask", "pixels to leave out: those not 0, or of --mask-bits"),
        (
            "quality",
            "plane of bits, of which each source's columns quality_or and _and have those "
            "of any and of all its pixels",
        ),
        ("segmentation", "measure the sources of this map of labels, detect none"),
        ("detection-image", "image of the same pixels for positions, shapes and apertures"),
        ("detection-weight", "inverse variance of the background of the detection image"),
        ("detection-rms", "noise of the background of the detection image"),
        ("detection-variance", "variance of the background of the detection image"),
        ("detection-mask", "pixels of the detection image to leave out, as for --mask"),
        ("wcs", "WCS in place of the image's: headers as text (.head of SCAMP), or FITS"),
    ):
        metavar = "FILE|NUMBER|none" if name == "background" else "FILE"
        files.add_argument(f"--{name}", metavar=metavar, help=about)
    files.add_argument(
        "--as", metavar="PROFILE", dest="profile",
        help="which product of an observatory the image is; plain for none [found out]",
    )  # fmt: skip
    add_large(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    add_parameters(parser)


def add_result_files(files: Any) -> None:
    """Declare where the results go, what they are, and how they are made."""
    files.add_argument("--out", metavar="DIR", help="folder for the results")
    files.add_argument(
        "--format", choices=("fits", "ecsv", "parquet"), default="fits", help="of the catalog"
    )
    files.add_argument("--config", metavar="TOML", help="parameters; options go before them")
    files.add_argument(
        "--compress", action="store_true", help="compress the segmentation image by tiles"
    )
    files.add_argument(
        "--map-format", choices=("fits", "zarr"), default="fits", help="of the segmentation image"
    )
    files.add_argument("--regions", action="store_true", help="write DS9 regions too")
    files.add_argument(
        "--device",
        choices=("cpu", "cuda", "auto"),
        default="cpu",
        help="where to compute; auto is the GPU where there is one and it pays [cpu]",
    )
    files.add_argument("--no-preview", action="store_true", help="draw no preview.png")
    files.add_argument(
        "--report", action="store_true",
        help="write report.html too: image, sources, distributions, to look at in a browser",
    )  # fmt: skip


def add_large(parser: argparse.ArgumentParser) -> None:
    """Declare the options of large images."""
    large = parser.add_argument_group("large images")
    for name, metavar, about in (
        ("memory", "SIZE", "what the process may take, such as 600MB [60 %% of what is free]"),
        ("workspace", "DIR", "work tile by tile, in this folder [DIR/workspace, if need be]"),
        ("scheduler", "ADDRESS", "work on a Dask cluster, tcp://host:port [threads]"),
        ("region", "Y0:Y1,X0:X1", "the part of the image to work on [all]"),
    ):
        large.add_argument(f"--{name}", metavar=metavar, help=about)
    large.add_argument(
        "--restart", action="store_true", help="begin anew in a workspace that holds a run"
    )
    large.add_argument(
        "--plan", action="store_true", help="say tiles, memory, disk and time, and do nothing"
    )


def add_parameters(parser: argparse.ArgumentParser, of_a_band: Collection[str] = ()) -> None:
    """Declare the options of the chain; some may have a value for each of several bands."""
    groups: dict[str, Any] = {}
    for each in fields(Parameters):
        title = each.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_parameter(groups[title], each, each.name in of_a_band)


def _add_parameter(group: Any, each: Field[Any], of_a_band: bool = False) -> None:
    """Declare the option of one parameter, under all spellings of its name."""
    spellings = [each.name, *(alias for alias, name in KEYWORDS.items() if name == each.name)]
    options = [f"--{spelling.replace('_', '-')}" for spelling in spellings]
    unit = f" {each.metadata['unit']}" if each.metadata["unit"] and each.default else ""
    about = f"{each.metadata['about']} [{_shown(each.default)}{unit}]".replace("%", "%%")
    common = {"dest": each.name, "default": argparse.SUPPRESS, "help": about}
    if isinstance(each.metadata["kind"], Flag):
        group.add_argument(*options, action=argparse.BooleanOptionalAction, **common)
    else:
        action = _Columns if each.name == "columns" else "store"
        metavar = each.metadata["kind"].metavar
        if of_a_band:
            common["nargs"], metavar = "+", f"[NAME=]{metavar}"
        group.add_argument(*options, action=action, metavar=metavar, **common)


class _Columns(argparse.Action):
    """Keeps names of columns; ``help`` lists what there are and ends the run."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        """Take the value of the option."""
        if values.strip().lower() == "help":
            from skyshed.cli.columns import listing

            print(listing())
            parser.exit()
        setattr(namespace, self.dest, values)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_shown(each) for each in value) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_parameters(arguments: argparse.Namespace) -> Parameters:
    """Return the parameters of the command line, then of the configuration file."""
    path = arguments.config
    parameters = Parameters() if path is None else Parameters.from_toml(path)
    given = {}
    for each in fields(Parameters):
        if each.name in arguments:
            value = getattr(arguments, each.name)
            given[each.name] = (
                each.metadata["kind"].parse(value) if isinstance(value, str) else value
            )
    return parameters.replace(**given)


def run(arguments: argparse.Namespace) -> int:
    """Extract and write, or say what that will take."""
    parameters = read_parameters(arguments)
    if not arguments.plan and arguments.out is None:
        raise ValueError("the following arguments are required: --out (see skyshed extract --help)")

    if arguments.each:
        from skyshed.cli.each import run_each

        with warnings_in_one_line(arguments.quiet):
            return run_each(arguments, parameters)
    if arguments.one_table:
        raise ValueError("--one-table is about many images: give --each, too")

    from skyshed.extraction.entry import open_request

    with warnings_in_one_line(arguments.quiet) as said:
        request = open_request(
            arguments.image[0] if len(arguments.image) == 1 else arguments.image,
            **{name: getattr(arguments, name) for name in INPUTS},
            parameters=parameters,
        )
        return carry_out(arguments, request, said)


def carry_out(arguments: argparse.Namespace, request: Any, said: Sequence[str]) -> int:
    """Do what is asked for, and write what is found, or say what that will take.

    ``said`` is what warnings say until then, which the report repeats.
    """
    from skyshed.extraction.device import check_device
    from skyshed.extraction.plan import Resources, make_forecast, make_plan

    check_device(arguments.device, arguments.scheduler)
    resources = Resources(
        arguments.memory, arguments.workspace, arguments.scheduler, arguments.restart,
        None if arguments.out is None else os.path.join(arguments.out, WORKSPACE),
    )  # fmt: skip
    plan = make_plan(request, resources)
    if arguments.plan:
        print(make_forecast(request, plan))
        return 0
    return _write_results(arguments, request, plan, resources, said)


def _write_results(
    arguments: argparse.Namespace, request: Any, plan: Any, resources: Any, said: Sequence[str]
) -> int:
    """Do what the plan says, and write what is found."""
    from skyshed.extraction.entry import run_request
    from skyshed.output.atomic import traceless
    from skyshed.output.fits_tables import check_unit
    from skyshed.output.results import check_apart, check_writable

    with traceless(Path(arguments.out)):
        folder = check_writable(arguments.out, arguments.format, arguments.map_format)
        check_apart(
            folder, request.files(), arguments.format, arguments.compress, arguments.map_format,
            request.combination is not None,
        )  # fmt: skip
        for exposure in request.exposures.values():
            check_unit(exposure.unit, arguments.format)
        found = run_request(request, plan, resources, False if arguments.quiet else None)
        found.notes.extend(said)
        paths = write_found(arguments, found, folder)
    if arguments.workspace is None and plan.tiling is not None:
        shutil.rmtree(resources.folder)
    if not arguments.quiet:
        n = found.segmentation.nlabels
        say_product(found.record)
        print(f"{n} source{'' if n == 1 else 's'} in")
        print("\n".join(f"  {path}" for path in paths))
        say_calibration(found.record)
    return 0
