"""Builds a `.cu` file for the CPU and launches its kernels.

A kernel is ``extern "C" __global__ void name(types and names)``; its parameter list is read from
the source, so that a launch checks the number and the types of its arguments as strictly as CUDA
needs them: there is no conversion on the way, a wrong one would be read as garbage.
"""

import ctypes
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tests.device.emulator import instructions

HERE = Path(__file__).parent
HEADER, RUNTIME = HERE / "cuda_on_cpu.h", HERE / "runtime.cpp"
COUNTING, WORK = HERE / "counting.cpp", HERE / "work.h"
FLAGS = ["-std=c++20", "-O1", "-g", "-fPIC", "-ffp-contract=off", "-pthread", "-w"]
# Shared memory of inline functions is each library's own, whatever others define by that name.
FLAGS += ["-fno-gnu-unique"]
#: What each way of building adds: for the kernels, for the runtime, for the link.
VARIANTS = {
    "plain": ([], [], []),
    "address": (
        ["-fsanitize=address", "-DEMU_ADDRESS_SANITIZER"], ["-DEMU_ADDRESS_SANITIZER"],
        ["-fsanitize=address"],
    ),
    "thread": (["-fsanitize=thread"], ["-DEMU_THREAD_SANITIZER"], ["-fsanitize=thread"]),
    "coverage": (["--coverage", "-O0"], [], ["--coverage"]),
    # The sanitizer's hooks are counting.cpp's, so its runtime is not linked; they stay its own
    # where that runtime is preloaded for other libraries.
    # Basic blocks stay in the order of the source, which is how lanes find together (work.h).
    "count": (
        ["-fsanitize=thread", "-fsanitize-coverage=trace-pc", "-DEMU_COUNTED",
         "-fno-reorder-blocks", "-fno-reorder-blocks-and-partition", "-fno-math-errno", "-msse4.1"],
        ["-O2"], ["-Wl,-Bsymbolic"],
    ),
}  # fmt: skip
#: Environment variables: the variant that "plain" stands for, and where libraries are kept.
PLAIN_VARIANT, FOLDER = "SKYSHED_EMULATOR_VARIANT", "SKYSHED_EMULATOR_FOLDER"
#: A launch of which a thread runs longer, in seconds of its own, loops for ever: those of tests
#: take a few at most.
WATCHDOG = 300.0
SCALARS = {
    "int": np.int32, "unsigned": np.uint32, "unsigned int": np.uint32, "long long": np.int64,
    "unsigned long long": np.uint64, "float": np.float32, "double": np.float64, "bool": np.bool_,
    "unsigned char": np.uint8, "signed char": np.int8, "char": np.int8, "short": np.int16,
    "unsigned short": np.uint16,
}  # fmt: skip
TYPEDEF = re.compile(r"\btypedef\s+([\w\s]+?)\s+(\w+)\s*;")
#: Conversions to whole numbers, as kernels write them: ``(int)x`` and ``int(x)``. No cast are
#: ``sizeof(int)`` and the nameless parameter of ``[](int) {``.
WHOLE = r"(?:unsigned )?(?:int|long long|short|char)|unsigned|signed char|i64|u64"
CAST = re.compile(
    rf"(?<!sizeof)\(({WHOLE}|(?:double|float)(?=\)\((?:{WHOLE})\)))\)(?=[\w(~!-])"
    rf"|(?<![\w<(] )\b({WHOLE})(?=\((?!\*))"
)
#: What NVRTC unrolls wholly: g++ knows another name for it, and wants a number that is not reached.
UNROLLED = re.compile(r"#pragma unroll\s*$", re.M)
KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)'
)


class LaunchError(RuntimeError):
    """A kernel did what hardware would punish; the message says what and where."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel."""

    name: str
    dtype: np.dtype
    pointer: bool
    const: bool


def with_checked_casts(source: str) -> str:
    """Return a text whose conversions to whole numbers are those of `emu::Cast`."""
    return CAST.sub(lambda found: f"emu::Cast<{found[1] or found[2]}>{{__LINE__}}->*", source)


