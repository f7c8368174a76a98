"""How much memory there is, how much an image takes, and which tiles fit."""

import os
import re
from pathlib import Path
from typing import Any

from skyshed.mosaic.tiling import Tiling
from skyshed.namespace import device_memory

__all__ = ["available", "in_bytes", "memory_of_tiles", "tiles_for", "whole_image", "written"]

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("kmgt", start=1)}
SPELLING = re.compile(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)

#: What a run takes for each pixel of an image at once, in units of the image's own bytes, its own
#: included: measured on the host (18.7 bytes per pixel of float32; `python -m benchmarks.cpu --only
#: memory`) and counted for a GPU (28 bytes at most; docs/device.md).
WHOLE = {"cpu": 5.0, "cuda": 7.0}
#: What a tile takes for each of its pixels and those of its margin, in the same units (measured).
TILE = 8.0
#: What a process takes before it has read a pixel: Python, its packages and compiled kernels.
PROCESS = 350 * 10**6
#: The share of the free memory that a run takes by itself.
SHARE = 0.6
#: The least and the largest side of a tile: smaller ones are mostly margin, larger gain nothing.
LEAST_SIDE, LARGEST_SIDE = 256, 4096


def in_bytes(memory: Any) -> int:
    """Return a number of bytes, given as one or as text such as ``"600MB"`` or ``"2 GiB"``.

    Raises
    ------
    ValueError
        If it is no such thing.

    Examples
    --------
    >>> from skyshed.mosaic.memory import in_bytes
    >>> in_bytes("1.5GB"), in_bytes("512 MiB"), in_bytes(1e9)
    (1500000000, 536870912, 1000000000)
    """
    match = SPELLING.fullmatch(memory) if isinstance(memory, str) else None
    number = float(match[1]) * UNITS[match[2].lower()] if match else memory
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= 1:
        raise ValueError(
            f"memory must be a number of bytes, or a text such as '600MB' or '2GiB'; got {memory!r}"
        )
    return int(number)


def written(size: float) -> str:
    """Write a number of bytes for people.

    Examples
    --------
    >>> from skyshed.mosaic.memory import written
    >>> written(1.6e9), written(350)
    ('1.6 GB', '350 bytes')
    """
    for unit, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if size >= 0.9995 * unit:  # which would be written as 1000 of the smaller one
            return f"{size / unit:.3g} {letter}B"
    return f"{size:.0f} bytes"


def available(device: str | None = None) -> int:
    """Return the bytes of memory that are free, on the host or on the current GPU.

    A container's limit counts where there is one.
    """
    if device == "cuda":
        return device_memory()
    free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")]
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            # Unlike the free pages, these count what caches of files give back.
            free = [int(line.split()[1]) * 1024]
    limit = _lines("/sys/fs/cgroup/memory.max")
    used = _lines("/sys/fs/cgroup/memory.current")
    if limit and used and limit[0].isdigit():
        free.append(max(int(limit[0]) - int(used[0]), 0))
    return min(free)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def whole_image(shape: tuple[int, int], itemsize: int, device: str | None = None) -> int:
    """Return the bytes that a run takes for an image at once, without the process's own."""
    return int(shape[0] * shape[1] * itemsize * WHOLE[device or "cpu"])


def memory_of_tiles(tiling: Tiling, margin: int, n_workers: int, itemsize: int) -> int:
    """Return the bytes that a process takes that works on so many tiles at a time."""
    height, width = (
        min(side + 2 * margin, whole) for side, whole in zip(tiling.side, tiling.shape, strict=True)
    )
    return PROCESS + int(n_workers * height * width * itemsize * TILE)


def tiles_for(
    shape: tuple[int, int], itemsize: int, memory: int, n_workers: int, margin: int,
    step: tuple[int, int],
) -> Tiling:  # fmt: skip
    """Return the largest tiles of whole boxes that fit.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    itemsize : int
        Bytes per pixel.
    memory : int
        What all the workers of a process may take together, the process itself included.
    n_workers : int
        Tiles that are worked on at a time.
    margin : int
        Pixels around a tile that are read with it.
    step : tuple of int
        Height and width of a box.

    Raises
    ------
    ValueError
        If not even small tiles fit; the message says what does.
    """
    each = (memory - PROCESS) / n_workers
    side = int(max(each / (TILE * itemsize), 0) ** 0.5) - 2 * margin
    if side < LEAST_SIDE:
        least = PROCESS + n_workers * (LEAST_SIDE + 2 * margin) ** 2 * TILE * itemsize
        raise ValueError(
            f"memory of {written(memory)} is too little for {n_workers} tiles at a time: at least "
            f"{written(least)} is needed; give more, or fewer threads"
        )
    # Whole boxes, and as many of them as a chunk of the maps has at least.
    steps = [size * -(-LEAST_SIDE // size) for size in step]
    return Tiling.of(shape, min(side, LARGEST_SIDE), (steps[0], steps[1]))
