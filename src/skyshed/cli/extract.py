"""``skyshed extract``: the sources of one image, into a folder, or of each of many."""

import argparse
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import Field, fields
from pathlib import Path
from time import perf_counter
from typing import Any

from skyshed.cli.errors import warnings_in_one_line
from skyshed.cli.garbage import collect_from_now_on
from skyshed.cli.logs import add_talk, say
from skyshed.cli.writing import (
    WORKSPACE,
    say_calibration,
    say_product,
    say_what_lacks,
    write_found,
)
from skyshed.log import LOGGER, PROGRESS
from skyshed.names import KEYWORDS
from skyshed.parameters import PRESETS, Parameters
from skyshed.parameters.companions import COMPANIONS
from skyshed.parameters.validators import Flag

__all__ = [
    "EXAMPLES",
    "SUMMARY",
    "USAGE",
    "add_companions",
    "add_files_of_parameters",
    "add_large",
    "add_options",
    "add_parameters",
    "add_result_files",
    "carry_out",
    "read_parameters",
    "run",
]

#: Those of `skyshed.output.formats`, which help need not import.
FORMATS = ("fits", "ecsv", "parquet", "votable", "ldac", "csv")
SUMMARY = "Detect, deblend and measure the sources of an image."
USAGE = "skyshed extract [--each] IMAGE [IMAGE ...] --out DIR [options]"
EXAMPLES = (
    ("the sources of an image, in a folder", "skyshed extract image.fits --out results"),
    (
        "fainter ones, with weights, a mask and a zero point",
        "skyshed extract image.fits --out deep --nsigma 1.2 --weight weight.fits --mask mask.fits "
        "--zero-point 25.3",
    ),
    (
        "a few columns, as a VOTable",
        "skyshed extract image.fits --out lean --format votable --columns name,ra,dec,kron_flux",
    ),
    ("what it will take", "skyshed extract image.fits --plan"),
    ("each of many images", "skyshed extract --each *.fits --out results --one-table"),
)
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
    add_companions(files)
    files.add_argument(
        "--sextractor", metavar="SEX",
        help="configuration of SExtractor (default.sex), with the columns of its PARAMETERS_NAME; "
        "--config and options go before it",
    )  # fmt: skip
    add_large(parser)
    add_talk(parser)
    add_parameters(parser)


def add_companions(files: Any) -> None:
    """Declare what goes with an image, and what product it is."""
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
        ("detection-background", "background of the detection image, as for --background"),
        ("detection-mask", "pixels of the detection image to leave out, as for --mask"),
        ("wcs", "WCS in place of the image's: headers as text (.head of SCAMP), or FITS"),
    ):
        metavar = "FILE|NUMBER|none" if name.endswith("background") else "FILE"
        files.add_argument(f"--{name}", metavar=metavar, help=about)
    files.add_argument(
        "--as", metavar="PROFILE", dest="profile",
        help="which product of an observatory the image is; plain for none [found out]",
    )  # fmt: skip


def add_result_files(files: Any) -> None:
    """Declare where the results go, what they are, and how they are made."""
    files.add_argument("--out", metavar="DIR", help="folder for the results")
    files.add_argument("--format", choices=FORMATS, default="fits", help="of the catalog [fits]")
    add_files_of_parameters(files)
    files.add_argument(
        "--compress", action="store_true", help="compress the segmentation image by tiles"
    )
    files.add_argument(
        "--map-format", choices=("fits", "zarr"), default="fits", help="of the segmentation image"
    )
    files.add_argument(
        "--maps", metavar="NAME,NAME",
        help="images to write too: background, background_rms (noise), subtracted, convolved "
        "(filtered), threshold, error",
    )  # fmt: skip
    files.add_argument("--regions", action="store_true", help="write DS9 regions too")
    files.add_argument(
        "--device",
        metavar="cpu|cuda|cuda:0,2|cuda:all|auto",
        default="cpu",
        help="where to compute; several GPUs share the tiles of large images; auto is the GPU "
        "where there is one and it pays [cpu]",
    )
    files.add_argument(
        "--samp", action="store_true",
        help="send catalog and images to DS9, TOPCAT, Aladin and what else is at the hub of SAMP",
    )  # fmt: skip
    files.add_argument("--no-preview", action="store_true", help="draw no preview.png")
    files.add_argument(
        "--report", action="store_true",
        help="write report.html too: image, sources, distributions, to look at in a browser",
    )  # fmt: skip


