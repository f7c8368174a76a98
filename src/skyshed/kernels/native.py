"""The CPU's compiled kernels: which library is loaded, and how NumPy arrays reach its functions.

The `.cpp` files of the operations are compiled when the package is built, into one library per
level of instructions, all with the same bits; the best that this CPU has is loaded at the first
use. ``SKYSHED_CPU_LEVEL`` (say ``x86-64``) asks for another.

A library tells the names and the parameters of its kernels (``cpu.h``), so that they are declared
in C++ only. Calls release the GIL.
"""

import ctypes
import functools
import operator
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.cached import cached_property

__all__ = ["Kernels", "available_levels", "level", "registered", "using_level"]

FOLDER = Path(__file__).parent / "lib"
#: Names a level of instructions to use.
VARIABLE = "SKYSHED_CPU_LEVEL"
#: From the best to the one that every CPU has; systems without levels have ``generic`` alone.
LEVELS = ("x86-64-v4", "x86-64-v3", "x86-64", "generic")
#: A library that stops where memory is misused; used only where it is asked for (ci/sanitize).
SANITIZED = "sanitized"
#: What kernels return in place of an answer; cpu.h has the same numbers.
NO_MEMORY = -1

VALUES: dict[str, Any] = {"q": ctypes.c_longlong, "d": ctypes.c_double, "?": ctypes.c_bool}

_wanted: str | None = os.environ.get(VARIABLE)


class _Entry(ctypes.Structure):
    """A kernel in a library's list; `registry::Kernel` of cpu.h."""


_Entry._fields_ = [
    ("name", ctypes.c_char_p),
    ("parameters", ctypes.c_char_p),
    ("function", ctypes.c_void_p),
    ("next", ctypes.POINTER(_Entry)),
]


@dataclass(frozen=True)
class Function:
    """One function of a library: its parameters are two letters each (see cpu.h)."""

    parameters: str
    address: int

    @cached_property
    def kinds(self) -> list[str]:
        """What each parameter is: ``"rf"`` reads an array of float32, ``"vq"`` is a 64-bit int."""
        return [self.parameters[i : i + 2] for i in range(0, len(self.parameters), 2)]

    @cached_property
    def dtypes(self) -> list[np.dtype | None]:
        """The dtypes of arrays, `None` for what is no array."""
        return [None if kind[0] == "v" else np.dtype(kind[1]) for kind in self.kinds]

    @cached_property
    def call(self) -> Callable[..., int]:
        """The function as ctypes calls it: without the GIL."""
        types = [VALUES[kind[1]] if kind[0] == "v" else ctypes.c_void_p for kind in self.kinds]
        return ctypes.CFUNCTYPE(ctypes.c_longlong, *types)(self.address)

    def fits(self, args: tuple[Any, ...]) -> bool:
        """Whether these are the dtypes of the first parameters; any value fits a value."""
        if len(args) > len(self.dtypes):
            return False
        for arg, dtype in zip(args, self.dtypes, strict=False):
            if type(arg) is np.ndarray:
                if arg.dtype is not dtype and arg.dtype != dtype:
                    return False
            elif arg is not None and dtype is not None:
                return False
        return True

    def values(self, args: tuple[Any, ...]) -> list[Any]:
        """Return the arguments as ctypes takes them."""
        values = []
        for arg, kind in zip(args, self.kinds, strict=False):
            if type(arg) is np.ndarray:
                if not arg.flags.c_contiguous:
                    raise ValueError(f"kernels take C-contiguous arrays, got strides {arg.strides}")
                if kind[0] == "w" and not arg.flags.writeable:
                    raise ValueError("a kernel would write to an array that is only read")
                arg = arg.ctypes.data
            elif kind == "vq":
                arg = operator.index(arg)
            values.append(arg)
        return values


def _file(name: str) -> Path | None:
    """Return the file of a level's library, if there is one."""
    return next(iter(FOLDER.glob(f"skyshed-{name}.[sd]*")), None)


