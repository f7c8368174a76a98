"""``skyshed init``: a file of all parameters, with what each means, to be edited."""

import argparse
import os

from skyshed.parameters import Parameters

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Write a file of all parameters with their defaults, to be edited."
USAGE = "skyshed init [FILE] [--overwrite]"
EXAMPLES = (
    ("a file to edit, for 'skyshed extract --parameters'", "skyshed init deep.toml"),
    ("the same on standard output", "skyshed init -"),
)
#: The file, if none is named.
FILE = "skyshed.toml"
HEAD = """\
# Parameters of skyshed, all at their defaults: edit what should differ, remove what should not.
#
#     skyshed extract image.fits --parameters {name} --out results
#
# "none" is no value. Options of the command line go before what is here.

"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default=FILE,
        help=f"the file to write; - is standard output [{FILE}]",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace a file of this name")


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    name = arguments.file
    text = HEAD.format(name=FILE if name == "-" else name) + Parameters().to_toml()
    if name == "-":
        print(text, end="")
        return 0
    if os.path.lexists(name) and not arguments.overwrite:
        raise ValueError(f"{name} exists: name another file, or give --overwrite")
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"parameters in {name}")
    return 0
