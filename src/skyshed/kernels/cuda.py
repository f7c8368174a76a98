"""Launching the project's own CUDA kernels through CuPy.

Imported only by the `cuda.py` twins, which run only where a user's array is CuPy's. A kernel folder
holds its `.cu` files; the text of `prelude.cu` goes before each. Kernels are compiled when first
launched, by CuPy, which keeps them on disk.
"""

import functools
from typing import Any

import cupy
import numpy as np

from skyshed.kernels.includes import assembled

__all__ = ["CHUNK", "Kernels", "chunks_of", "max_chunks", "source"]

#: --fmad=false: in-or-out decisions and sums have the bits of the CPU twin's operations.
OPTIONS = ("--std=c++17", "--fmad=false")
#: Pixels of a chunk; prelude.cu says what for.
CHUNK = 1024
#: No larger grid: kernels loop over what exceeds it. 2^31 - 1 blocks are legal, but a grid that
#: fills any GPU several times over is enough.
MAX_BLOCKS = 1 << 20


def source(folder: str, name: str) -> str:
    """Return the CUDA C++ text of ``name`` in the package ``folder``, with the prelude before it.

    Files that it includes are part of the text; see `skyshed.kernels.includes`.
    """
    return assembled("prelude.cu") + assembled(f"{folder.rpartition('.')[2]}/{name}")


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
        self.folder, self.name = folder, name

    @functools.cache  # noqa: B019 - a handful of module-level objects
    def module(self, real: str) -> Any:
        """Return the module compiled for images of ``float`` or ``double``."""
        return cupy.RawModule(
            code=source(self.folder, self.name), options=(*OPTIONS, f"-DREAL={real}")
        )

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
        self.module(real).get_function(kernel)((blocks,), (block,), values, shared_mem=shared)


def chunks_of(sources: Any) -> Any:
    """Return the first chunk of each of n `Sources`, and the number of chunks, shape (n + 1,).

    They are counted once and kept: many kernels want them.
    """
    from skyshed.kernels.segments.cuda import first_chunks  # which launches a kernel itself

    kept = vars(sources)
    if "_first_chunks" not in kept:
        kept["_first_chunks"] = first_chunks(sources.start)
    return kept["_first_chunks"]


def max_chunks(sources: Any) -> int:
    """Return the most chunks that sources can have: known without asking the device."""
    return len(sources) + sources.pixel.shape[0] // CHUNK