def add_files_of_parameters(files: Any) -> None:
    """Declare where parameters come from, besides the options of the chain."""
    files.add_argument(
        "--config", "--parameters", metavar="TOML",
        help="file of parameters, such as 'skyshed init' writes; options go before them",
    )  # fmt: skip
    files.add_argument(
        "--preset", choices=tuple(PRESETS),
        help="parameters to begin with, such as those that we recommend, or of another program; "
        "--config and options go before them",
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
    common: dict[str, Any] = {"dest": each.name, "default": argparse.SUPPRESS, "help": about}
    if isinstance(each.metadata["kind"], Flag):
        if of_a_band:  # without names it is for all bands
            common |= {"action": _FlagOfBands, "nargs": "*", "metavar": "NAME"}
            options += [f"--no-{option.removeprefix('--')}" for option in options]
            group.add_argument(*options, **common)
            return
        group.add_argument(*options, action=argparse.BooleanOptionalAction, **common)
    else:
        action = _Columns if each.name == "columns" else "store"
        metavar = each.metadata["kind"].metavar
        if of_a_band:
            common["nargs"], metavar = "+", f"[NAME=]{metavar}"
        group.add_argument(*options, action=action, metavar=metavar, **common)


class _FlagOfBands(argparse.Action):
    """Keeps what is yes or no for all bands, or for those that are named."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        """Take the names of bands."""
        yes = "false" if str(option).startswith("--no-") else "true"
        names = [name for value in values for name in value.split(",") if name]
        kept = getattr(namespace, self.dest, []) if names else []
        given = [f"{name}={yes}" for name in names] if names else [yes]
        setattr(namespace, self.dest, [*kept, *given])


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


def read_parameters(arguments: argparse.Namespace, base: Parameters | None = None) -> Parameters:
    """Return the parameters of the command line, then of the configuration file, then ``base``."""
    path, preset = arguments.config, arguments.preset
    parameters = base or (Parameters() if preset is None else Parameters.preset(preset))
    if path is not None:
        parameters = Parameters.from_toml(path, parameters)
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
    translation = _translation(arguments)
    parameters = read_parameters(arguments, translation and translation.parameters)
    if not arguments.plan and arguments.out is None:
        raise ValueError("the following arguments are required: --out (see skyshed extract --help)")

    if arguments.each:
        from skyshed.cli.each import run_each

        with warnings_in_one_line(arguments.quiet):
            return run_each(arguments, parameters)
    if arguments.one_table:
        raise ValueError("--one-table is about many images: give --each, too")

    from skyshed.extraction.entry import open_request

    inputs = {name: getattr(arguments, name) for name in INPUTS}
    if translation is not None:
        inputs = {
            **translation.inputs, **{key: each for key, each in inputs.items() if each is not None}
        }  # fmt: skip
    with warnings_in_one_line(arguments.quiet) as said:
        request = open_request(
            arguments.image[0] if len(arguments.image) == 1 else arguments.image,
            **inputs,
            parameters=parameters,
        )
        return carry_out(arguments, request, said)


def _translation(arguments: argparse.Namespace) -> Any:
    """Return what a configuration of SExtractor asks for, and say what cannot be followed."""
    if arguments.sextractor is None:
        return None
    if arguments.preset is not None or arguments.each:
        other = "--each" if arguments.each else "--preset"
        raise ValueError(f"--sextractor does not go with {other}: give one of them")
    from skyshed.images import open_image
    from skyshed.sextractor import read_config

    header = open_image(arguments.image[0], hdu=arguments.hdu).image.header
    found = read_config(
        arguments.sextractor,
        None if header is None else (lambda name: header.find(name) is not None),
    )
    if not arguments.quiet:
        for line in found.notes:
            print(f"skyshed: {arguments.sextractor}: {line}", file=sys.stderr)
    return found


def carry_out(arguments: argparse.Namespace, request: Any, said: Sequence[str]) -> int:
    """Do what is asked for, and write what is found, or say what that will take.

    ``said`` is what warnings say until then, which the report repeats.
    """
    from skyshed.extraction.device import check_device, gpus_of, on_first
    from skyshed.extraction.plan import Resources, make_forecast, make_plan

    check_device(arguments.device, arguments.scheduler)
    resources = Resources(
        arguments.memory, arguments.workspace, arguments.scheduler, arguments.restart,
        None if arguments.out is None else os.path.join(arguments.out, WORKSPACE),
        gpus=gpus_of(arguments.device),
    )  # fmt: skip
    with on_first(resources.gpus):
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
    from skyshed.extraction.summary import summary
    from skyshed.output.atomic import traceless
    from skyshed.output.fits_tables import check_unit
    from skyshed.output.results import check_apart, check_maps, check_writable

    collect_from_now_on()
    begun = perf_counter()
    if arguments.samp:
        from skyshed.output.samp import check_hub

        check_hub(arguments.format)
    with traceless(Path(arguments.out)):
        folder = check_writable(arguments.out, arguments.format, arguments.map_format)
        check_apart(
            folder, request.files(), arguments.format, arguments.compress, arguments.map_format,
            request.combination is not None, check_maps(arguments.maps),
        )  # fmt: skip
        for exposure in request.exposures.values():
            check_unit(exposure.unit, arguments.format)
        _say_what(request, plan)
        found = run_request(request, plan, resources, False if arguments.quiet else None)
        PROGRESS.debug("writing")
        found.notes.extend(said)
        paths = write_found(arguments, found, folder)
        # Before the workspace goes, which knows it.
        lines = summary(found, perf_counter() - begun, found.flag_counts)
    if arguments.workspace is None and plan.tiling is not None:
        shutil.rmtree(resources.folder)
    if not arguments.quiet:
        n = found.segmentation.nlabels
        say_product(found.record)
        of = "" if found.n_rows == n else f"{found.n_rows} of "
        print(f"{of}{n} source{'' if n == 1 else 's'} in")
        print("\n".join(f"  {path}" for path in paths))
        say_calibration(found.record)
        say_what_lacks(request)
    if arguments.samp:
        _send(paths, request, quiet=arguments.quiet)
    say("\n".join(lines), arguments.quiet)
    return 0


def _send(paths: list[Path], request: Any, quiet: bool) -> None:
    """Send the catalog, the images that it was made from, and the maps to programs that run."""
    from skyshed.output.samp import send

    catalog, *others = paths
    exposures = request.exposures.values()
    inputs = [file for exposure in exposures for file in exposure.image.files]
    images = [*inputs, *others]
    told = send(catalog, [each for each in images if ".fit" in Path(each).name.lower()])
    for file, programs in told.items():
        LOGGER.debug("%s sent to %s", file, ", ".join(programs) or "nobody")
    if not quiet:
        reached = sorted({name for programs in told.values() for name in programs})
        print(f"sent to {', '.join(reached)}" if reached else "nobody at the hub takes catalogs")


def _say_what(request: Any, plan: Any) -> None:
    """Log what is worked on, and how."""
    from skyshed import __version__

    for name, exposure in request.exposures.items():
        (ny, nx), unit = exposure.shape, exposure.unit
        LOGGER.debug(
            "%s: %s, %d x %d pixels%s", name, exposure.image.label, nx, ny,
            "" if unit is None else f" in {unit}",
        )  # fmt: skip
    tiling = plan.tiling
    how = "at once" if tiling is None else f"by {len(tiling)} tiles"
    device = request.exposure.device or "cpu"
    LOGGER.debug("skyshed %s, %s, on %s", __version__, how, device)
