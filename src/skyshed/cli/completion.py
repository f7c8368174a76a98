"""``skyshed completion``: what makes a shell complete the commands and options."""

import argparse

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Print a script that makes a shell complete commands, options and files."
USAGE = "skyshed completion SHELL"
EXAMPLES = (
    ("for bash: add this line to ~/.bashrc", 'eval "$(skyshed completion bash)"'),
    ("for zsh: to a folder of $fpath", "skyshed completion zsh > ~/.zfunc/_skyshed"),
)
SHELLS = ("bash", "zsh", "tcsh")
#: Options whose values are files or folders.
FILES = (
    "image", "bands", "file", "out", "config", "log", "weight", "rms", "variance", "background",
    "error", "mask", "quality", "segmentation", "detection_image", "detection_weight",
    "detection_rms", "detection_variance", "detection_mask", "wcs",
)  # fmt: skip
FOLDERS = ("workspace",)


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
            if action.dest in FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.dest in FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parsers of the commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices.values())
    return []