def as_counted(source: str) -> str:
    """Return a text whose loops are unrolled where the GPU's compiler unrolls them."""
    return UNROLLED.sub("#pragma GCC unroll 1024", source)


def definitions(options: Sequence[str]) -> dict[str, str]:
    """Return what the compiler options define, ``{"REAL": "float"}`` for ``-DREAL=float``."""
    given = (option.removeprefix("-D").partition("=") for option in options if option[:2] == "-D")
    return {name: value for name, _, value in given}


def parameters(source: str, options: Sequence[str] = ()) -> dict[str, list[Parameter]]:
    """Return the parameters of every kernel of a source text compiled with ``options``."""
    source = re.sub(r"//[^\n]*|/\*.*?\*/", " ", source, flags=re.S)
    names = definitions(options)
    names |= {name: " ".join(kind.split()) for kind, name in TYPEDEF.findall(source)}
    found = {}
    for name, listed in KERNEL.findall(source):
        found[name] = [_parameter(text, names) for text in listed.split(",") if text.strip()]
    return found


def _parameter(text: str, names: dict[str, str]) -> Parameter:
    words = text.replace("*", " * ").replace("__restrict__", " ").split()
    kind = " ".join(word for word in words[:-1] if word not in ("const", "*"))
    for _ in names:  # a name may stand for another name
        kind = names.get(kind, kind)
    if kind not in SCALARS:
        raise TypeError(f"kernel parameter {text.strip()!r}: unknown type {kind!r}")
    return Parameter(words[-1], np.dtype(SCALARS[kind]), "*" in words, "const" in words)


Steps = ctypes.c_double * len(instructions.KINDS)


class Work(ctypes.Structure):
    """What a launch's warps execute; work.h has the same."""

    _fields_: ClassVar = [
        ("code", ctypes.c_void_p), ("size", ctypes.c_uint64), ("part_at", ctypes.c_void_p),
        ("parts", ctypes.c_void_p), ("warps", Steps), ("lanes", Steps), ("longest", Steps),
        ("one_by_one", Steps),
    ]  # fmt: skip

    @classmethod
    def of(cls, code: int, parts: instructions.Parts) -> "Work":
        """Return what a launch adds to; it reads ``parts``, which must stay."""
        return cls(code, parts.at.size, parts.at.ctypes.data, parts.steps.ctypes.data)

    def result(self) -> dict[str, np.ndarray]:
        """Return the counts, by kind of instruction."""
        return {name: np.array(getattr(self, name)) for name, _ in self._fields_[4:]}


