"""``skyshed info``: versions, cores, compiled kernels and devices, for a report of a problem."""

import argparse
import importlib
import os
import platform
from importlib.util import find_spec
from typing import Any

__all__ = ["SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Show versions, cores, compiled kernels and devices."
USAGE = "skyshed info"

#: Packages that some parts of skyshed use, or that results are compared with.
OPTIONAL = ("matplotlib", "pyarrow", "photutils", "cupy")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print what there is."""
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
