"""How many lanes of a warp are of use in the dearest steps of kernels, counted on the emulator.

All lanes of a warp wait for one that computes an exact overlap. So kernels gather the pixels on the
rims of apertures, and let full warps measure them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.device import coverage, kernel_files
from tests.device.emulator.build import FOLDER, PLAIN_VARIANT

#: Sources like those of a survey: apertures of some 360 pixels, radii of three pixels or so.
APERTURES = """
import numpy as np
from skyshed.kernels import apertures, twin
from tests.device import standin
rng = np.random.default_rng(1)
n, side = 60, 200
x, y = rng.uniform(20, side - 20, (2, n))
a, b = rng.uniform(6, 12, n), rng.uniform(4, 9, n)
theta = rng.uniform(-2, 2, n)
columns, rows = np.meshgrid(np.arange(side), np.arange(side))
data = rng.normal(0, 0.1, (side, side))
for x0, y0 in zip(x, y):
    data += 9 * np.exp(-((columns - x0)**2 + (rows - y0)**2) / (2 * 2.5**2))
with standin.in_place() as cupy:
    def up(*arrays):
        return (cupy.asarray(np.ascontiguousarray(array)) for array in arrays)
    rest = (*up(data, np.zeros((side, side), np.int32)), None, (0, 0, side, side))
    label, zero = up(np.ones(n, np.int32), np.zeros(n))
    shapes, circles = up(np.stack((x, y, a, b, theta), 1), np.stack((x, y, a), 1))
    sums = twin(apertures.aperture_sums.__wrapped__, "cuda")
    total, _, _ = sums(rest[0], None, None, *rest[1:], label, shapes, zero, 0, None)
    radius = twin(apertures.radius_of_flux.__wrapped__, "cuda")
    found = radius(*rest, label, circles, zero, 0.5 * total, 0, None).get()
    assert 2 < np.nanmedian(found) < 5
    from skyshed.kernels import boxes
    statistics = twin(boxes.statistics.__wrapped__, "cuda")
    image, = up(data[:192, :192].copy())
    statistics(image, None, (64, 64), None, (boxes.Statistic("median"),), None)
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Return how often the one line of a kernel file ran that holds a text, lanes counted apart."""
    folder = tmp_path_factory.mktemp("counts")
    environment = {
        **os.environ, PLAIN_VARIANT: "coverage", FOLDER: str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", APERTURES], check=True, env=environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    found = coverage.collect([folder])

    def count(name, text):
        lines = (kernel_files.FOLDER / name).read_text().splitlines()
        (line,) = (i for i, each in enumerate(lines, 1) if text in each)
        return found.lines[name][line]

    return count


def test_full_warps_measure_the_rims_of_circles(counted):
    """A search has some ten steps; a circle of three pixels has some thirty cells on its rim."""
    evaluations = counted("apertures/radius.cu", "held = flux_of_warp(d, at, 0, 1)") / 32
    steps = counted("apertures/radius.cu", "const int cell = __shfl_sync") / 32
    cells = counted("apertures/radius.cu", "const double share = share_of_cell")
    rows = counted("apertures/radius.cu", "const int number = (first + lane_of_thread())") / 32
    assert evaluations > 60 * 5
    assert cells / evaluations > 20
    assert steps < 1.8 * evaluations
    assert rows < 1.3 * evaluations
    assert cells > 0.5 * 32 * steps  # 0.055 where each row's lanes share the row's pixels


def test_full_warps_measure_the_outlines_of_ellipses(counted):
    """Of 32 pixels of a row of a box nearly always one or more lie on the outline."""
    visits = counted("apertures/sums.cu", "const unsigned waiting = __ballot_sync") / 32
    steps = counted("apertures/sums.cu", "const int first = max(n - 32, 0)") / 32
    edges = counted("apertures/sums.cu", "weight = edge_weight(")
    assert visits > 60 * 5
    assert steps < visits / 3
    assert edges > 0.75 * 32 * steps


def test_boxes_are_sorted_in_registers(counted):
    """A value of a box of 64 x 64 is compared 78 times: 6 times with one that another warp has."""
    values = 9 * 64 * 64
    exchanged = counted("boxes/boxes.cu", "v[r * blockDim.x + threadIdx.x] = held[r];")
    loaded = counted("boxes/boxes.cu", "held[r] = i < n ? v[i] : (REAL)INF_VALUE;")
    assert loaded == values
    assert exchanged <= 6 * values
