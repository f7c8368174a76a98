"""Splines on the GPU: the CPU twin's bits."""

import numpy as np
import pytest

from skyshed.kernels import twin
from skyshed.kernels.zoom import add_without, expand, subtract_in_runs
from tests.device import standin
from tests.device.kernels.fields import spline as drawn
from tests.device.kernels.twins import both, identical, to_device, to_host


def on_device(cupy, mesh, limits, dtype):
    coefficients, index, weight = mesh
    arrays = [tuple(to_device(cupy, one) for one in pair) for pair in (index, weight)]
    return twin(expand.__wrapped__, "cuda")(
        to_device(cupy, coefficients), *arrays, limits, dtype, None
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("limits", [(-np.inf, np.inf), (-0.3, 0.4)])
def test_splines_have_the_bits_of_the_cpu(cupy, schedule, dtype, limits):
    result, expected = both(cupy, expand, *drawn(schedule[0]), limits, np.dtype(dtype), None)
    identical(result, expected)
    clipped = (expected == dtype(limits[0])).any() and (expected == dtype(limits[1])).any()
    assert clipped == np.isfinite(limits[0])


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_splines_of_any_degree(cupy, order):
    mesh = drawn(3, order=order)
    identical(*both(cupy, expand, *mesh, (-1.0, 1.0), np.dtype("f4"), None))


@pytest.mark.parametrize(
    ("boxes", "box_size", "shape"),
    [
        ((1, 1), (1, 1), (1, 1)),
        ((1, 9), (7, 1), (5, 9)),
        ((9, 1), (2, 300), (17, 257)),
        ((2, 3), (3, 4), (0, 7)),
        ((2, 3), (3, 4), (6, 0)),
    ],
)
def test_images_of_any_shape(cupy, boxes, box_size, shape):
    mesh = drawn(4, boxes, box_size, shape)
    identical(*both(cupy, expand, *mesh, (-9.0, 9.0), np.dtype("f8"), None))


def test_a_coefficient_that_is_nan_stays_nan(cupy):
    coefficients, index, weight = drawn(5)
    coefficients[2, 3] = np.nan
    result, expected = both(
        cupy, expand, coefficients, index, weight, (-0.5, 0.5), np.dtype("f4"), None
    )
    identical(result, expected)
    assert 0 < np.isnan(result).sum() < result.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("noise", [False, True])
def test_sums_of_images_without_background_have_the_bits_of_the_cpu(cupy, dtype, masked, noise):
    rng = np.random.default_rng(9)
    coefficients, index, weight = drawn(9)
    shape = len(index[0]), len(index[1])
    data, total = rng.normal(size=(2, *shape)).astype(dtype)
    mask = rng.random(shape) < 0.1 if masked else None
    over = (np.abs(coefficients) + 1, 0.5, 3.0) if noise else None
    for first, squared in ((True, False), (False, True)):
        args = mask, index, weight, (coefficients, -1.0, 1.0), over, squared, None
        contract = add_without.__wrapped__
        before = [None if first else total.copy() for _ in range(2)]
        on_gpu = [to_device(cupy, each) for each in (data, before[0], *args)]
        result = twin(contract, "cuda")(*on_gpu)
        expected = twin(contract, "cpu")(data, before[1], *args)
        identical(to_host(cupy, result), expected)
        assert first or result is on_gpu[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_images_have_the_bits_of_the_cpu(cupy, dtype):
    rng = np.random.default_rng(10)
    coefficients, index, weight = drawn(10)
    shape = len(index[0]), len(index[1])
    data, mask = rng.normal(size=shape).astype(dtype), rng.random(shape) < 0.1
    data[mask] = np.nan
    runs = np.array([[3, 9], [shape[1] - 5, shape[1]], [shape[1], shape[1] + 1]])
    needed = np.concatenate([np.arange(*each) for each in runs])
    splines = (coefficients, -1.0, 1.0), (np.abs(coefficients) + 1, 0.5, 3.0)
    for masked, answer in ((mask, True), (None, not mask.flat[needed].any())):
        results = []
        for device in ("cpu", "cuda"):
            out = np.zeros(shape, dtype), np.zeros(shape, dtype)
            args = data, masked, runs, index, weight, *splines, out
            if device == "cuda":
                args = [to_device(cupy, each) for each in args]
            said = twin(subtract_in_runs.__wrapped__, device)(*args, 1)
            assert said is answer
            results.append([to_host(cupy, each).flat[needed] for each in args[-1]])
        for expected, result in zip(*results, strict=True):
            identical(result, expected)


@pytest.mark.parametrize("masked", [False, True])
def test_what_is_not_finite_is_counted_and_marked_as_on_the_cpu(cupy, masked):
    rng = np.random.default_rng(11)
    coefficients, index, weight = drawn(11)
    shape = len(index[0]), len(index[1])
    data, total = rng.normal(size=(2, *shape)).astype("f4")
    data[rng.random(shape) < 0.1] = np.inf
    mask = rng.random(shape) < 0.1 if masked else None
    level, noise = (coefficients, -1.0, 1.0), (np.abs(coefficients) + 1, 0.5, 3.0)
    runs = np.array([[3, 9], [shape[1], 2 * shape[1]]])
    needed = np.concatenate([np.arange(*each) for each in runs])
    results = []
    for device in ("cpu", "cuda"):
        lost, marked = np.full(shape, 2, np.uint8), np.zeros(shape, bool)
        args = data, total.copy(), mask, index, weight, level, noise, False, 1, lost
        out = np.zeros(shape, "f4"), np.zeros(shape, "f4")
        in_runs = data, mask, runs, index, weight, level, noise, out, 1, marked
        if device == "cuda":
            args, in_runs = ([to_device(cupy, each) for each in both] for both in (args, in_runs))
        added = twin(add_without.__wrapped__, device)(*args)
        said = twin(subtract_in_runs.__wrapped__, device)(*in_runs)
        found = (to_host(cupy, each) for each in (added, args[-1], in_runs[-1]))
        results.append([*found, said])
    for expected, result in zip(*(each[:2] for each in results), strict=True):
        identical(result, expected)
    identical(results[1][2].flat[needed], results[0][2].flat[needed])
    assert results[0][3] is results[1][3] is True
    assert (results[0][1] > 2).any()


def test_lines_are_the_mesh_expanded_along_x(cupy):
    from skyshed.kernels.zoom import cuda

    coefficients, index, weight = drawn(6)
    lines = cupy.empty((5, 261))
    cuda.KERNELS.launch(
        "expand_lines", 32, to_device(cupy, coefficients), np.int64(5), np.int64(6),
        to_device(cupy, index[1]), to_device(cupy, weight[1]), np.int32(4), np.int64(261), lines,
        block=32,
    )  # fmt: skip
    expected = (coefficients[:, index[1]] * weight[1]).sum(axis=-1)
    np.testing.assert_allclose(cupy.asnumpy(lines), expected, rtol=0, atol=1e-15)


def test_rows_are_combined_by_blocks_of_any_number(cupy):
    """Fewer blocks than tiles, of fewer threads than columns: every pixel is still written."""
    from skyshed.kernels.zoom import cuda

    rng = np.random.default_rng(7)
    strip, index, weight = (
        rng.normal(size=(5, 90)),
        rng.integers(0, 5, (50, 2)),
        rng.random((50, 2)),
    )
    for threads, block in ((32, 32), (192, 64), (10**4, 128)):
        out = cupy.full((50, 90), np.nan, np.float64)
        cuda.KERNELS.launch(
            "combine_lines", threads, to_device(cupy, strip), to_device(cupy, index),
            to_device(cupy, weight), np.int32(2), np.int64(50), np.int64(90), np.float64(-1),
            np.float64(1), out, dtype=np.float64, block=block,
            shared=cuda.ROWS * 2 * 16,
        )  # fmt: skip
        expected = np.clip(np.einsum("yk,ykx->yx", weight, strip[index]), -1, 1)
        np.testing.assert_allclose(cupy.asnumpy(out), expected, rtol=0, atol=1e-15)


@pytest.mark.costs
def test_an_image_is_written_once_and_the_host_waits_for_nothing():
    with standin.in_place() as counted:
        coefficients, index, weight = drawn(8, (4, 4), (64, 64), (256, 256))
        mesh = (coefficients, index, weight)
        with standin.ledger(count_bytes=True) as ledger:
            on_device(counted, mesh, (-1.0, 1.0), np.dtype("f4"))
    assert ledger.total.launches == 2
    assert ledger.total.synchronisations == 0
    image = 256 * 256 * 4
    assert image <= ledger.total.own_stored <= 1.1 * image
    assert ledger.total.own_loaded <= 2 * image
    ledger.no_transfer_larger_than(256 * 4 * 8)
