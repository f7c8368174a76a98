"""Box statistics on the GPU: the CPU twin's counts and limits, its values to rounding."""

import itertools

import numpy as np
import pytest

from skyshed.kernels import twin
from skyshed.kernels.boxes import Clip, Statistic, statistics
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.twins import both, identical, to_device, to_host

ALL = (
    Statistic("mean"), Statistic("median"), Statistic("std"), Statistic("mad_std"),
    Statistic("biweight_location", 6.0), Statistic("biweight_scale", 9.0),
    Statistic("biweight_location", 5.0, 9.5), Statistic("biweight_scale", 7.0, 9.5),
)  # fmt: skip
CLIP = Clip(3.0, 3.0, 10, "median", "std")
#: Statistics that follow from single values, so that they are the same to the bit.
BY_RANK = [1, 3]


def drawn(seed, shape=(110, 131), dtype="f4", masked=True):
    """Return noise with sources and dead pixels, and a mask that hides a corner; or no mask."""
    rng = np.random.default_rng(seed)
    data = rng.normal(10, 3, shape)
    data[rng.random(shape) < 0.05] += rng.exponential(300)
    data[rng.random(shape) < 0.01] = np.nan
    data[-1, 0], data[0, -1] = np.inf, -np.inf
    mask = rng.random(shape) < 0.1
    mask[:20, :25] = True
    return data.astype(dtype), mask if masked else None


def compare(result, expected, rtol=1e-12):
    """Check values to rounding, what follows from single values to the bit, counts, and limits."""
    largest = np.max(np.abs(expected[3]), where=~np.isnan(expected[3]), initial=0.0)
    np.testing.assert_allclose(result[0], expected[0], rtol=rtol, atol=1e-15 * largest)
    assert result[0].dtype == expected[0].dtype
    if len(expected[0]) == len(ALL):
        identical(result[0][BY_RANK], expected[0][BY_RANK])
    identical(result[1:], expected[1:])


@pytest.mark.parametrize("box_shape", [(16, 16), (37, 50), (110, 131), (55, 121)])
@pytest.mark.parametrize(("dtype", "masked"), [("f4", True), ("f8", False)])
def test_statistics_are_those_of_the_cpu(cupy, schedule, box_shape, dtype, masked):
    data, mask = drawn(schedule[0], dtype=dtype, masked=masked)
    compare(*both(cupy, statistics, data, mask, box_shape, CLIP, ALL, None))


@pytest.mark.parametrize("center", ["mean", "median"])
@pytest.mark.parametrize("spread", ["std", "mad_std"])
@pytest.mark.parametrize(
    ("lower", "upper", "maxiters"), [(3.0, 3.0, -1), (1.0, 2.5, 1), (0.1, 5.0, 2), (0.1, 0.1, -1)]
)
@pytest.mark.parametrize("box_shape", [(11, 13), (110, 131)])
def test_every_way_of_clipping(cupy, center, spread, lower, upper, maxiters, box_shape):
    data, mask = drawn(4)
    clip = Clip(lower, upper, maxiters, center, spread)
    compare(*both(cupy, statistics, data, mask, box_shape, clip, ALL, None), rtol=1e-11)


