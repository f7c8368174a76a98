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


#: What a sanitizer watches of a test besides its first parameters: those that take a kernel another
#: way (more tiles, merged sorts, global memory, the host, empty boxes), by a part of their name.
HARD = {
    "test_every_way_of_clipping": "box_shape1",
    "test_boxes_of_any_number_of_values": "f4-shape7",
    "test_sorted_runs_are_merged_within_their_segments": "f8-8192",
    "test_kernels_of_any_size": "far",
    "test_results_have_the_bits_of_the_cpu": "None-direct-wide",
    "test_labels_are_those_of_the_cpu": "4-float64-torn",
    "test_large_sources_take_global_memory": "nan",
    "test_plateaus_of_large_sources_are_left_to_the_host": "saturated",
    "test_peaks_above_their_saddles": "shape1-float32-nan",
    "test_windows_of_many_tiles": "2",
    "test_backgrounds_are_those_of_the_cpu": "24.0",
    "test_annuli_that_do_not_fit_shared_memory": "float64",
    "test_grown_masks_are_those_of_the_cpu": "footprint3",
}


def pytest_collection_modifyitems(config, items):
    """Under a sanitizer, run each test function of this folder once, and the hard ones twice."""
    if not SANITIZED:
        return
    kept, dropped, seen, wanted = [], [], set(), dict(HARD)
    for item in items:
        name = getattr(item, "originalname", item.name)
        function = (item.path, name)
        here = item.path.parent == Path(__file__).parent
        again = function in seen or item.get_closest_marker("costs")
        if again and name in wanted and wanted[name] in item.name:
            del wanted[name]
            again = False
        (dropped if here and again else kept).append(item)
        seen.add(function)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(autouse=SANITIZED)
def _few_blocks(request, monkeypatch):
    """Let every kernel loop over what exceeds its grid: barriers at the end of loops count then."""
    if "counted" in request.fixturenames or "cupy" in request.fixturenames:
        from skyshed.kernels import cuda

        monkeypatch.setattr(cuda, "MAX_BLOCKS", 2)


@pytest.fixture(params=SCHEDULES, ids=lambda schedule: f"seed{schedule[0]}-preempt{schedule[1]}")
def schedule(request):
    """Run the test's kernels on the emulator in this order of threads and blocks."""
    with standin.schedule(*request.param):
        yield request.param
