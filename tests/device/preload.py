"""Puts the stand-in in CuPy's place in a worker of Dask's: ``dask worker --preload`` this module.

Its device is the one that `dask-cuda` would leave visible, by ``CUDA_VISIBLE_DEVICES``.
"""

import os
from typing import Any

from tests.device import standin


def dask_setup(worker: Any) -> None:
    """Install it, as a worker that starts asks for; to import this module changes nothing."""
    standin.install()


def process() -> int:
    """Return the number of the process, in which CuPy is the stand-in."""
    import cupy

    assert standin.installed()
    assert cupy.is_available()
    return os.getpid()


def executed(dask_worker: Any) -> int:
    """Return how many tasks a worker has done."""
    return int(dask_worker.state.executed_count)
