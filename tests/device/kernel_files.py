"""The project's `.cu` files as the compiler gets them, found on disk: new ones need no entry."""

import functools
import re
from pathlib import Path

import skyshed.kernels
from tests.device import standin
from tests.device.emulator.build import parameters

FOLDER = Path(skyshed.kernels.__file__).parent
#: What REAL may stand for.
REALS = ("float", "double")
#: What says in an assembled text where the next lines are from.
SOURCE_LINE = re.compile(r'^#line 1 "(.*)"', re.M)


def files() -> list[Path]:
    """Return the files that hold kernels; the prelude goes before each and is none itself."""
    return sorted(FOLDER.glob("*/*.cu"))


def parts() -> list[Path]:
    """Return everything that is compiled: the files, what they include, and the prelude."""
    named = {name for path in files() for name in SOURCE_LINE.findall(source(path))}
    return sorted(FOLDER / name for name in named)


def name(path: Path) -> str:
    """Return a file's name as messages show it: ``labelling/labelling.cu``."""
    return path.relative_to(FOLDER).as_posix()


@functools.cache
def source(path: Path) -> str:
    """Return what CuPy would be given, with the prelude and the parts."""
    with standin.in_place():
        from skyshed.kernels.cuda import source as assembled

        return assembled(f"skyshed.kernels.{path.parent.name}", path.name)


def options() -> tuple[str, ...]:
    """Return the compiler options that CuPy would be given."""
    with standin.in_place():
        from skyshed.kernels.cuda import OPTIONS

        return OPTIONS


def reals(path: Path) -> tuple[str, ...]:
    """Return for what a file must be compiled: one type will do where none is named."""
    return REALS if re.search(r"\bREAL\b", re.sub(r"//.*", "", source(path))) else REALS[:1]


def kernels(path: Path) -> list[str]:
    """Return the names of a file's ``__global__`` functions."""
    return list(parameters(source(path), ("-DREAL=float",)))
