"""Labelling on the GPU: the CPU twin's labels, in any order of threads."""

import numpy as np
import pytest
from scipy import ndimage

from skyshed.kernels import cubins, labelling, twin
from tests.device import standin
from tests.device.emulator.build import Module
from tests.device.kernels.twins import both, identical


def noise(seed, shape, density):
    return (np.random.default_rng(seed).random(shape) < density).astype(np.float32)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("density", [0.1, 0.42, 0.6, 0.95])
def test_labels_are_those_of_the_cpu(cupy, schedule, density, connectivity):
    """Densities about where components percolate join most often."""
    data = noise(3, (70, 131), density)
    for npixels in (1, 5):
        identical(
            *both(
                cupy, labelling.label_above, data, np.array(0.5, np.float32), None, npixels,
                connectivity, None,
            )
        )  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (1, 97), (97, 1), (33, 32), (5, 64), (3, 31)])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_words_end_with_the_row(cupy, shape, connectivity):
    for seed in range(3):
        data = noise(seed, shape, 0.6)
        identical(
            *both(
                cupy, labelling.label_above, data, np.array(0.5, np.float32), None, 2, connectivity,
                None,
            )
        )  # fmt: skip


@pytest.mark.parametrize("data_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("limit_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scalar", [True, False])
def test_the_comparison_is_in_the_wider_dtype(cupy, data_dtype, limit_dtype, scalar):
    value = data_dtype(0.1)
    near = [np.nextafter(value, data_dtype(-1)), value, np.nextafter(value, data_dtype(1))]
    data = np.array([[*near, np.nan, np.inf, -np.inf]], data_dtype)
    limit = np.array(0.1, limit_dtype) if scalar else np.full(data.shape, 0.1, limit_dtype)
    result, expected = both(cupy, labelling.label_above, data, limit, None, 1, 8, None)
    identical(result, expected)
    np.testing.assert_array_equal(result[0] > 0, data > limit)


@pytest.mark.parametrize("density", [0.0, 0.4])
def test_sources_are_those_of_the_cpu(cupy, schedule, density):
    data = noise(4, (50, 91), density)
    limit = np.array(0.5, np.float32)
    identical(*both(cupy, labelling.sources_above, data, limit, None, 3, 8, None))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_seen_on_the_way_is_what_the_cpu_sees(cupy, schedule, dtype):
    """Whether any pixel is left, and how many thresholds are negative; NaN is none."""
    data = noise(11, (37, 70), 0.4)
    limit = noise(12, data.shape, 0.1).astype(dtype) - dtype(0.01)
    limit[3, 4] = np.nan
    everything = np.ones(data.shape, bool)
    one = everything.copy()
    one[20, 66] = False
    for mask, left in ((None, True), (one, True), (everything, False)):
        for threshold in (limit, np.array(-1, dtype), np.array(0, dtype)):
            (*_, seen), (*_, expected) = both(
                cupy, labelling.sources_above, data, threshold, mask, 3, 8, None
            )
            assert seen == expected
            negative = np.broadcast_to(threshold, data.shape) < 0
            assert seen == (left, np.count_nonzero(negative))


def test_masked_pixels_and_nan_belong_to_nothing(cupy):
    data = noise(5, (40, 75), 0.7)
    data[noise(6, data.shape, 0.1) > 0] = np.nan
    mask = noise(7, data.shape, 0.2) > 0
    result, expected = both(
        cupy, labelling.label_above, data, np.full(data.shape, 0.5), mask, 3, 4, None
    )
    identical(result, expected)
    assert not result[0][mask | np.isnan(data)].any()


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0), (9, 40)])
def test_nothing_to_label(cupy, shape):
    data = np.zeros(shape, np.float32)
    result, expected = both(cupy, labelling.label_above, data, np.array(1.0), None, 1, 8, None)
    identical(result, expected)
    assert result[1] == 0


def awkward():
    """Components with long paths to their roots, and a run that many runs touch."""
    spiral = np.zeros((63, 63), np.float32)
    low, high = 0, 62
    while low < high:
        spiral[low, low : high + 1] = spiral[low : high + 1, high] = spiral[
            high, low : high + 1
        ] = 1
        spiral[low + 2 : high + 1, low] = 1
        spiral[low + 2, low : low + 2] = 1
        low, high = low + 2, high - 2
    comb = np.zeros((63, 130), np.float32)
    comb[:, ::2] = 1
    comb[62] = 1
    return {"spiral": spiral, "comb": comb, "comb upside down": comb[::-1].copy()}


@pytest.mark.parametrize("name", ["spiral", "comb", "comb upside down"])
def test_long_components_have_one_label(cupy, schedule, name):
    data = awkward()[name]
    args = data, np.array(0.5), None, 1, 4, None
    result, expected = both(cupy, labelling.label_above, *args)
    identical(result, expected)
    assert result[1] == ndimage.label(data)[1]


def test_looking_labels_up(cupy):
    labels = np.random.default_rng(2).integers(0, 9, (40, 31)).astype(np.int32)
    table = np.random.default_rng(3).permutation(9).astype(np.int32)
    identical(*both(cupy, labelling.relabel, labels, table, None))
    labels[0, 0] = table.size
    for xp in (np, cupy):
        with pytest.raises(IndexError, match="1 pixels have labels that are not in the table"):
            labelling.relabel(xp.asarray(labels), xp.asarray(table), None)


def test_areas_are_counted_until_there_is_enough():
    """A root's area may stop at npixels, but never short of it; every run finds its root."""
    kernels = Module(cubins.text("labelling/labelling.cu"), options=("-DREAL=float",))
    first = np.arange(0, 4000, 10)
    last = first + np.arange(400) % 7
    root = np.arange(400) // 20 * 20
    parent = np.maximum(np.arange(400) - 1, root)  # chains
    full = np.bincount(root, last - first + 1, 400).astype(int)
    for seed in range(4):
        for enough in (1, 50, 10**6):
            area, roots = np.zeros(400, np.uint64), parent.copy()
            kernels.launch(
                "add_areas", (2,), (128,),
                (first, last, np.int64(400), np.int64(enough), roots, area), seed=seed, preempt=0.3,
            )  # fmt: skip
            np.testing.assert_array_equal(area >= enough, full >= enough)
            np.testing.assert_array_equal(roots, root)


@pytest.mark.costs
def test_what_labelling_costs():
    """The image is read once, the labels are written once, and the host waits twice."""
    image = ndimage.gaussian_filter(noise(8, (256, 256), 0.5), 3)
    n = image.size
    with standin.in_place() as counted:
        data, limit = counted.asarray(image), counted.asarray(np.float32(0.56))
        label_above = twin(labelling.label_above.__wrapped__, "cuda")
        with standin.ledger(count_bytes=True) as ledger:
            assert label_above(data, limit, None, 5, 8, None)[1] > 3
    total = ledger.total
    assert total.synchronisations == 2
    assert total.launches <= 20
    assert total.own_loaded + total.own_stored + total.library_read + total.library_written < 16 * n
    assert total.peak < 4 * n + 8 * n
