"""What ``skyshed extract`` leaves of an image: its results in a folder."""

import argparse
from pathlib import Path
from typing import Any

__all__ = ["WORKSPACE", "write_found"]

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
            )
        )
