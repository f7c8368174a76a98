"""Collecting sources on the GPU: the CPU twin's, in any order of threads."""

import numpy as np
import pytest

from skyshed.kernels import cubins, segments, twin
from skyshed.sources import Sources
from tests.device import standin
from tests.device.emulator.build import Module
from tests.device.kernels.fields import label_image
from tests.device.kernels.twins import both, identical, to_device, to_host


@pytest.mark.parametrize("seed", range(3))
def test_sources_are_those_of_the_cpu(cupy, schedule, seed):
    result, expected = both(cupy, segments.collect, label_image(seed), None)
    identical(result, expected)
    sizes = np.diff(result[1])
    assert sizes.max() > 2000
    assert sizes.min() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 97), (97, 1), (33, 32), (5, 64), (3, 31)])
def test_words_end_with_the_row(cupy, shape):
    """Runs of one label may be cut by a word's end, and may not go on in the next row."""
    for seed in range(3):
        image = np.random.default_rng(seed).integers(0, 3, shape).astype(np.int32)
        identical(*both(cupy, segments.collect, image, None))
        identical(*both(cupy, segments.collect, np.full(shape, 7, np.int32), None))


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0), (9, 40)])
def test_nothing_to_collect(cupy, shape):
    identical(*both(cupy, segments.collect, np.zeros(shape, np.int32), None))


def test_every_pixel_can_be_a_source_of_its_own_and_labels_far_apart(cupy):
    image = np.random.default_rng(1).permutation(np.arange(1, 71)).reshape(7, 10).astype(np.int32)
    identical(*both(cupy, segments.collect, image, None))
    image[image == 70] = 2**31 - 1
    identical(*both(cupy, segments.collect, image, None))


def test_negative_values_are_labels_like_others(cupy):
    image = np.random.default_rng(2).integers(-3, 3, (9, 70)).astype(np.int32)
    image[4, 5:60] = -(2**31)
    identical(*both(cupy, segments.collect, image, None))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64, bool])
def test_taking_rows_is_that_of_the_cpu(cupy, schedule, dtype):
    rng = np.random.default_rng(4)
    start = np.cumsum([0, *rng.integers(0, 40, 30), 3000, 0, 1]).astype(np.int64)
    values = rng.integers(0, 99, start[-1]).astype(dtype)
    for index in (rng.integers(0, 33, 50), np.array([30, 5, 30]), np.empty(0, int), np.array([31])):
        identical(*both(cupy, segments.take, values, start, index))


def test_a_warp_finds_its_row_among_many(cupy):
    """The search for a chunk takes several steps of 32 places; empty rows have no chunk."""
    rng = np.random.default_rng(5)
    for n in (31, 32, 33, 34, 1500):
        start = np.cumsum([0, *rng.integers(0, 3, n)]).astype(np.int64)
        values = rng.permutation(start[-1])
        identical(*both(cupy, segments.take, values, start, rng.permutation(n)))


def test_runs_are_recorded_where_their_bits_are():
    from tests.device.kernels.conftest import SCHEDULES

    kernels = Module(cubins.text("segments/runs.cu"), options=("-DREAL=float",))
    for seed, preempt in SCHEDULES:
        ny, nx = 7, 75
        above = np.random.default_rng(seed).random((ny, nx)) < (0.6, 0.97, 0.3)[seed]
        edge = np.diff(np.pad(above, ((0, 0), (1, 1))).astype(int), axis=1)
        bits = [
            np.packbits(
                np.pad(marks, ((0, 0), (0, 96 - nx))), axis=1, bitorder="little"
            ).view(np.uint32).reshape(-1)
            for marks in (edge[:, :-1] == 1, edge[:, 1:] == -1)
        ]  # fmt: skip
        offset = np.append(0, np.cumsum([bin(word).count("1") for word in bits[0]]))
        first, last = np.full((2, offset[-1]), -1)
        kernels.launch(
            "record_runs", (1,), (32,), (*bits, offset, np.int64(ny), np.int64(nx), first, last),
            seed=seed, preempt=preempt,
        )  # fmt: skip
        np.testing.assert_array_equal(first, np.flatnonzero(edge[:, :-1] == 1))
        np.testing.assert_array_equal(last, np.flatnonzero(edge[:, 1:] == -1))


NAMES = [
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
    [9, 8, 7, 6, 5, 4, 3, 2, 1],
    [0, 2, 0, 4, 0, 0, 7, 8, 0],
    [5, 5, 5, 1, 1, 0, 9, 9, 9],
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
]


@pytest.mark.parametrize("names", NAMES)
def test_sources_on_the_device_are_taken_and_renamed_there(cupy, names):
    rng = np.random.default_rng(0)
    image = (rng.integers(0, 10, (13, 17)) * (rng.random((13, 17)) < 0.5)).astype(np.int32)
    sources = Sources.from_labels(image)
    on_device = Sources.from_labels(cupy.asarray(image))
    for actual, expected in (
        (on_device, sources),
        (on_device.take(cupy.asarray([7, 0, 7])), sources.take(np.array([7, 0, 7]))),
        (on_device.renamed(cupy.asarray(names)), sources.renamed(np.array(names))),
    ):
        assert len(actual) == len(expected)
        assert actual.shape == expected.shape
        for name in ("labels", "start", "pixel", "bbox", "order", "area"):
            assert isinstance(getattr(actual, name), cupy.ndarray), name
            identical(to_host(cupy, getattr(actual, name)), getattr(expected, name))


@pytest.mark.costs
def test_what_collecting_costs():
    """The image is read once, and the host waits twice."""
    image = label_image(3, (256, 256), cell=40, giant=False)
    image[np.random.default_rng(0).random(image.shape) < 0.9] = 0
    with standin.in_place() as counted:
        device = to_device(counted, image)
        collect = twin(segments.collect.__wrapped__, "cuda")
        with standin.ledger(count_bytes=True) as ledger:
            collect(device, None)
    total = ledger.total
    assert total.synchronisations == 2
    assert total.launches <= 24
    assert total.largest_transfer <= 16
