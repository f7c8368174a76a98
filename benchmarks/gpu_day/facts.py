"""What is here: versions, tools, the GPU, bandwidths, and what a launch costs."""

import importlib.metadata
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import cupy
import numpy as np

PACKAGES = (
    "cupy-cuda12x", "cupy-cuda13x", "numpy", "scipy", "astropy", "array-api-compat", "dask",
    "zarr", "kvikio-cu13", "pytest-xdist",
)  # fmt: skip
TOOLS = ("g++", "gcov", "nvcc", "compute-sanitizer", "ncu", "nsys", "cuobjdump")
PROPERTIES = (
    "name", "multiProcessorCount", "clockRate", "memoryClockRate", "l2CacheSize",
    "sharedMemPerMultiprocessor", "regsPerMultiprocessor", "totalGlobalMem",
)  # fmt: skip
QUERY = "name,driver_version,clocks.sm,clocks.mem,pcie.link.gen.current,pcie.link.width.current"


def run(rehearsal: bool) -> None:
    """Print the facts; each by itself, so that one that fails hides no other."""
    n = 1 << (22 if rehearsal else 30)
    for fact in (_versions, _machine, _ftz, lambda: _launches(50 if rehearsal else 2000)):
        _told(fact)
    _told(lambda: _bandwidths(n))
    print("facts: told")


def _told(fact: Callable[[], None]) -> None:
    try:
        fact()
    except (NotImplementedError, AttributeError, RuntimeError, OSError) as error:
        print(f"not known: {type(error).__name__}: {error}")


def _versions() -> None:
    for name in PACKAGES:
        try:
            print(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            print(name, "missing")
    for tool in TOOLS:
        print(tool, shutil.which(tool))


def _machine() -> None:
    found = cupy.cuda.runtime.getDeviceProperties(0)
    print({name: found[name] for name in PROPERTIES if name in found})
    from skyshed.kernels import cubins

    device = cupy.cuda.Device().compute_capability
    fitting = cubins.stores_for((int(device[:-1]), int(device[-1])))
    print("compute capability", device, "runs", [store.architecture for store in fitting])
    if shutil.which("nvidia-smi"):
        asked = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv"]
        print(subprocess.run(asked, capture_output=True, text=True, check=False).stdout)
    _told(lambda: print("driver", cupy.cuda.runtime.driverGetVersion()))
    print("CuPy", cupy.__version__)


def _ftz() -> None:
    """CuPy's kernels take subnormal float32 numbers for 0; ours must not."""
    from skyshed.kernels import labelling

    tiny = cupy.full((4, 4), 1e-40, np.float32)
    print("CuPy: 1e-40 > 0 is", bool((tiny > 0).all()))
    labels, n = labelling.label_above(tiny, cupy.zeros((), np.float32), None, 1, 8, None)
    print("skyshed: 1e-40 > 0 is", n == 1 and bool((labels == 1).all()))


def _launches(n: int) -> None:
    """An own kernel that has nothing to do, one of CuPy's, and a wait."""
    from skyshed.kernels.moments.cuda import KERNELS

    first, out = cupy.zeros(2, np.int64), cupy.zeros(16)
    args = first, np.int64(0), out, None, out

    def own() -> None:
        KERNELS.launch("moments_of_sources", 1, *args)

    x = cupy.zeros(100)
    for name, call in (
        ("own kernel", own),
        ("cupy.add of 100 numbers", lambda: cupy.add(x, x)),
        ("a number to the host", lambda: float(x[0])),
    ):
        print(f"host: {name} {_per_call(call, n) * 1e6:.2f} us")


def _per_call(call: Callable[[], Any], n: int) -> float:
    for _ in range(min(n, 100)):
        call()
    cupy.cuda.Device().synchronize()
    start = time.perf_counter()
    for _ in range(n):
        call()
    return (time.perf_counter() - start) / n


def _bandwidths(n: int) -> None:
    from skyshed.namespace import to_device

    there, other, host = cupy.zeros(n, np.uint8), cupy.empty(n, np.uint8), np.ones(n, np.uint8)

    def rate(what: str, call: Callable[[], Any], times: int, nbytes: int) -> None:
        call()
        cupy.cuda.Device().synchronize()
        start = time.perf_counter()
        for _ in range(times):
            call()
        cupy.cuda.Device().synchronize()
        print(f"{what} {times * nbytes / (time.perf_counter() - start):.3g} B/s", flush=True)

    rate("copy on the device, read and written,", lambda: cupy.copyto(other, there), 20, 2 * n)
    rate("to the device, as skyshed sends it,", lambda: to_device(host), 3, n)
    rate("to the host", there.get, 2, n)
    _told(lambda: rate("to the device by cupy.asarray", lambda: cupy.asarray(host), 2, n))
    pinned = cupy.cuda.alloc_pinned_memory(n)
    source = np.frombuffer(pinned, np.uint8, n)
    rate("to the device from pinned memory", lambda: other.set(source), 5, n)
