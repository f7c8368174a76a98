"""NVRTC, NVIDIA's compiler library, without CuPy and without a driver.

It is in the wheels `nvidia-cuda-nvrtc-cu12` and `nvidia-cuda-nvrtc`, and in every CUDA toolkit.
Compiling for a GPU does not need one.
"""

import ctypes
import ctypes.util
import functools
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
#: The library on Linux (of which wheels hold an ``alt`` twin, too), and on Windows.
LIBRARY = re.compile(r"libnvrtc\.so\.(\d+)|nvrtc64_(\d\d)\d_0\.dll")


class CompileError(RuntimeError):
    """NVRTC refuses the text; the message is its log."""


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: registers a thread, static shared bytes a block, spilled bytes."""

    kernel: str
    registers: int
    shared: int
    stack: int
    spilled: int


def installed(folders: Sequence[str | Path]) -> list[Path]:
    """Return the libraries of wheels under ``folders``, those of the oldest CUDA release first."""
    found = []
    for folder in folders:
        for path in Path(folder).glob("*/[lb]i[bn]/*nvrtc*"):
            if known := LIBRARY.fullmatch(path.name):
                found.append((int(known[1] or known[2]), path))
    return [path for _, path in sorted(found)]


@functools.cache
def library() -> ctypes.CDLL:
    """Return the library: a wheel's, or the system's where there is none.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    spec = importlib.util.find_spec("nvidia")
    wheels = installed(list(spec.submodule_search_locations or ()) if spec else [])
    found = str(wheels[0]) if wheels else ctypes.util.find_library("nvrtc")
    if not found:
        raise FileNotFoundError("NVRTC is not installed (pip install nvidia-cuda-nvrtc-cu12)")
    return ctypes.CDLL(found)


def version() -> tuple[int, int]:
    """Return the CUDA release that the library is of.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def compiled(text: str, options: Sequence[str], *, ptx: bool = False) -> tuple[bytes, str]:
    """Return the machine code of a CUDA C++ text, or its PTX, and the compiler's log.

    Raises
    ------
    CompileError
        If it does not compile.
    """
    nvrtc, program = library(), ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None
    ))  # fmt: skip
    listed = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    try:
        failed = nvrtc.nvrtcCompileProgram(program, len(options), listed)
        log = _fetch(program, "ProgramLog").rstrip(b"\0").decode()
        if failed:
            raise CompileError(log)
        return _fetch(program, "PTX" if ptx else "CUBIN"), log
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def resources(log: str) -> list[Resources]:
    """Read the log of ``--ptxas-options=-v``."""
    found = []
    for part in log.split("ptxas info    : Compiling entry function")[1:]:
        kernel = re.search(r"'(\w+)'", part)
        registers, shared, spills = USED.search(part), SHARED.search(part), SPILLS.search(part)
        stack, stored, loaded = (int(n) for n in spills.groups())
        found.append(
            Resources(
                kernel[1], int(registers[1]), int(shared[1]) if shared else 0, stack,
                stored + loaded,
            )
        )  # fmt: skip
    return found


def _fetch(program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(getattr(library(), f"nvrtcGet{what}")(program, text))
    return text.raw


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"NVRTC failed with status {status}")
