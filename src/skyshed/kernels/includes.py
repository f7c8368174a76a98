"""CUDA C++ texts with the files that they include: the GPU's compiler gets one text.

The CPU's compiler resolves the same lines with the folder that holds ``skyshed`` as include path.
"""

import posixpath
import re
from pathlib import Path

__all__ = ["assembled"]

KERNELS = Path(__file__).parent
INCLUDE = re.compile(r'#include "(.*)"')


def assembled(path: str) -> str:
    """Return the text of a file with those it includes, each once, where it first is.

    Lines say by ``#line`` which file they are from, named as ``labelling/labelling.cu``. Included
    by ``<>`` is the standard library's, of which a GPU has none: such lines are left to conditions.

    Parameters
    ----------
    path : str
        The file, from the folder ``skyshed/kernels``.
    """
    return "\n".join(_lines(path, set())) + "\n"


def _lines(path: str, seen: set[str]) -> list[str]:
    """Return the lines of a file that is not ``seen``."""
    seen.add(path)
    lines = [f'#line 1 "{path}"']
    text = (KERNELS / path).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if line == "#pragma once":
            line = ""
        if found:
            part = _resolved(found[1], path)
            line = f'#line {number + 1} "{path}"'
            if part not in seen:
                lines += _lines(part, seen)
        lines.append(line)
    return lines


def _resolved(name: str, by: str) -> str:
    """Return the path, from ``skyshed/kernels``, of a file included by another."""
    if name.startswith("skyshed/kernels/"):
        return name.removeprefix("skyshed/kernels/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(by), name))
