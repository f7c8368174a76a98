"""Compilation of the CPU kernels by Numba, and where compiled kernels are kept.

Kernels are compiled when first called, which takes seconds each, and kept on disk: beside the
source, in ``$NUMBA_CACHE_DIR`` if set, or else in the user's cache folder. A folder that ``skyshed
warmup`` filled is read where it can't be written to. A kernel holds the kernels that it calls
(`skyshed.kernels.parts`), also those of other files, and is stale when one of them changes. (Numba
by itself would notice a change of the kernel's own file only, and run old code after an upgrade.)
"""

import functools
import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching

__all__ = ["compile_kernel", "counts", "source_stamp"]

F = TypeVar("F", bound=Callable[..., Any])

NOTICE = (
    "compiling CPU kernels, once for this machine and kind of image: up to half a minute "
    "(`skyshed warmup` does it ahead of time)"
)
#: Kernels are imported from one another by lines of this form only.
IMPORTED = re.compile(r"^from skyshed\.(kernels[\w.]*) import ", re.MULTILINE)
#: No fast-math: results are those of IEEE 754, in the order that is written.
OPTIONS: dict[str, Any] = {"nopython": True, "nogil": True, "error_model": "numpy"}
#: The first and the last release of Numba whose inside `skyshed.kernels.parts` is known to fit.
#: With any other, kernels are compiled as Numba does by itself: the same bits, in twice the time.
OLDEST_KNOWN, NEWEST_KNOWN = (0, 62), (0, 68)
ROOT = Path(__file__).parents[1]
#: What this process has compiled, and found compiled.
counts = {"compiled": 0, "loaded": 0}


def compile_kernel(function: F) -> F:
    """Compile a kernel at its first call: without the GIL, IEEE division, no fast-math.

    Where there is no folder to keep it in, every process compiles it anew.
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    compiled: Any = _dispatcher(function, numba.__version__)
    try:
        compiled._cache = _KernelCache(function)
    except RuntimeError:  # Numba found no folder that can be written to
        pass
    return compiled


def _dispatcher(function: Callable, version: str) -> Any:
    """Return what compiles a function at its first call."""
    release = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if OLDEST_KNOWN <= release <= NEWEST_KNOWN:
        from skyshed.kernels.parts import Kernel

        return Kernel(function, targetoptions=OPTIONS)
    return numba.jit(**OPTIONS)(function)


@functools.cache
def source_stamp(path: Path) -> str:
    """Return the SHA-256 of a kernel's source file and of those it imports kernels from."""
    total = hashlib.sha256()
    for each in sorted(_reached(path)):
        total.update(each.read_bytes())
    return total.hexdigest()


def _reached(path: Path) -> set[Path]:
    """Return ``path`` and the files under ``kernels/`` that it imports, directly or not."""
    found: set[Path] = set()
    left = [path]
    while left:
        each = left.pop()
        if each in found:
            continue
        found.add(each)
        for module in IMPORTED.findall(each.read_text()):
            place = ROOT.joinpath(*module.split("."))
            files = (place.with_suffix(".py"), place / "__init__.py")
            left += [file for file in files if file.exists()]
    return found


class _Stamped:
    """A place for compiled kernels that are stale when any kernel changes."""

    _py_file: str

    def get_source_stamp(self) -> str:
        return source_stamp(Path(self._py_file))


class _Given(_Stamped, caching.UserProvidedCacheLocator):
    """The folder ``$NUMBA_CACHE_DIR``."""


class _Beside(_Stamped, caching.InTreeCacheLocator):
    """The folder ``__pycache__`` beside the source."""


class _Filled(_Beside):
    """The same where it can't be written to, but holds compiled kernels."""

    def ensure_cache_path(self) -> None:
        if not any(Path(self.get_cache_path()).glob("*.nbi")):
            raise OSError(f"{self.get_cache_path()} holds no compiled kernels")


class _OfUser(_Stamped, caching.UserWideCacheLocator):
    """The user's cache folder."""


class _Places(caching.CompileResultCacheImpl):
    """Where a compiled kernel may be kept, in the order of preference."""

    _locator_classes = [_Given, _Beside, _Filled, _OfUser]  # noqa: RUF012


class _KernelCache(caching.FunctionCache):
    """The compiled forms of one kernel on disk."""

    _impl_class = _Places

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super().load_overload(sig, target_context)
        if found is None and not counts["compiled"]:
            logging.getLogger("skyshed").warning(NOTICE)
        counts["compiled" if found is None else "loaded"] += 1
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:  # a full disk, or a folder that is only read: the kernel works all the same
            pass
