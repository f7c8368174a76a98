"""The project's `.cu` files as the compiler gets them, found on disk: new ones need no entry."""

import functools
import re
from pathlib import Path

import skyshed.kernels
from skyshed.kernels import cubins
from tests.device.emulator.build import parameters

FOLDER = Path(skyshed.kernels.__file__).parent
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
    """Return what the compiler is given, with the prelude and the parts."""
    return cubins.text(name(path))


def programs(path: Path) -> list[cubins.Program]:
    """Return what is compiled of a file: one program for each type of image."""
    return [program for program in cubins.programs() if program.file == name(path)]


def kernels(path: Path) -> list[str]:
    """Return the names of a file's ``__global__`` functions."""
    return list(parameters(source(path), ("-DREAL=float",)))
