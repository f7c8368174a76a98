"""Write parameters.md from `skyshed.Parameters`: python docs/make_parameters.py."""

from dataclasses import fields
from itertools import groupby
from pathlib import Path

from skyshed import Parameters

PAGE = Path(__file__).with_name("parameters.md")

HEAD = """# Parameters of the chain

Made from `skyshed.Parameters` by `docs/make_parameters.py`. Each is a keyword of `extract`,
`extract_each` and `extract_bands`, an option of the command line (`box_size` is `--box-size`), and
a line of `parameters.toml`, which every run writes and `--config` reads. A value that is not
allowed is answered by what is.

*Data* is the unit of the image. Which values suit which images: [choosing parameters](choosing.md).
"""
TABLE = "| parameter | default | unit | what it is |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """Return the text of parameters.md."""
    text = HEAD
    for group, members in groupby(fields(Parameters), key=lambda each: each.metadata["group"]):
        text += f"\n## {group.capitalize()}\n\n{TABLE}"
        for each in members:
            unit = each.metadata["unit"].replace("data", "*data*")
            about = each.metadata["about"].replace("|", "\\|")
            text += f"| `{each.name}` | {_default(each.default)} | {unit} | {about} |\n"
    return text


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


if __name__ == "__main__":
    PAGE.write_text(page())
