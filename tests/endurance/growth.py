"""What repeated runs leave in the memory of a process."""

import gc
import warnings

import numpy as np
import psutil

from skyshed import extract
from tests.tiled import survey, tiled

__all__ = ["growth"]

#: One run of so many is one over tiles, with a workspace of its own.
TILED = 10


def growth(count: int) -> float:
    """Run so often, and return by how many bytes the process grew after the first fifth."""
    image = np.array(survey().data[:96, :128])
    process = psutil.Process()
    sizes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(count):
            found = extract(image, n_threads=2)
            assert len(found.table) > 0
            if n % TILED == 0:
                found = tiled(image, tile=(64, 64))
                assert len(found.table) > 0
            del found
            if n >= count // 5:
                gc.collect()
                sizes.append(process.memory_info().rss)
    tenth = max(len(sizes) // 10, 1)
    return float(np.median(sizes[-tenth:]) - np.median(sizes[:tenth]))
