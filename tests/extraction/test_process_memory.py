"""The memory that is given is enough for the whole process: imports, tiles, writing, preview."""

import sys

import numpy as np
import pytest
from astropy.io import fits

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


def test_a_crowded_image_keeps_to_its_memory_too(tmp_path):
    """390,000 sources, which took 650 MB when all of them were measured together."""
    image = np.random.default_rng(1).normal(10, 1, (2500, 2500)).astype(np.float32)
    image[2::4, 2::4] += 60
    fits.writeto(tmp_path / "image.fits", image)
    options = "--npixels", "1", "--kernel-fwhm", "0", "--nsigma", "10", "--n-threads", "1"
    peak, n_tiles = peak_of(tmp_path / "image.fits", tmp_path / "out", "480MB", *options)
    assert n_tiles == 1
    assert peak <= TOLERANCE * in_bytes("480MB")
    with fits.open(tmp_path / "out" / "catalog.fits") as hdus:
        assert len(hdus[1].data) == 625**2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "tiles"), [("600MB", True), ("1GB", True), ("2GB", True), ("4GB", False)]
)
def test_a_large_image_keeps_to_its_memory(tmp_path, budget, tiles):
    check(tmp_path, 10_000, budget, tiles)
