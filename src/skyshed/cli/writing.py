"""What ``skyshed extract`` leaves of an image: its results in a folder."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["WORKSPACE", "say_calibration", "say_product", "write_found"]

#: The folder in that of the results that a run over tiles works in until they are written. It goes
#: then, so that it has no name that a user would give to a folder of theirs.
WORKSPACE = ".workspace"


def write_found(arguments: argparse.Namespace, found: Any, folder: Path) -> list[Path]:
    """Write what was found in an image, as the options say, and return the files."""
    from skyshed.output.atomic import traceless

    with traceless(folder):
        return list(
            found.write(
                folder,
                arguments.format,
                compress=arguments.compress,
                regions=arguments.regions,
                map_format=arguments.map_format,
                preview=not arguments.no_preview,
                report=arguments.report,
                maps=arguments.maps or (),
            )
        )


def say_product(record: Mapping[str, str]) -> None:
    """Print which product an image was, and what was taken of it."""
    if "profile" not in record:
        return
    from skyshed.images.said import PLAIN

    print(record["profile"])
    if record["profile"].startswith(f"{PLAIN}: "):
        return
    for key, text in record.items():
        if key.startswith("profile_"):
            print(f"  {key.removeprefix('profile_').replace('_', ' ')}: {text}")
    print("  --as plain takes nothing of this")


def say_calibration(record: Mapping[str, str]) -> None:
    """Print what a flux of 1 is as a flux density and AB magnitude, where that is known."""
    if "zero_point_ab" not in record:
        return
    one, zero_point = (float(record[name]) for name in ("microjansky_per_unit", "zero_point_ab"))
    print(
        f"a flux of 1 is {one:.5g} uJy, AB magnitude {zero_point:.3f} "
        f"({record['zero_point_source']})"
    )
