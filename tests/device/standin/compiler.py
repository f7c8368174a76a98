"""The stand-in for `cupy.cuda.nvrtc` and for `cupy.cuda.Module`: what becomes of a kernel's text.

Of text that NVRTC would compile, the stand-in keeps text and options in place of machine code. Code
that ships with the package is known by its bytes, and by the text that it was compiled from.
"""

import functools
import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import Any

from native import nvrtc
from skyshed.kernels import cubins
from tests.device.emulator.build import LaunchError

#: What the device is, as a compute capability.
CAPABILITY = (9, 0)
MARK = b"stand-in for a cubin\n"
#: What the emulator does, whatever it is told: it rounds products and sums apart, keeps subnormal
#: numbers, and rounds quotients and roots exactly.
NEEDED = ("--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true")
KNOWN = (*NEEDED, "--std=c++17", "--device-as-default-execution-space")


class CUDADriverError(RuntimeError):
    """The driver's refusal."""


class NVRTCError(RuntimeError):
    """The compiler's refusal."""


@dataclass(frozen=True)
class Code:
    """What a module was loaded from: CUDA C++ text, and what REAL stands for in it."""

    text: str
    real: str

    @property
    def definitions(self) -> tuple[str, ...]:
        return (f"-DREAL={self.real}",)


def checked_options(options: Any) -> dict[str, str]:
    """Return the architecture and REAL that options tell NVRTC.

    Raises
    ------
    TypeError
        If they are no tuple of str.
    ValueError
        If they ask for what the emulator does not do, or do not ask for what it does.
    """
    if not isinstance(options, tuple) or not all(isinstance(option, str) for option in options):
        raise TypeError(f"options must be a tuple of str, got {options!r}")
    given = dict(
        option.split("=", 1) for option in options if option not in KNOWN and "=" in option
    )
    unknown = [o for o in options if o not in KNOWN and o.split("=")[0] not in ARGUMENTS]
    if unknown:
        raise ValueError(f"the emulator does not know the compiler options {unknown}")
    missing = [option for option in NEEDED if option not in options]
    if missing:
        raise ValueError(f"NVRTC would make another program than the emulator without {missing}")
    return {ARGUMENTS[name]: value for name, value in given.items()}


ARGUMENTS = {"--gpu-architecture": "architecture", "-DREAL": "real"}


class NVRTC:
    """The functions of `cupy.cuda.nvrtc` that the package calls."""

    NVRTCError = NVRTCError

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._texts: dict[int, str] = {}
        self._made: dict[int, bytes] = {}

    def createProgram(self, src, name, headers, include_names) -> int:
        """Take a text; return its number."""
        if not isinstance(src, str) or not isinstance(name, str):
            raise TypeError("createProgram takes a text and a name as str")
        if headers or include_names:
            raise NotImplementedError("the stand-in's NVRTC takes no headers")
        number = next(self._numbers)
        self._texts[number] = src
        return number

    def compileProgram(self, prog, options) -> None:
        """Check the options, and keep them with the text."""
        told = checked_options(options)
        wanted = "sm_" + "".join(map(str, CAPABILITY))
        if told.get("architecture") != wanted:
            raise NVRTCError(f"NVRTC_ERROR_INVALID_OPTION (5): {told.get('architecture')}")
        kept = {"text": self._texts[prog], "real": told.get("real", "float")}
        self._made[prog] = MARK + json.dumps(kept).encode()

    def getCUBIN(self, prog) -> bytes:
        """Return what stands for machine code."""
        return self._made[prog]

    def getProgramLog(self, prog) -> str:
        """Return nothing: what does not compile is refused when the emulator builds it."""
        return ""

    def destroyProgram(self, prog) -> None:
        """Forget a text."""
        del self._texts[prog]


def decoded(code: Any) -> Code:
    """Return what a module's bytes were compiled from.

    Raises
    ------
    TypeError
        If they are no bytes.
    CUDADriverError
        If they are no code, or code for another GPU.
    """
    if not isinstance(code, bytes):
        raise TypeError(f"Argument 'cubin' has incorrect type (expected bytes, got {type(code)})")
    if code.startswith(MARK):
        return Code(**json.loads(code.removeprefix(MARK)))
    found = _shipped().get(hashlib.sha256(code).hexdigest())
    if found is None:
        raise CUDADriverError("CUDA_ERROR_INVALID_IMAGE: device kernel image is invalid")
    architecture, program = found
    if architecture not in {store.architecture for store in cubins.stores_for(CAPABILITY)}:
        raise CUDADriverError(
            "CUDA_ERROR_NO_BINARY_FOR_GPU: no kernel image is available for execution on the device"
        )
    return Code(cubins.text(program.file), program.real)


@functools.cache
def _shipped() -> dict[str, tuple[str, cubins.Program]]:
    """Return what ships, by what stands for its bytes."""
    found = {}
    for architecture in cubins.ARCHITECTURES:
        if store := cubins.store(architecture):
            for program in cubins.programs():
                if code := store.code(program):
                    found[hashlib.sha256(code).hexdigest()] = architecture, program
    return found


@functools.cache
def resources(code: Code) -> dict[str, dict[str, nvrtc.Resources]]:
    """Return what the kernels of a text take: by kernel, then by architecture.

    What ships was measured when it was built. Other texts are compiled for one architecture, once.
    """
    digest = hashlib.sha256(code.text.encode()).hexdigest()
    found: dict[str, dict[str, nvrtc.Resources]] = {}
    for architecture in cubins.CUBINS:
        if store := cubins.store(architecture):
            for entry, known in store.manifest["programs"].items():
                if known["digest"] == digest and entry.endswith(f"-{code.real}"):
                    for kernel, row in known["kernels"].items():
                        found.setdefault(kernel, {})[architecture] = nvrtc.Resources(**row)
    return found or _measured(code)


def _measured(code: Code) -> dict[str, dict[str, nvrtc.Resources]]:
    architecture = "sm_90"
    told = (*cubins.options(architecture, code.real), "--ptxas-options=-v")
    try:
        _, log = nvrtc.compiled(code.text, told)
    except nvrtc.CompileError as error:
        raise LaunchError(f"NVRTC does not compile it:\n{error}") from error
    return {row.kernel: {architecture: row} for row in nvrtc.resources(log)}
