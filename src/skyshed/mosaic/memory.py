"""How much memory there is, and how sizes are written."""

import math
import re
from pathlib import Path
from typing import Any

from skyshed.mosaic.control_groups import left_by_groups
from skyshed.namespace import device_memory

__all__ = ["SHARE", "available", "in_bytes", "written"]

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("kmgt", start=1)}
SPELLING = re.compile(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)

#: The share of the free memory that a run takes by itself.
SHARE = 0.6


def in_bytes(memory: Any) -> int:
    """Return a number of bytes, given as one or as text such as ``"600MB"`` or ``"2 GiB"``.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> from skyshed.mosaic.memory import in_bytes
    >>> in_bytes("1.5GB"), in_bytes("512 MiB"), in_bytes(1e9)
    (1500000000, 536870912, 1000000000)
    """
    match = SPELLING.fullmatch(memory) if isinstance(memory, str) else None
    number = float(match[1]) * UNITS[match[2].lower()] if match else memory
    is_real = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not is_real or not 1 <= number < math.inf:
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

    What control groups leave counts: the limits of containers, batch systems and services.
    """
    if device == "cuda":
        return device_memory()
    return min([_available_by_the_kernel() or _available_by_psutil(), *left_by_groups()])


def _available_by_the_kernel() -> int | None:
    """Return what Linux says is available, which psutil reads from the same place."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def _available_by_psutil() -> int:
    """Return what is available on any system."""
    import psutil  # slow to import

    return int(psutil.virtual_memory().available)
