"""The memory that is given is enough for the whole process: imports, tiles, writing, preview."""

import sys

import pytest

from benchmarks.process_memory import peak_of, write_image
from skyshed.mosaic.memory import in_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a peak is differs")
#: What a process may take more than it was given.
TOLERANCE = 1.05


def check(folder, side, budget, tiles, *options):
    """Assert that the peak of a run keeps to its budget, and that it is by tiles or at once."""
    image = folder / "image.fits"
    write_image(image, side)
    peak, n_tiles = peak_of(image, folder / "out", budget, *options)
    assert (n_tiles > 1) == tiles
    assert peak <= TOLERANCE * in_bytes(budget)


@pytest.mark.parametrize(("budget", "tiles"), [("370MB", True), ("550MB", False)])
def test_a_small_image_keeps_to_its_memory(tmp_path, budget, tiles):
    check(tmp_path, 3200, budget, tiles)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "tiles"), [("600MB", True), ("1GB", True), ("2GB", True), ("4GB", False)]
)
def test_a_large_image_keeps_to_its_memory(tmp_path, budget, tiles):
    check(tmp_path, 10_000, budget, tiles)
