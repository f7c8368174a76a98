"""Small images of any kind by tiles: the answer of the run at once, or the same refusal."""

import numpy as np
import pytest

from skyshed import extract
from tests.tiled import outcome, same, tiled


def drawn(seed):
    """Return a small image and what it is extracted with."""
    rng = np.random.default_rng((seed, 16))
    shape = tuple(int(side) for side in rng.integers(1, 70, 2))
    data = rng.normal(10, 1, shape).astype(str(rng.choice(["f4", "f8", "i2"])))
    for _ in range(int(rng.integers(0, 6))):
        y, x = (int(rng.integers(side)) for side in shape)
        data[y : y + 4, x : x + 3] += 40
    if data.dtype.kind == "f" and rng.random() < 0.3:
        data[rng.random(shape) < 0.1] = np.nan
    options = {
        "nsigma": float(rng.choice([1.0, 3.0, 30.0])), "npixels": int(rng.choice([1, 5])),
        "box_size": tuple(int(side) for side in rng.integers(1, 40, 2)),
        "kernel_fwhm": float(rng.choice([0, 2])),
    }  # fmt: skip
    if rng.random() < 0.3:
        options["mask"] = rng.random(shape) < rng.choice([0.1, 0.9])
    return data, options, tuple(int(side) for side in rng.integers(12, 40, 2))


def compare(seed):
    """Compare both ways; return which of them found sources."""
    data, options, tile = drawn(seed)
    whole, warned = outcome(lambda: extract(data, n_threads=1, **options))
    found, also_warned = outcome(lambda: tiled(data, tile=tile, **options))
    if isinstance(whole, Exception):
        assert (type(found), str(found)) == (type(whole), str(whole)), seed
        return None
    assert not isinstance(found, Exception), (seed, found)
    assert also_warned == warned, seed
    assert same(found, whole), seed
    return len(whole.table)


def test_small_images_give_the_same_either_way():
    numbers = [compare(seed) for seed in range(40)]
    assert 0 in numbers
    assert any(numbers)


@pytest.mark.slow
def test_so_do_many():
    assert any(compare(seed) for seed in range(50, 1700))


def test_an_empty_field_by_tiles_is_an_empty_table():
    noise = np.random.default_rng(1).normal(10, 1, (150, 140)).astype(np.float32)
    found, warned = outcome(lambda: tiled(noise, nsigma=6, kernel_fwhm=0, tile=(64, 64)))
    assert len(found.table) == 0
    assert found.table.colnames == extract(noise, nsigma=6, kernel_fwhm=0).table.colnames
    assert [each.partition(":")[0] for each in warned] == ["NoDetectionsWarning"]
    # Specks at seams, none of which is a source.
    assert len(outcome(lambda: tiled(noise, nsigma=2.5, npixels=40, tile=(64, 64)))[0].table) == 0