def test_without_clipping_and_without_statistics(cupy):
    data, mask = drawn(5)
    for box_shape in ((13, 17), (110, 131)):
        for clip, wanted in ((None, ALL), (CLIP, ()), (None, ())):
            compare(*both(cupy, statistics, data, mask, box_shape, clip, wanted, None))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 300), (40, 1), (1, 63), (1, 64), (1, 65), (1, 1025), (3, 4097)]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_boxes_of_any_number_of_values(cupy, shape, dtype):
    """Sorting has no padding: sizes about the powers of two are where it could go wrong."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        values = rng.integers(-40, 40, shape).astype(dtype) / 8
        for box_shape in {shape, (1, shape[1]), (shape[0], max(shape[1] // 2, 1))}:
            compare(*both(cupy, statistics, values, None, box_shape, CLIP, ALL, None))


@pytest.mark.parametrize("box_shape", [(16, 24), (112, 120)])
def test_boxes_that_keep_nothing(cupy, box_shape):
    data = np.full((112, 240), np.nan, np.float32)
    data[:, 120:] = [0, 10] * 60
    clips = (CLIP, Clip(0.5, 0.5, 10, "median", "std"), None)
    kept = []
    for clip in clips:
        result, expected = both(cupy, statistics, data, None, box_shape, clip, ALL, None)
        compare(result, expected)
        assert (result[1][:, 0] == 0).all()
        assert np.isnan(result[0][:, :, 0]).all()
        kept.append(result[1][0, -1])
    assert kept == [box_shape[0] * box_shape[1], 0, box_shape[0] * box_shape[1]]
    hidden = np.ones(data.shape, bool)
    compare(*both(cupy, statistics, data, hidden, box_shape, CLIP, ALL, None))


def test_equal_values_have_no_spread(cupy):
    data = np.full((112, 130), 0.1, np.float32)
    for box_shape in ((10, 10), (112, 130)):
        result, expected = both(cupy, statistics, data, None, box_shape, CLIP, ALL[:6], None)
        identical(result, expected)


def test_moments_keep_their_digits_far_from_the_middle_of_the_box(cupy):
    """Clipping keeps only values a million away from where sums were taken: they start afresh."""
    tail = 1e6 + np.random.default_rng(6).random((100, 100))
    few = np.concatenate([np.zeros((60, 1)), 1e6 + np.linspace(0, 1, 55)[:, None]])
    many = np.concatenate([np.zeros((110, 100)), tail])
    for values in (few, many):
        clip = Clip(0.1, 10.0, 1, "mean", "std")
        result, expected = both(cupy, statistics, values, None, values.shape, clip, ALL[:3], None)
        compare(result, expected, rtol=1e-9)
        kept = values[values > 0]
        assert result[1][0, 0] == kept.size
        np.testing.assert_allclose(result[0][2, 0, 0], kept.std(), rtol=1e-8)


def test_the_bits_do_not_depend_on_the_schedule_or_the_grid(cupy, monkeypatch):
    from skyshed.kernels import cuda

    arrays = [to_device(cupy, value) for value in drawn(7)]
    for box_shape in ((16, 20), (110, 131), (100, 130)):
        results = []
        for blocks in (cuda.MAX_BLOCKS, 3):
            monkeypatch.setattr(cuda, "MAX_BLOCKS", blocks)
            for schedule in SCHEDULES:
                with standin.schedule(*schedule):
                    found = twin(statistics.__wrapped__, "cuda")(
                        *arrays, box_shape, CLIP, ALL, None
                    )
                    results.append(to_host(cupy, found))
        for other in results[1:]:
            identical(other, results[0])


@pytest.mark.parametrize("run", [2048, 4096, 8192])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sorted_runs_are_merged_within_their_segments(cupy, schedule, run, dtype):
    from skyshed.kernels.boxes import cuda

    rng = np.random.default_rng(run)
    sizes = [3 * run + 17, 1, run, run + 1, 0, 2 * run, 2047]
    start = np.cumsum([0, *sizes])
    values = rng.integers(-300, 300, start[-1]).astype(dtype)
    values[-40:] = np.inf
    expected = values.copy()
    for begin, end in itertools.pairwise(start):
        for at in range(begin, end, run):
            values[at : min(at + run, end)].sort()
        for at in range(begin, end, 2 * run):
            expected[at : min(at + 2 * run, end)].sort()
    to, pieces = cupy.full(values.size, np.nan, values.dtype), -(-max(sizes) // cuda.PIECE)
    cuda.MERGING.launch(
        "merge_runs", len(sizes) * pieces * 256, to_device(cupy, values), to_device(cupy, start),
        np.int64(len(sizes)), np.int64(pieces), np.int64(run), to, dtype=values.dtype,
    )  # fmt: skip
    identical(cupy.asnumpy(to), expected)


def test_tiles_are_sorted_and_chunks_added_up(cupy, schedule):
    from skyshed.kernels.boxes import cuda

    (ny, nx), (h, w) = (60, 100), (50, 70)
    data, mask = drawn(9, (ny, nx))
    grid = (np.int64(ny), np.int64(nx), np.int32(h), np.int32(w), np.int64(1))
    ordered = cupy.full(ny * nx, np.nan, np.float32)
    seen, bad = cupy.zeros(4, np.uint64), cupy.zeros(4, np.uint64)
    cuda.BOXES.launch(
        "sort_tiles", 4 * 4 * 64, to_device(cupy, data), to_device(cupy, mask), *grid,
        np.int32(1024), np.int64(4), ordered, seen, bad, block=64, shared=4096,
    )  # fmt: skip
    good = np.where(np.isfinite(data) & ~mask, data, np.inf)
    boxes = [good[y : y + h, x : x + w].reshape(-1) for y in (0, h) for x in (0, w)]
    tiles = [np.sort(box[at : at + 1024]) for box in boxes for at in range(0, box.size, 1024)]
    identical(cupy.asnumpy(ordered), np.concatenate(tiles))
    identical(cupy.asnumpy(seen), np.array([np.isfinite(box).sum() for box in boxes], "u8"))
    assert int(bad.sum()) == (~np.isfinite(data) & ~mask).sum()

    ordered = np.concatenate([np.sort(box) for box in boxes])
    sums = [cupy.full(4 * 3, np.nan, np.float64) for _ in range(2)]
    cuda.BOXES.launch(
        "sum_chunks", 12 * 32, to_device(cupy, ordered), seen, *grid, np.int64(3), *sums
    )
    start = np.cumsum([0] + [box.size for box in boxes])
    for b, n in enumerate(cupy.asnumpy(seen).astype(int)):
        values = ordered[start[b] : start[b] + n].astype(float)
        values = values[: n // 1024 * 1024].reshape(-1, 1024) - values[n // 2]
        for found, power in zip(sums, (1, 2), strict=True):
            expected = np.full(3, np.nan)
            expected[: len(values)] = (values**power).sum(axis=1)
            np.testing.assert_allclose(
                cupy.asnumpy(found)[3 * b : 3 * b + 3], expected, rtol=0, atol=1e-8
            )


@pytest.mark.costs
def test_an_image_is_read_once_and_the_host_waits_for_nothing():
    data, _ = drawn(10, (256, 256), masked=False)
    for box_shape, launches, passes, peak, most in (
        ((64, 64), 1, 1.1, 6, 12),
        ((256, 256), 8, 13, 14, 40),
    ):
        with standin.in_place() as counted:
            image = to_device(counted, data)
            with standin.ledger(count_bytes=True) as ledger:
                twin(statistics.__wrapped__, "cuda")(image, None, box_shape, CLIP, ALL[:4], None)
        assert ledger.total.own_launches <= launches
        assert ledger.total.synchronisations == 0
        assert ledger.bytes_moved() <= passes * data.nbytes
        assert ledger.total.peak <= peak * data.size
        # A difference and its square, once for each value: rounds of clipping add sums of many.
        float64 = sum(launch.work["warps"][0] for launch in ledger.launches) * 32 / data.size
        assert float64 <= most
        ledger.no_transfer_larger_than(200)