class Module:
    """A `.cu` source built for the CPU.

    Parameters
    ----------
    source : str
        CUDA C++ text.
    path : Path, optional
        Where the text is from; messages and coverage name its lines.
    variant : {"plain", "address", "thread", "coverage", "count"}
        How it is built. The sanitizers need their runtime preloaded (see `sanitize.py`).
    options : sequence of str
        Compiler options as CuPy gets them; the definitions (``-DREAL=float``) count here.
    """

    def __init__(self, source, path=None, variant="plain", folder=None, options=()):
        self.kernels = parameters(source, options)
        self.options = tuple(option for option in options if option.startswith("-D"))
        if variant == "plain":
            variant = os.environ.get(PLAIN_VARIANT, variant)
        self.variant = variant
        folder = folder or os.environ.get(FOLDER)
        self.folder = Path(folder or Path(tempfile.gettempdir()) / "cuda_on_cpu")
        self.folder.mkdir(parents=True, exist_ok=True)
        runtime = self.folder / f"runtime-{_digest(variant)}.so"
        if not runtime.exists():
            _build_runtime(variant, runtime)
        # A library looks for its runtime where it was when it was built.
        digest = _digest(source, variant, *self.options, str(runtime))
        library = self.folder / f"{(path.stem if path else 'kernel')}-{variant}-{digest}.so"
        if not library.exists():
            self._build(source, path, variant, library, runtime)
        # A run that keeps its libraries in a folder of its own learns there what was launched.
        self._launched = library.with_suffix(".launched") if os.environ.get(FOLDER) else None
        self._noted = set()
        self._library = ctypes.CDLL(str(library))
        self._thunk = self._library.emu_thunk
        self._thunk.restype = ctypes.c_void_p
        # Where counts of the kernels are kept among the statics, these are no shared memory alone.
        self._statics = None if variant == "count" else self._library.emu_statics
        self._library.emu_launch.argtypes = [ctypes.c_void_p]
        # Of the last launch of the count variant: bytes, and what warps execute.
        self.loaded = self.stored = 0
        self.work = None
        self._parts = None
        if variant == "count":
            self._parts = instructions.parts_of(library)
            self._code = _address(self._thunk) - instructions.offset_of(library, "emu_thunk")

    def _build(self, source, path, variant, library, runtime):
        # The address sanitizer watches the ends of statics of functions that no other file sees.
        around = ("namespace {", "}") if variant == "address" else ("", "")
        text = with_checked_casts(source)
        unit_text = [
            f'#include "{HEADER}"',
            around[0],
            f'#line 1 "{path or "kernel.cu"}"',
            as_counted(text) if variant == "count" else text,
            '#line 1 "thunks"',
            around[1],
            'extern "C" void *emu_statics() { static thread_local char one; return &one; }',
        ]
        for name, listed in self.kernels.items():
            values = ", ".join(
                f"*({'const ' if p.const else ''}{_ctype(p)}*)args[{i}]"
                for i, p in enumerate(listed)
            )
            unit_text.append(f"EMU_CALLER void thunk_{name}(void **args) {{ {name}({values}); }}")
        unit_text.append('extern "C" void (*emu_thunk(const char *name))(void **) {')
        unit_text += [f'if (!strcmp(name, "{name}")) return thunk_{name};' for name in self.kernels]
        unit_text.append("return nullptr; }")
        unit = library.with_suffix(".cpp")
        unit.write_text("\n".join(unit_text))
        for_kernels, _, for_link = VARIANTS[variant]
        # Built under a name of its own, then moved: another process may build the same file.
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            kernels, result = (f"{scratch}/{name}" for name in ("kernels.o", "all.so"))
            if variant == "coverage":  # counts are kept beside the object, so it stays
                kernels = library.with_suffix(".o")
            _gcc([*FLAGS, *self.options, *for_kernels, "-c", unit, "-o", kernels], path)
            objects = [kernels, runtime]
            if variant == "count":
                objects.append(f"{scratch}/counting.o")
                _gcc([*FLAGS, "-O2", "-c", COUNTING, "-o", objects[-1]], path)
            _gcc(["-shared", "-pthread", *for_link, *objects, "-o", result], path)
            Path(result).replace(library)

    def launch(
        self, name, grid, block, args, *, shared=0, seed=0, preempt=0.0, workers=2, seconds=None
    ):
        """Run a kernel over a grid; ``seed`` and ``preempt`` choose the schedule.

        Arrays are NumPy arrays of exactly the parameter's dtype, scalars NumPy scalars of it.

        Raises
        ------
        LaunchError
            If an argument does not fit its parameter, or the kernel misbehaves.
        """
        listed = self.kernels[name]
        if len(args) != len(listed):
            raise LaunchError(f"{name} takes {len(listed)} arguments, got {len(args)}")
        holders = [_holder(name, p, arg) for p, arg in zip(listed, args, strict=True)]
        pointers = (ctypes.c_void_p * max(len(holders), 1))(*[h.ctypes.data for h in holders])
        sizes = [(ctypes.c_uint * 3)(*(tuple(s) + (1, 1, 1))[:3]) for s in (grid, block)]
        if any(n < 1 for s in sizes for n in s) or np.prod(list(sizes[1]), dtype=np.int64) > 1024:
            raise LaunchError(f"{name}: grid {grid}, block {block} is no legal launch")
        if shared > 99 * 1024:
            raise LaunchError(
                f"{name}: {shared} bytes of shared memory exceed what sm_86 has (99 KiB)"
            )
        if self.variant == "count":
            self._count_within(listed, args)
        if self.variant == "address":
            workers = 1  # shared memory is there once; see cuda_on_cpu.h
        work = None if self._parts is None else Work.of(self._code, self._parts)
        message = ctypes.create_string_buffer(512)
        failed = self._library.emu_launch(
            self._thunk(name.encode()), self._statics, name.encode(), pointers, sizes[0], sizes[1],
            ctypes.c_size_t(shared), ctypes.c_ulonglong(seed), ctypes.c_double(preempt), workers,
            ctypes.c_double(seconds or WATCHDOG), None if work is None else ctypes.byref(work),
            message,
        )  # fmt: skip
        if failed:
            raise LaunchError(message.value.decode())
        if self._launched and name not in self._noted:
            self._noted.add(name)
            with self._launched.open("a") as notes:
                notes.write(f"{name}\n")
        if self.variant == "count":
            counted = (ctypes.c_uint64 * 2)()
            self._library.emu_counted(counted)
            self.loaded, self.stored = counted[0], counted[1]
            self.work = work.result()

    def _count_within(self, listed, args):
        """Let what the launch loads from and stores to its arrays count."""
        arrays = [arg for p, arg in zip(listed, args, strict=True) if p.pointer and arg is not None]
        spans = sorted((array.ctypes.data, array.ctypes.data + array.nbytes) for array in arrays)
        flat = [end for span in spans for end in span]
        self._library.emu_count_within(
            (ctypes.c_uint64 * max(len(flat), 1))(*flat), ctypes.c_size_t(len(spans))
        )


