"""Image moments on the GPU, against the CPU twin."""

import numpy as np
import pytest

from skyshed.kernels import moments as module
from skyshed.kernels import twin
from skyshed.sources import Sources
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.fields import drawn
from tests.device.kernels.twins import both, close_sums, identical, to_device, to_host

moments = module.moments


def magnitudes(sources, image, mask):
    """Return the sums of the terms' absolute values, about the corner and about the centroid."""
    y, x = np.divmod(sources.pixel, sources.shape[1])
    rows = np.repeat(np.arange(len(sources)), sources.area)
    y, x = y - sources.bbox[rows, 0], x - sources.bbox[rows, 2]
    value = image.reshape(-1)[sources.pixel].astype(float)
    good = (value > 0) & np.isfinite(value)
    if mask is not None:
        good &= ~mask.reshape(-1)[sources.pixel]
    value = np.where(good, value, 0)

    def sums(y, x):
        powers = [[np.abs(y) ** i * np.abs(x) ** j * value for j in range(4)] for i in range(4)]
        return np.add.reduceat(powers, sources.start[:-1], axis=2).transpose(2, 0, 1)

    raw = sums(y, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        center = raw[:, 1, 0] / raw[:, 0, 0], raw[:, 0, 1] / raw[:, 0, 0]
    return raw, sums(y - center[0][rows], x - center[1][rows])


@pytest.mark.parametrize(("dtype", "masked"), [("f4", False), ("f4", True), ("f8", True)])
@pytest.mark.parametrize("seed", range(2))
def test_moments_are_those_of_the_cpu(cupy, schedule, dtype, masked, seed):
    sources, image, mask = drawn(seed, dtype=dtype, masked=masked)
    assert sources.area.max() > 2000
    actual, expected = both(cupy, moments, sources, image, mask, None)
    raw, central = magnitudes(sources, image, mask)
    close_sums(actual[0], expected[0], raw)
    close_sums(actual[1], expected[1], np.where(np.isnan(central), 0, central))
    if masked:
        assert np.isnan(actual[1][0]).sum() == 15


def test_values_that_are_negative_or_not_finite_count_as_zero(cupy):
    sources, image, _ = drawn(3, dtype="f4")
    image.reshape(-1)[sources.pixel[::5]] = np.nan
    image.reshape(-1)[sources.pixel[1::7]] = np.inf
    image.reshape(-1)[sources.pixel[2::7]] = -np.inf
    actual, expected = both(cupy, moments, sources, image, None, None)
    raw, central = magnitudes(sources, image, None)
    close_sums(actual[0], expected[0], raw)
    close_sums(actual[1], expected[1], np.where(np.isnan(central), 0, central))


@pytest.mark.parametrize("labels", [[[3]], [[0, 0, 0], [0, 2, 2], [0, 0, 2]], [[0, 0]]])
def test_small_sources_and_none(cupy, labels):
    sources = Sources.from_labels(np.array(labels, np.int32))
    actual, expected = both(cupy, moments, sources, np.full(sources.shape, 2.0), None, None)
    identical(actual[0], expected[0])
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-14, atol=1e-15)
    dark = both(cupy, moments, sources, np.full(sources.shape, -1.0, np.float32), None, None)
    identical(*dark)


def test_the_bits_do_not_depend_on_the_schedule(cupy):
    args = [to_device(cupy, value) for value in drawn(6, dtype="f4", masked=True)]
    results = []
    for schedule in SCHEDULES:
        with standin.schedule(*schedule):
            results.append(to_host(cupy, twin(moments.__wrapped__, "cuda")(*args, None)))
    for other in results[1:]:
        identical(other, results[0])


@pytest.mark.costs
def test_the_host_waits_for_nothing():
    drawing = drawn(7, dtype="f4", masked=True)
    with standin.in_place() as counted:
        args = [to_device(counted, value) for value in drawing]
        with standin.ledger() as ledger:
            twin(moments.__wrapped__, "cuda")(*args, None)
    assert ledger.total.synchronisations == 0
    assert ledger.total.launches <= 12
