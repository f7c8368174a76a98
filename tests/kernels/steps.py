"""Builds a `.cpp` file of this folder, which calls the steps within a kernel one by one."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import skyshed.kernels
from skyshed.kernels import native

KERNELS = Path(skyshed.kernels.__file__).parent
FLAGS = ["-std=c++17", "-O1", "-g", "-fPIC", "-shared", "-ffp-contract=off", "-fno-exceptions"]
#: Where the kernels are watched by sanitizers (ci/sanitize), so are the steps.
WATCHED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def build(name, folder):
    """Return a function that calls a step: ``call("flood", *args)``.

    Parameters
    ----------
    name : str
        The file. Its steps are registered as ``steps.flood`` and so on.
    folder : Path
        Where the library goes.
    """
    library = folder / f"{Path(name).stem}.so"
    watched = WATCHED if os.environ.get(native.VARIABLE) == native.SANITIZED else []
    subprocess.run(
        [
            "g++", *FLAGS, *watched, "-I", KERNELS.parents[1], Path(__file__).parent / name,
            KERNELS / "native.cpp", "-o", library,
        ],
        check=True, stdout=sys.stderr,
    )  # fmt: skip
    loaded = ctypes.CDLL(str(library))
    loaded.skyshed_kernels.restype = ctypes.POINTER(native._Entry)
    functions = []
    entry = loaded.skyshed_kernels()
    while entry:
        one = entry.contents
        function = native.Function(one.parameters.decode(), one.function)
        functions.append((one.name.decode(), function))
        entry = one.next

    def call(step, *args):
        found = next(f for name, f in functions if name == f"steps.{step}" and f.fits(args))
        return found.call(*found.values(args))

    return call
