"""Names of sources tell neighbours apart at any scale of pixels."""

import numpy as np
import pytest

from skyshed import Parameters, extract
from skyshed.chain.designation import resolving
from tests.images.files import tan
from tests.mosaic.fields import by_tiles, same_tables


def pairs():
    """Return pairs of stars, 6 pixels apart."""
    rng = np.random.default_rng(4)
    image = rng.normal(0, 1, (160, 160)).astype("f4")
    y, x = np.mgrid[:160, :160]
    for row in range(12, 160, 32):
        for column in range(12, 150, 32):
            for shift in (0, 6):
                image += 200 * np.exp(-((x - column - shift) ** 2 + (y - row) ** 2) / 3)
    return image


@pytest.mark.parametrize("scale", [0.005, 0.01, 0.03, 0.05, 0.2])
def test_neighbours_have_names_of_their_own(scale):
    wcs = tan(CDELT1=-scale / 3600, CDELT2=scale / 3600)
    options = {"wcs": wcs, "n_threads": 1, "box_size": 32, "nsigma": 5}
    found = extract(pairs(), **options)
    assert len(found.table) >= 40
    assert len(set(found.table["name"])) == len(found.table)
    assert same_tables(found.table, by_tiles(pairs(), (64, 64), **options).table)


def test_names_of_usual_pixels_have_the_digits_of_the_pattern():
    found = extract(pairs(), wcs=tan(CDELT1=-5e-5, CDELT2=5e-5), n_threads=1, box_size=32)
    assert all(len(name) == len("SKYSHED J100000.00+020000.0") for name in found.table["name"])


def test_a_pattern_of_ones_own_is_kept():
    wcs = tan(CDELT1=-1e-6, CDELT2=1e-6)
    found = extract(pairs(), wcs=wcs, designation="X Jhhmmss+ddmmss", n_threads=1, box_size=32)
    assert {len(name) for name in found.table["name"]} == {len("X J100000+020000")}


def test_digits_end_somewhere():
    assert resolving(Parameters().designation, 1e-30).count("s") == 6 + 6 + 4
    assert resolving(Parameters().designation, None) == Parameters().designation
