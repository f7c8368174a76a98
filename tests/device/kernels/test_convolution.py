"""Convolution on the GPU: the CPU twin's bits, whatever is missing."""

import numpy as np
import pytest

from skyshed import make_2dgaussian_kernel
from skyshed.kernels import twin
from skyshed.kernels.convolution import convolve
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.twins import both, identical, to_device, to_host

GAUSSIAN = make_2dgaussian_kernel(3.0, 5).array
RNG = np.random.default_rng(0)
#: Kernels that each way of summing is for, and shapes that are not square.
KERNELS = {
    "separable": GAUSSIAN,
    "separable-tall": make_2dgaussian_kernel(4.0, (13, 3)).array,
    "direct": RNG.normal(size=(5, 5)),
    "direct-wide": RNG.random((3, 11)),
    "row": RNG.random((1, 7)),
    "pixel": np.array([[0.7]]),
    "zeros-in-a-row": np.outer([0.0, 2, 1], [1.0, 3, 0]),
    "sums-to-zero": np.outer([1.0, 2, 1], [-1.0, 0, 1]),
}


def drawn(seed, shape=(70, 83), dtype="f4", holes=True):
    """Return an image with scattered NaN and a region of them, an infinity, and a mask."""
    rng = np.random.default_rng(seed)
    data = rng.normal(3, 1, shape).astype(dtype)
    if not holes:
        return data, None
    data[rng.random(shape) < 0.01] = np.nan
    data[5:19, 40:60] = np.nan
    data[0, 3] = np.nan
    data[-1, -1] = np.inf
    return data, rng.random(shape) < 0.02


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("boundary", [None, "fill", "wrap", "extend"])
def test_results_have_the_bits_of_the_cpu(cupy, name, boundary):
    for seed, (dtype, interpolate, preserve) in enumerate(
        (("f4", True, False), ("f8", True, True), ("f4", False, False), ("f8", False, True))
    ):
        if interpolate and name == "sums-to-zero":
            continue  # nothing to divide by: the stage refuses
        data, mask = drawn(seed, dtype=dtype)
        options = (KERNELS[name], boundary, 2.1, interpolate, preserve, 1.3, None)
        identical(*both(cupy, convolve, data, mask, *options))


@pytest.mark.parametrize("name", ["separable", "direct"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_schedule_changes_a_bit(cupy, schedule, name, dtype):
    data, mask = drawn(schedule[0], dtype=dtype)
    result, expected = both(
        cupy, convolve, data, mask, KERNELS[name], "fill", 0.0, True, True, 1.0, None
    )
    identical(result, expected)
    assert 100 < np.isnan(expected[0]).sum() < 0.2 * data.size


@pytest.mark.parametrize("name", KERNELS)
def test_images_without_holes(cupy, name):
    data, _ = drawn(4, holes=False)
    for boundary in (None, "fill", "extend"):
        identical(
            *both(cupy, convolve, data, None, KERNELS[name], boundary, 0.0, True, True, 1.0, None)
        )


def test_a_fill_value_that_is_nan_is_missing(cupy):
    data, mask = drawn(5)
    for interpolate in (True, False):
        identical(
            *both(
                cupy, convolve, data, mask, GAUSSIAN, "fill", np.nan, interpolate, False, 1.0, None
            )
        )


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (40, 1), (33, 32)])
@pytest.mark.parametrize("boundary", [None, "fill", "wrap", "extend"])
def test_kernels_may_be_larger_than_the_image(cupy, shape, boundary):
    data = np.random.default_rng(6).normal(size=shape)
    data[0, 0] = np.nan
    for kernel in (np.ones((7, 9)), KERNELS["direct"]):
        identical(*both(cupy, convolve, data, None, kernel, boundary, 1.0, True, False, 1.0, None))


@pytest.mark.parametrize(
    ("kernel", "function"),
    [
        (GAUSSIAN, "convolve_separable"),
        (make_2dgaussian_kernel(9.0, (41, 25)).array, "convolve_separable"),
        (make_2dgaussian_kernel(9.0, (61, 41)).array, "convolve_far"),
        (RNG.random((25, 21)), "convolve_direct"),
        (RNG.random((41, 73)), "convolve_far"),
    ],
    ids=["small", "lower tiles", "far", "direct", "direct far"],
)
def test_kernels_of_any_size(kernel, function):
    """The tiles become lower as kernels grow, until none fits; the bits stay."""
    data, mask = drawn(7, (36, 40))
    for boundary in (None, "fill", "wrap", "extend"):
        for interpolate, preserve in ((True, False), (False, True)):
            with standin.in_place() as counted, standin.ledger() as ledger:
                result, expected = both(
                    counted, convolve, data, mask, kernel, boundary, -1.0, interpolate, preserve,
                    2.0, None,
                )  # fmt: skip
            identical(result, expected)
            assert [e.name for e in ledger.events if e.name.startswith("convolve")] == [function]


def test_the_same_bits_for_any_grid(cupy, monkeypatch):
    """Blocks go on to further tiles where the grid is smaller than the image."""
    from skyshed.kernels import cuda

    monkeypatch.setattr(cuda, "MAX_BLOCKS", 2)
    data, mask = drawn(8, (60, 70))
    for kernel in (GAUSSIAN, KERNELS["direct"], make_2dgaussian_kernel(9.0, (61, 41)).array):
        identical(*both(cupy, convolve, data, mask, kernel, "wrap", 0.0, True, False, 1.0, None))


def test_a_tile_has_the_bits_of_the_whole(cupy):
    data, mask = drawn(9, (100, 120))

    def part(rows, columns):
        where = np.s_[rows, columns]
        arrays = [to_device(cupy, np.ascontiguousarray(a[where])) for a in (data, mask)]
        found = twin(convolve.__wrapped__, "cuda")(
            *arrays, GAUSSIAN, "fill", 0.0, True, False, 1.0, None
        )
        return to_host(cupy, found[0])

    whole, tile = part(slice(None), slice(None)), part(slice(17, 80), slice(31, 101))
    identical(tile[2:-2, 2:-2], whole[19:78, 33:99])


def test_a_kernel_on_the_device_is_fetched(cupy):
    data, mask = drawn(10)
    arrays = [to_device(cupy, a) for a in (data, mask, GAUSSIAN)]
    results = [
        twin(convolve.__wrapped__, "cuda")(*arrays[:2], kernel, "fill", 0.0, True, False, 1.0, None)
        for kernel in (arrays[2], GAUSSIAN)
    ]
    identical(to_host(cupy, results[0]), to_host(cupy, results[1]))


@pytest.mark.costs
def test_an_image_is_read_and_written_once():
    data, _ = drawn(11, (256, 256), holes=False)
    data[7, 9] = np.nan
    with standin.in_place() as counted:
        image = to_device(counted, data)
        with standin.ledger(count_bytes=True) as ledger, standin.schedule(*SCHEDULES[1]):
            twin(convolve.__wrapped__, "cuda")(
                image, None, GAUSSIAN, "fill", 0.0, True, True, 1.0, None
            )
    assert ledger.total.own_stored <= 1.01 * data.nbytes
    # A tile's margin is read by its neighbours, too.
    assert ledger.total.own_loaded <= (36 / 32) ** 2 * 1.01 * data.nbytes
    assert ledger.total.launches <= 3
    # Where NaN stay, nobody waits for their number.
    assert ledger.total.synchronisations == 0
    ledger.no_transfer_larger_than(80)
