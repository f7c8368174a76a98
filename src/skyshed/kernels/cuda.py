"""Launching the project's own CUDA kernels through CuPy.

Imported only by the `cuda.py` twins, which run only where a user's array is CuPy's. A kernel folder
holds its `.cu` files; the text of `prelude.cu` goes before each. What runs is the machine code that
ships with the package (`skyshed.kernels.cubins`). Where nothing that ships fits the device or the
text, NVRTC compiles the file when it is first launched, with the same options: CuPy's own compiler
adds others (``-ftz=true``), so it is not asked.
"""

import functools
import threading
import warnings
from typing import Any

import cupy
import numpy as np

from skyshed.kernels import cubins

__all__ = ["CHUNK", "Kernels", "reserve"]

#: Pixels of a chunk; prelude.cu says what for.
CHUNK = 1024
#: No larger grid: kernels loop over what exceeds it. 2^31 - 1 blocks are legal, but a grid that
#: fills any GPU several times over is enough.
MAX_BLOCKS = 1 << 20

#: CuPy's memory pool hands memory out in multiples of this.
UNIT = 512

#: Tiles run in threads: each module is loaded by the first that needs it.
_loading = threading.Lock()


class Kernels:
    """The kernels of one `.cu` file.

    Parameters
    ----------
    folder : str
        The package that holds it: a twin passes its ``__package__``.
    name : str
        The file's name.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.file = f"{folder.rpartition('.')[2]}/{name}"
        # By device: code is loaded into a device's memory.
        self._modules: dict[tuple[int, str], Any] = {}
        self._functions: dict[tuple[int, str, str], Any] = {}

    def module(self, real: str) -> Any:
        """Return the code for images of ``float`` or ``double``, loaded on the current device."""
        key = cupy.cuda.runtime.getDevice(), real
        with _loading:
            if key not in self._modules:
                self._modules[key] = _loaded(cubins.Program(self.file, real))
            return self._modules[key]

    def function(self, kernel: str, real: str) -> Any:
        """Return a kernel, as the current device launches it."""
        key = cupy.cuda.runtime.getDevice(), real, kernel
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = self.module(real).get_function(kernel)
        return found

    def launch(
        self,
        kernel: str,
        threads: int,
        *args: Any,
        dtype: Any = np.float32,
        block: int = 256,
        shared: int = 0,
    ) -> None:
        """Launch ``kernel`` on at least ``threads`` threads, on the current device and stream.

        Parameters
        ----------
        kernel : str
            The name of an ``extern "C"`` function of the file.
        threads : int
            How many threads there is work for; none launches nothing.
        *args : cupy.ndarray, NumPy scalar or None
            Of exactly the dtypes of the parameters; `None` is a null pointer.
        dtype : dtype
            What REAL stands for: that of the image.
        block : int
            Threads per block.
        shared : int
            Bytes of dynamic shared memory.
        """
        if threads <= 0:
            return
        real = "float" if np.dtype(dtype) == np.float32 else "double"
        blocks = min(-(-int(threads) // block), MAX_BLOCKS)
        values = tuple(np.uintp(0) if arg is None else arg for arg in args)
        self.function(kernel, real)((blocks,), (block,), values, shared_mem=shared)


def reserve(*sizes: int, least: int = 0) -> None:
    """Have CuPy's pool hold a free piece of memory that arrays of these bytes fit into together.

    They are to be made next, in this order. The pool joins what lay side by side once it is free:
    then a longer array may lie there, of up to ``least`` bytes too, and the pool does not grow.
    """
    together = sum(-(-nbytes // UNIT) * UNIT for nbytes in sizes)
    cupy.empty(max(together, least), np.uint8)


def _loaded(program: cubins.Program) -> Any:
    """Load a program on the current device: what ships, or else what NVRTC makes of its text.

    Raises
    ------
    ImportError
        If nothing that ships fits, and there is no NVRTC.
    """
    digits = cupy.cuda.Device().compute_capability
    refused = None
    for store in cubins.stores_for((int(digits[:-1]), int(digits[-1]))):
        code = store.code(program)
        if code is not None:
            try:
                return _on_device(code)
            except cupy.cuda.driver.CUDADriverError as error:
                refused = error  # say, PTX of a release that the driver does not know yet
    try:
        return _on_device(_compiled(program, f"sm_{digits}"))
    except (ImportError, RuntimeError) as error:
        why = f"the driver refuses what ships ({refused})" if refused else "nothing that ships fits"
        raise ImportError(
            f"{program.file} can't be run on this GPU (compute capability {digits[:-1]}."
            f"{digits[-1]}): {why}, and NVRTC does not compile it ({error}): install a skyshed "
            "that was built with machine code for GPUs, or NVRTC (CuPy's extra [ctk] has it), or "
            "update the driver"
        ) from error


def _on_device(code: bytes) -> Any:
    module = cupy.cuda.Module()
    module.load(code)
    return module


def _compiled(program: cubins.Program, architecture: str) -> bytes:
    """Return what NVRTC itself, without CuPy's compiler before it, makes of a program."""
    nvrtc = cupy.cuda.nvrtc
    _warn_once(architecture)
    work = nvrtc.createProgram(cubins.text(program.file), "kernel.cu", (), ())
    try:
        nvrtc.compileProgram(work, cubins.options(architecture, program.real))
        return nvrtc.getCUBIN(work)
    except nvrtc.NVRTCError as error:
        raise RuntimeError(f"{error}\n{nvrtc.getProgramLog(work)}") from error
    finally:
        nvrtc.destroyProgram(work)


@functools.cache
def _warn_once(architecture: str) -> None:
    warnings.warn(
        f"this build of skyshed has no machine code for {architecture}: each process compiles its "
        "kernels, some 20 s in all. Build it in: SKYSHED_CUBINS=1 pip install skyshed (in a source "
        "tree: python native/cubins.py)",
        RuntimeWarning,
        stacklevel=2,
    )
