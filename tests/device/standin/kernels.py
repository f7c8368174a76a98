"""The stand-in for `cupy.cuda.Module` and `cupy.cuda.Function`: own kernels, on the emulator."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.device.emulator.build import LaunchError
from tests.device.emulator.build import Module as Emulated
from tests.device.standin import compiler, counts, device, signatures
from tests.device.standin.arrays import ndarray

#: What a block may have of shared memory, static and dynamic, unless it asks for more.
SHARED = 48 * 1024
#: What a block may have of registers, and in what portions each warp gets them (CUDA Programming
#: Guide, "Compute Capabilities": the same for 7.5 to 12.x).
REGISTERS, PORTION, WARP = 64 * 1024, 256, 32
MAX_THREADS = 1024


@dataclass
class Schedule:
    """In which order the emulator runs threads and blocks."""

    seed: int = 0
    preempt: float = 0.0
    workers: int = 2
    launches: int = 0

    def next_seed(self) -> int:
        """Return a seed of its own for each launch."""
        self.launches += 1
        return self.seed * 1_000_003 + self.launches


_schedule = Schedule()


@contextlib.contextmanager
def schedule(seed: int = 0, preempt: float = 0.0, workers: int = 2) -> Iterator[None]:
    """Choose the schedule of the kernels launched inside; the same seed, the same schedule.

    Parameters
    ----------
    seed : int
        Where the shuffling of blocks and threads starts.
    preempt : float
        How likely another thread runs before an access that can race.
    workers : int
        OS threads; with one, blocks never overlap.
    """
    global _schedule
    before, _schedule = _schedule, Schedule(seed, preempt, workers)
    try:
        yield
    finally:
        _schedule = before


def order() -> np.random.Generator:
    """Return what shuffles operations whose order CuPy leaves open."""
    return np.random.default_rng(_schedule.next_seed())


@functools.lru_cache(maxsize=256)
def _build(code: compiler.Code, variant: str) -> Emulated:
    return Emulated(code.text, Path("kernel.cu"), variant, options=code.definitions)


class Module:
    """Kernels that are loaded on the device."""

    def __init__(self) -> None:
        self._code: compiler.Code | None = None

    def load(self, cubin: bytes) -> None:
        """Load on the current device what ships, or what the stand-in's NVRTC made."""
        self.device = device.current()
        self._code = compiler.decoded(cubin)

    def get_function(self, name: str) -> "Function":
        """Return a kernel by its name."""
        return Function(self, name)


class Function:
    """One kernel of a module."""

    def __init__(self, module: Module, funcname: str) -> None:
        self.code, self.name, self.device = module._code, funcname, module.device
        if self.name not in self._emulated("plain").kernels:
            raise compiler.CUDADriverError(
                f"CUDA_ERROR_NOT_FOUND: named symbol not found: {funcname}"
            )

    def _emulated(self, variant: str) -> Emulated:
        return _build(self.code, variant)

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Launch over ``grid`` blocks of ``block`` threads."""
        signatures.check("cupy.cuda.Function.__call__", (self, *args), kwargs)
        self._launch(*args, **kwargs)

    def _launch(self, grid, block, args, shared_mem=0) -> None:
        for what, sizes in (("grid", grid), ("block", block)):
            if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 3:
                raise TypeError(
                    f"{self.name}: {what} must be a tuple of 1 to 3 ints, got {sizes!r}"
                )
            if not all(isinstance(size, int | np.integer) for size in sizes):
                raise TypeError(f"{self.name}: {what} must be a tuple of ints, got {sizes!r}")
        if grid[0] >= 1 << 31 or any(size > 65535 for size in grid[1:]):
            raise LaunchError(f"{self.name}: grid {grid} exceeds 2^31 - 1, 65535, 65535 blocks")
        if not isinstance(args, tuple):
            raise TypeError(f"{self.name}: args must be a tuple, got {type(args).__name__}")
        if self.device != device.current():
            raise compiler.CUDADriverError(
                f"CUDA_ERROR_INVALID_HANDLE: {self.name} was loaded on device {self.device}, "
                f"and device {device.current()} is current"
            )
        self._check_resources(int(np.prod(block)), shared_mem)
        counting = counts.opened is not None and counts.opened.count_bytes
        module = self._emulated("count" if counting else "plain")
        values = self._values(module, args)
        module.launch(
            self.name, grid, block, values, shared=shared_mem, seed=_schedule.next_seed(),
            preempt=_schedule.preempt, workers=_schedule.workers,
        )  # fmt: skip
        rows = compiler.resources(self.code)[self.name]
        counts.ran_kernel(
            self.name, module.loaded, module.stored, blocks=int(np.prod(grid)),
            threads=int(np.prod(block)), work=module.work,
            shared=shared_mem + max(row.shared for row in rows.values()),
            registers={name: row.registers for name, row in rows.items()},
        )  # fmt: skip

    def _check_resources(self, threads: int, dynamic: int) -> None:
        """Refuse what does not fit on a multiprocessor of some architecture."""
        if threads > MAX_THREADS:
            raise LaunchError(f"{self.name}: a block of {threads} threads is no legal launch")
        for architecture, row in compiler.resources(self.code)[self.name].items():
            if row.shared + dynamic > SHARED:
                raise LaunchError(
                    f"{self.name}: {row.shared} bytes of static and {dynamic} of dynamic shared "
                    f"memory exceed {SHARED} on {architecture}: CUDA_ERROR_INVALID_VALUE"
                )
            warps = -(-threads // WARP)
            taken = -(-row.registers * WARP // PORTION) * PORTION * warps
            if taken > REGISTERS:
                raise LaunchError(
                    f"{self.name}: {threads} threads of {row.registers} registers take {taken}, "
                    f"more than {REGISTERS} on {architecture}: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
                )

    def _values(self, module: Emulated, args: tuple) -> tuple:
        """Return the emulator's arguments; a null pointer is None or an unsigned 64-bit zero."""
        listed = module.kernels[self.name]
        values = []
        for i, arg in enumerate(args):
            if isinstance(arg, np.ndarray):
                raise TypeError(
                    f"{self.name}: argument {i} is a NumPy array; kernels take device arrays"
                )
            if type(arg) is ndarray:
                if arg._buffer.device != self.device:
                    raise LaunchError(
                        f"{self.name}: argument {i} is on device {arg._buffer.device}, the kernel "
                        f"runs on device {self.device}: cudaErrorIllegalAddress"
                    )
                arg = arg._a
            elif i < len(listed) and listed[i].pointer and isinstance(arg, np.uint64) and not arg:
                arg = None
            values.append(arg)
        return tuple(values)
