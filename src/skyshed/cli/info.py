"""``skyshed info``: versions, cores, kernels, devices; or what an image is, and its planes."""

import argparse
import importlib
import os
import platform
from importlib.util import find_spec
from typing import Any

from skyshed.cli.writing import (
    CARDS,
    first_card,
    say_calibration,
    say_product,
    spelled_card,
    zero_point_of_counts,
)

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Show versions, cores, compiled kernels and devices; or what an image is."
USAGE = "skyshed info [IMAGE]"
EXAMPLES = (
    ("versions, kernels, devices", "skyshed info"),
    ("what a file is, and what would be taken of it", "skyshed info image.fits"),
)

#: Packages that some parts of skyshed use, or that results are compared with.
OPTIONAL = ("matplotlib", "pyarrow", "photutils", "cupy")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "image", metavar="IMAGE", nargs="?",
        help="say which product of an observatory it is, and what would be taken of it",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print what there is."""
    if arguments.image is not None:
        _describe(arguments.image)
        return 0
    from skyshed.optional import package_versions
    from skyshed.output.run_record import PACKAGES

    versions = package_versions((*PACKAGES, "tqdm", *OPTIONAL))
    lines = {
        **versions,
        **{name: "not installed" for name in OPTIONAL if name not in versions},
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": platform.platform(),
        "cores": _cores(),
        "kernels": _kernels(),
        "devices": _devices(),
    }
    width = max(map(len, lines))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in lines.items()))
    return 0


def _describe(path: str) -> None:
    """Print what an image is, and what `skyshed extract` would take of its file."""
    from skyshed.cli.errors import warnings_in_one_line
    from skyshed.images.exposure import open_exposure

    with warnings_in_one_line():
        exposure = open_exposure(path, profile=None, calibrate=True)
    (ny, nx), unknown = exposure.shape, exposure.image.unknown_unit
    unit = "without a unit" if exposure.unit is None else f"in {exposure.unit}"
    if exposure.unit is None and unknown:
        unit = f"in a unit that is not known, {unknown!r}"
    sky = "with" if exposure.wcs is not None else "without"
    print(f"{exposure.image.label}: {nx} x {ny} pixels, {unit}, {sky} positions on the sky")
    if exposure.said is None:
        print("by its headers no product that is known: it is read as a plain image")
        _hint(exposure.image.header)
    else:
        say_product(exposure.said.record)
    if exposure.calibration is not None:
        say_calibration(exposure.calibration.record())


def _hint(cards: Any) -> None:
    """Name cards that could calibrate a plain image, and the options that would take them."""
    every = {option: first_card(cards, names) for option, names in CARDS.items()}
    found = {option: card for option, card in every.items() if card is not None}
    if not found:
        return
    said = ", ".join(spelled_card(cards, name, value) for name, value in found.values())
    options = " ".join(f"{option} {name}" for option, (name, _) in found.items())
    zero_point = found.get("--zero-point")
    system = " --zero-point-system AB (or Vega)" if zero_point else ""
    print(f"not used unless asked for: {said}; if that is what they say: {options}{system}")
    if zero_point and (of_counts := zero_point_of_counts(cards, zero_point[1])):
        print(f"the zero point would be {of_counts}")


def _cores() -> str:
    from skyshed.kernels.threads import available_cores

    return f"{available_cores()} available of {os.cpu_count()}; that many threads by default"


def _kernels() -> str:
    """Return the level of instructions in use, and those that could be."""
    from skyshed.kernels.native import available_levels, level

    try:
        return f"{level()} (available: {', '.join(available_levels())})"
    except (ImportError, ValueError) as error:  # not built, or a level that this CPU lacks
        return " ".join(str(error).split())


def _devices() -> str:
    """Return the CUDA devices that CuPy sees; whatever is wrong with them is said, not raised."""
    if find_spec("cupy") is None:
        return "CPU (CuPy is not installed)"
    try:
        cupy: Any = importlib.import_module("cupy")
        count = cupy.cuda.runtime.getDeviceCount()
        names = [cupy.cuda.runtime.getDeviceProperties(i)["name"].decode() for i in range(count)]
    except Exception as error:  # a driver can be missing or broken in any way
        return f"CPU (CuPy sees no device: {' '.join(str(error).split())})"
    if not names:
        return "CPU (CuPy sees no device)"
    return f"CPU, and for CuPy arrays or --device cuda: {', '.join(names)}"