def _address(function):
    """Return where a library's function is."""
    return ctypes.cast(function, ctypes.c_void_p).value


def _digest(*parts):
    """Return what names a library: all that it is made from."""
    texts = [file.read_text() for file in (HEADER, RUNTIME, COUNTING, WORK, Path(__file__))]
    return hashlib.sha256("\0".join([*parts, *texts]).encode()).hexdigest()[:20]


def _build_runtime(variant, library):
    """Build what runs the kernels of all libraries of a variant."""
    _, flags, _ = VARIANTS[variant]
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        result = Path(scratch) / "runtime.so"
        _gcc([*FLAGS, *flags, "-shared", RUNTIME, "-o", result], RUNTIME)
        result.replace(library)


def _gcc(arguments, path):
    # A sanitizer's runtime that is preloaded for the tests would slow the compiler, too.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        ["g++", *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise LaunchError(f"{path or 'kernel'} does not compile:\n{done.stderr[:4000]}")


def _ctype(parameter):
    kind = next(name for name, dtype in SCALARS.items() if np.dtype(dtype) == parameter.dtype)
    return f"{kind}*" if parameter.pointer else kind


def _holder(kernel, parameter, arg):
    """Return an array whose bytes are the argument: a value, or a pointer to the array."""
    if parameter.pointer:
        if arg is None:
            return np.zeros(1, np.uint64)
        if not isinstance(arg, np.ndarray) or arg.dtype != parameter.dtype:
            got = arg.dtype if isinstance(arg, np.ndarray) else type(arg).__name__
            raise LaunchError(f"{kernel}: {parameter.name} wants {parameter.dtype}*, got {got}")
        if not arg.flags.c_contiguous or not (parameter.const or arg.flags.writeable):
            raise LaunchError(f"{kernel}: {parameter.name} is not contiguous or not writable")
        return np.array([arg.ctypes.data], np.uint64)
    if not isinstance(arg, np.generic) or arg.dtype != parameter.dtype:
        got = arg.dtype if isinstance(arg, np.generic) else type(arg).__name__
        raise LaunchError(f"{kernel}: {parameter.name} wants a {parameter.dtype} scalar, got {got}")
    return np.array([arg])