@functools.cache
def _library(name: str) -> ctypes.CDLL:
    path = _file(name)
    if path is None:
        raise ValueError(f"{VARIABLE} is {name!r}; this build has {', '.join(_built())}")
    return ctypes.CDLL(str(path))


@functools.cache
def _built() -> tuple[str, ...]:
    """Return the levels that were built, the best first.

    Raises
    ------
    ImportError
        If none was.
    """
    found = tuple(name for name in LEVELS if _file(name))
    if not found:
        raise ImportError(
            f"skyshed's compiled kernels are not in {FOLDER}: install the package "
            "(pip install skyshed, or pip install -e . in a source tree)"
        )
    return found


@functools.cache
def available_levels() -> tuple[str, ...]:
    """Return the levels that were built and that this CPU can run, the best first."""
    asked = _library(_built()[-1])
    return tuple(name for name in _built() if asked.skyshed_can_run(name.encode()))


def level() -> str:
    """Return the level in use.

    Raises
    ------
    ValueError
        If ``SKYSHED_CPU_LEVEL`` names one that was not built or that this CPU can't run.
    """
    if not _wanted:
        return available_levels()[0]
    if _wanted not in (*available_levels(), SANITIZED):
        raise ValueError(
            f"{VARIABLE} is {_wanted!r}; this build and this CPU have "
            f"{', '.join(available_levels())}"
        )
    return _wanted


@contextmanager
def using_level(name: str) -> Iterator[None]:
    """Use a level inside, whatever the environment says; for tests."""
    global _wanted
    before, _wanted = _wanted, name
    try:
        yield
    finally:
        _wanted = before


@functools.cache
def registered(name: str) -> dict[str, list[Function]]:
    """Return the kernels of a level's library: ``{"folder.kernel": its functions}``."""
    library = _library(name)
    library.skyshed_kernels.restype = ctypes.POINTER(_Entry)
    found: dict[str, list[Function]] = {}
    entry = library.skyshed_kernels()
    while entry:
        one = entry.contents
        function = Function(one.parameters.decode(), one.function)
        found.setdefault(one.name.decode(), []).append(function)
        entry = one.next
    return found


class Kernels:
    """The compiled kernels of one operation's folder.

    Parameters
    ----------
    folder : str
        The package: a twin passes its ``__package__``.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder.rpartition(".")[2]

    def bind(self, name: str, *args: Any) -> Callable[..., int]:
        """Return a function of the kernel's last parameters (of ranges, say) that calls it.

        Parameters
        ----------
        name : str
            A kernel of the folder. Of several functions of this name that one is meant whose arrays
            have the dtypes of ``args``.
        *args : array, int, float, bool or None
            The first arguments; `None` is a null pointer. Arrays are C-contiguous and have exactly
            the dtype of the parameter.

        Raises
        ------
        TypeError
            If no function takes arrays of these dtypes.
        ValueError
            If an array is not C-contiguous, or is read-only and to be written to.
        """
        functions = registered(level())[f"{self.folder}.{name}"]
        found = next((function for function in functions if function.fits(args)), None)
        if found is None:
            raise TypeError(
                f"{self.folder}.{name}: no kernel for ({', '.join(map(_shown, args))}); there are "
                + ", ".join("(" + " ".join(function.kinds) + ")" for function in functions)
            )
        values, call = found.values(args), found.call

        def bound(*rest: int) -> int:
            result = call(*values, *rest)
            if result == NO_MEMORY:
                raise MemoryError(f"{self.folder}.{name} got no memory")
            return result

        bound.arrays = args  # type: ignore[attr-defined]  # they live as long as their addresses
        return bound

    def call(self, name: str, *args: Any) -> int:
        """Call a kernel with all of its arguments."""
        return self.bind(name, *args)()


def _shown(arg: Any) -> str:
    return f"array of {arg.dtype}" if isinstance(arg, np.ndarray) else type(arg).__name__
