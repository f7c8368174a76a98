"""Every level of instructions that this CPU can run gives the same bits."""

import hashlib

import numpy as np
import pytest

from skyshed import extract
from skyshed.kernels import boxes, convolution, native, rice, stored, weighting
from tests.kernels.test_rice import streams
from tests.kernels.test_stored import EVERY, into, words

LEVELS = native.available_levels()


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


@pytest.fixture(params=["f4", "f8"])
def measured(request, scene):
    """What the chain finds, by level: a digest for each image and each column."""
    data = scene.data.astype(request.param)

    def measure():
        found = extract(
            data, mask=scene.mask, columns=("all",), effective_gain=2.0, localbkg_width=8,
            aperture_radii=(3.0,),
        )  # fmt: skip
        arrays = {
            "segmentation": found.segmentation.data, "data": found.data[:],
            "convolved": found.convolved_data[:],
            "grown": found.segmentation.make_source_mask(size=7),
        }  # fmt: skip
        for name in found.table.colnames:
            values = np.asarray(getattr(found.table[name], "value", found.table[name]))
            if values.dtype != object:
                arrays[name] = values
        return {name: digest(values) for name, values in arrays.items()}

    found = {}
    for level in LEVELS:
        with native.using_level(level):
            found[level] = measure()
    return found


def test_the_chain_finds_the_same_bits(measured):
    assert len(measured[LEVELS[-1]]) > 50
    for level in LEVELS[:-1]:
        assert measured[level] == measured[LEVELS[-1]]


def test_images_from_scattered_points_have_the_same_bits():
    rng = np.random.default_rng(0)
    values, points = rng.normal(size=60), rng.uniform(0, 80, (60, 2))
    found = set()
    for level in LEVELS:
        with native.using_level(level):
            for power in (1.0, 2.0, 1.7):
                found.add(
                    (
                        power,
                        digest(weighting.expand(values, points, (80, 90), 10, power, 0.1, 8, 1)),
                    )
                )
    assert len(found) == 3


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("spread", ["std", "mad_std"])
def test_statistics_of_boxes_have_the_same_bits(dtype, spread):
    rng = np.random.default_rng(1)
    data = rng.normal(10, 3, (190, 211)).astype(dtype)
    data[rng.random(data.shape) < 0.05] += 300
    data[rng.random(data.shape) < 0.1] = 0
    data[:50, :50] *= -1
    data[rng.random(data.shape) < 0.02] = np.nan
    names = ("mean", "median", "std", "mad_std", "biweight_location", "biweight_scale")
    wanted = tuple(boxes.Statistic(name, 6.0) for name in names)
    rule = boxes.Clip(2.5, 3.0, -1, "median", spread)
    for shape in ((64, 64), (11, 13), (190, 211), (1, 211)):
        found = set()
        for level in LEVELS:
            with native.using_level(level):
                arrays = boxes.statistics(data, data > 400, shape, rule, wanted, 1)
                found.add(tuple(map(digest, arrays)))
        assert len(found) == 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_convolved_images_have_the_same_bits(dtype):
    rng = np.random.default_rng(2)
    data = rng.normal(10, 3, (90, 211)).astype(dtype)
    data[rng.random(data.shape) < 0.01] = np.nan
    for shape in ((5, 5), (3, 17), (19, 1)):
        column, row = rng.random(shape[0]), rng.random(shape[1])
        for kernel in (np.outer(column, row), rng.normal(size=shape)):
            found = set()
            for level in LEVELS:
                with native.using_level(level):
                    found.add(
                        digest(
                            convolution.convolve(
                                data, None, kernel, "extend", 0.0, True, False, 1.0, 1
                            )[0]
                        )
                    )
            assert len(found) == 1


@pytest.mark.parametrize("dither", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_decoded_tiles_have_the_same_bits(dither, dtype):
    numbers, stream, tiles = streams(2, 32, 7, 1003)
    scaling = np.linspace(0.1, 2, 7), np.linspace(-5, 5, 7), numbers[:, 3].astype(np.int64)
    found = set()
    for level in LEVELS:
        with native.using_level(level):
            window, _ = rice.decode_tiles(
                stream, tiles, scaling, rice.Coding(2, 32, dither), (7, 1003), np.dtype(dtype), 1
            )
            found.add(digest(window))
    assert len(found) == 1


@EVERY
def test_numbers_of_files_have_the_same_bits(form):
    _, given = words(form, 1003)
    found = set()
    for level in LEVELS:
        with native.using_level(level):
            pixels, bad = stored.decode(given, form, into(form, len(given)), 1)
            found.add((digest(pixels), bad is None or digest(bad)))
    assert len(found) == 1
