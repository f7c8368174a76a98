"""What tests of CUDA kernels and of CUDA twins share, besides the CuPy of the folder above."""

import os
from pathlib import Path

import pytest

from tests.device import standin
from tests.device.emulator.build import PLAIN_VARIANT

#: Sanitizers slow kernels down many times over.
SANITIZED = os.environ.get(PLAIN_VARIANT) in ("address", "thread")
#: Seeds, and how likely another thread runs before an access that can race.
SCHEDULES = [(2, 0.3)] if SANITIZED else [(0, 0.0), (1, 0.0), (2, 0.3)]


def pytest_configure(config):
    """Name the marker of tests whose subject is what the stand-in counts."""
    config.addinivalue_line(
        "markers", "costs: counts launches, waits and bytes; left out under a sanitizer"
    )


def pytest_collection_modifyitems(config, items):
    """Under a sanitizer, run each test function of this folder once, with its first parameters."""
    if not SANITIZED:
        return
    kept, dropped, seen = [], [], set()
    for item in items:
        function = (item.path, getattr(item, "originalname", item.name))
        here = item.path.parent == Path(__file__).parent
        again = function in seen or item.get_closest_marker("costs")
        (dropped if here and again else kept).append(item)
        seen.add(function)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(params=SCHEDULES, ids=lambda schedule: f"seed{schedule[0]}-preempt{schedule[1]}")
def schedule(request):
    """Run the test's kernels on the emulator in this order of threads and blocks."""
    with standin.schedule(*request.param):
        yield request.param
