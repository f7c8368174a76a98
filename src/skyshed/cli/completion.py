"""``skyshed completion``: what makes a shell complete the commands and options."""

import argparse
import re

from skyshed.parameters.companions import COMPANIONS

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Print a script that makes a shell complete commands, options and files."
USAGE = "skyshed completion SHELL"
EXAMPLES = (
    ("for bash: add this line to ~/.bashrc", 'eval "$(skyshed completion bash)"'),
    ("for zsh: to a folder of $fpath", "skyshed completion zsh > ~/.zfunc/_skyshed"),
)
SHELLS = ("bash", "zsh", "tcsh")
#: What help calls the value of an argument that is a file, or a folder.
FILES = frozenset({"FILE", "IMAGE", "TOML", "SEX", "LIST", "OUT.fits"})
FOLDERS = frozenset({"DIR", "CATALOG"})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS)}")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from skyshed.cli import make_parser
    from skyshed.optional import need

    shtab = need("shtab", "shell completion", "completion")
    parser = make_parser()
    for each in _parsers(parser):
        for action in each._actions:
            words = re.split(r"[|=]", str(action.metavar))
            if not FILES.isdisjoint(words) or action.dest in COMPANIONS:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif not FOLDERS.isdisjoint(words):
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parsers of the commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices.values())
    return []
