"""What ``skyshed extract`` leaves of an image: its results in a folder."""

import argparse
import warnings
from pathlib import Path
from typing import Any

__all__ = ["WORKSPACE", "write_found"]

#: The folder in that of the results that a run over tiles works in until they are written.
WORKSPACE = "workspace"


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
                preview=_can_draw(arguments),
            )
        )


def _can_draw(arguments: argparse.Namespace) -> bool:
    """Return whether to draw the preview; say so if it is wanted and can't be drawn."""
    if arguments.no_preview:
        return False
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        warnings.warn(
            "preview.png is left out because matplotlib is not installed: "
            "pip install 'skyshed[plot]'",
            stacklevel=2,
        )
        return False
    return True
