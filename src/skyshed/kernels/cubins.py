"""The GPU's machine code that ships with the package: how it is compiled, where it is, which fits.

``native/cubins.py`` makes it when the package is built: for each architecture one zip beside the
CPU's libraries, with one entry for each `.cu` file and type of image, and a manifest that says
which compiler, options and text they are from. Cubins run on GPUs of their own generation; all
others get PTX, which the driver compiles.

The build imports this module, too: it needs nothing but the standard library.
"""

import functools
import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyshed.cached import cached_property
from skyshed.kernels.includes import assembled

__all__ = [
    "ARCHITECTURES",
    "Program",
    "Store",
    "options",
    "programs",
    "store",
    "stores_for",
    "text",
]

#: What every compiler of these kernels is told, when the package is built and on a user's machine.
#: All that bits depend on is said, none of it left to what a release or CuPy thinks usual: products
#: and sums are rounded apart, as the CPU twin's are; subnormal numbers are numbers; quotients and
#: roots are rounded as IEEE 754 says.
OPTIONS = (
    "--std=c++17",
    "--fmad=false",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    # Lambdas and members without a mark are the device's: NVRTC 12 takes them for the host's.
    "--device-as-default-execution-space",
)
#: One of each generation: T4, A100, L4 and RTX 30 and 40, H100, B200, RTX 50.
CUBINS = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
#: For GPUs of no such generation. It is what the oldest can do: the kernels use no more.
PTX = "compute_75"
ARCHITECTURES = (*CUBINS, PTX)
#: Jetson Orin: code for the desktop's GPUs of a generation is not promised to run on Tegra's.
TEGRA = ((8, 7),)
#: What REAL may stand for.
REALS = ("float", "double")

KERNELS = Path(__file__).parent
FOLDER = KERNELS / "lib"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Program:
    """What is compiled at once: a `.cu` file, ``labelling/labelling.cu``, for one type of image."""

    file: str
    real: str

    @property
    def entry(self) -> str:
        """Its name in a zip."""
        return f"{self.file.removesuffix('.cu')}-{self.real}"

    @cached_property
    def digest(self) -> str:
        """What stands for its text."""
        return hashlib.sha256(text(self.file).encode()).hexdigest()


def text(file: str) -> str:
    """Return the CUDA C++ text of a `.cu` file, with the prelude and all that it includes."""
    return assembled("prelude.cu") + assembled(file)


def programs() -> list[Program]:
    """Return all programs, found on disk; one type of image will do where a file names none."""
    found = []
    for path in sorted(KERNELS.glob("*/*.cu")):
        file = path.relative_to(KERNELS).as_posix()
        named = re.search(r"\bREAL\b", re.sub(r"//.*", "", text(file)))
        found += [Program(file, real) for real in (REALS if named else REALS[:1])]
    return found


def options(architecture: str, real: str) -> tuple[str, ...]:
    """Return what the compiler is told for an architecture and a type of image."""
    return (f"--gpu-architecture={architecture}", *OPTIONS, f"-DREAL={real}")


@dataclass(frozen=True)
class Store:
    """The zip of one architecture.

    Parameters
    ----------
    architecture : str
    path : Path
    manifest : dict
        ``nvrtc`` (the release), ``options``, and ``programs``: for each entry the ``digest`` of its
        text and ``kernels``, what each takes of a GPU.
    """

    architecture: str
    path: Path
    manifest: dict[str, Any]

    def code(self, program: Program) -> bytes | None:
        """Return a program's machine code or PTX; none if it was compiled from another text."""
        known = self.manifest["programs"].get(program.entry)
        if known is None or known["digest"] != program.digest:
            return None
        with zipfile.ZipFile(self.path) as opened:
            return opened.read(program.entry)


def path_of(architecture: str, folder: Path = FOLDER) -> Path:
    """Return where the zip of an architecture is, or would be."""
    return folder / f"cuda-{architecture}.zip"


@functools.cache
def store(architecture: str, folder: Path = FOLDER) -> Store | None:
    """Return what was built for an architecture, `None` if nothing was.

    What was compiled with other options than `OPTIONS` counts as nothing.
    """
    path = path_of(architecture, folder)
    if not path.is_file():
        return None
    with zipfile.ZipFile(path) as opened:
        manifest = json.loads(opened.read(MANIFEST))
    return Store(architecture, path, manifest) if tuple(manifest["options"]) == OPTIONS else None


def stores_for(capability: tuple[int, int], folder: Path = FOLDER) -> list[Store]:
    """Return what was built that runs on a GPU of this compute capability, the best first.

    A cubin runs on GPUs of its major capability whose minor one is not less (CUDA Programming
    Guide, "Binary Compatibility"), PTX on all that have at least its capability.
    """
    fitting = []
    for name in CUBINS:
        major, minor = _capability(name)
        if major == capability[0] and minor <= capability[1] and capability not in TEGRA:
            fitting.append(name)
    fitting.reverse()
    if capability >= _capability(PTX):
        fitting.append(PTX)
    return [found for name in fitting if (found := store(name, folder))]


def _capability(architecture: str) -> tuple[int, int]:
    """Return ``(8, 6)`` for ``"sm_86"``, ``(12, 0)`` for ``"sm_120"``."""
    digits = architecture.partition("_")[2]
    return int(digits[:-1]), int(digits[-1])
