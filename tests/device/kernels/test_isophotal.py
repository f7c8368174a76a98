"""Sums, extremes, Gini coefficients and outlines on the GPU, against the CPU twin."""

import numpy as np
import pytest

from skyshed.kernels import isophotal, twin
from skyshed.sources import Sources
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.fields import drawn
from tests.device.kernels.twins import both, close_sums, identical, to_device, to_host

CASES = pytest.mark.parametrize(("dtype", "masked"), [("f4", False), ("f4", True), ("f8", True)])
SINGLES = [
    [[3]],
    [[0, 0, 0], [0, 2, 0], [0, 0, 0]],
    [[1, 1, 1, 1]],
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
]


def magnitude(sources, image, mask, squared=False):
    """Return the sum of each source's absolute values, or of their squares."""
    values = np.abs(np.where(mask, 0, image) if mask is not None else image).astype(float)
    values = values**2 if squared else values
    return np.add.reduceat(values.reshape(-1)[sources.pixel], sources.start[:-1])


@CASES
@pytest.mark.parametrize("seed", range(2))
def test_summaries_are_those_of_the_cpu(cupy, schedule, dtype, masked, seed):
    sources, image, mask = drawn(seed, dtype=dtype, masked=masked)
    assert sources.area.max() > 2000
    actual, expected = both(cupy, isophotal.summarize, sources, image, mask, None)
    for k in (0, 2, 3, 4, 5):
        identical(actual[k], expected[k])
    close_sums(actual[1], expected[1], magnitude(sources, image, mask))
    if masked:
        assert np.isnan(actual[1][0])
        assert actual[4][0] == -1


@CASES
@pytest.mark.parametrize("squared", [True, False])
def test_totals_are_those_of_the_cpu(cupy, schedule, dtype, masked, squared):
    sources, image, mask = drawn(3, dtype=dtype, masked=masked)
    actual, expected = both(cupy, isophotal.total, sources, image, mask, squared, None)
    close_sums(actual[0], expected[0], magnitude(sources, image, mask, squared))
    identical(actual[1], expected[1])


def test_values_that_are_not_finite_take_part_in_totals_only(cupy):
    sources, image, _ = drawn(4, dtype="f4")
    flat = image.reshape(-1)
    flat[sources.pixel[sources.start[1]]] = np.inf
    flat[sources.pixel[sources.start[2]]] = np.nan
    actual, expected = both(cupy, isophotal.total, sources, image, None, False, None)
    assert actual[0][1] == np.inf
    assert np.isnan(actual[0][2])
    np.testing.assert_array_equal(np.isfinite(actual[0]), np.isfinite(expected[0]))
    identical(actual[1], expected[1])
    assert np.flatnonzero(~actual[1]).tolist() == [1, 2]
    actual, expected = both(cupy, isophotal.summarize, sources, image, None, None)
    for k in (0, 2, 3, 4, 5):
        identical(actual[k], expected[k])


@CASES
@pytest.mark.parametrize("seed", range(2))
def test_gini_coefficients_are_those_of_the_cpu(cupy, schedule, dtype, masked, seed):
    sources, image, mask = drawn(seed, dtype=dtype, masked=masked)
    actual, expected = both(cupy, isophotal.gini, sources, image, mask, None)
    # The terms of the numerator, over the denominator, add up to at most 1 + 1 / (n - 1).
    close_sums(actual, expected, np.full(len(sources), 2.0))
    assert 0 < np.nanmax(actual) < 1


def test_a_dark_source_has_a_gini_coefficient_of_zero(cupy):
    sources, image, _ = drawn(5)
    actual, expected = both(cupy, isophotal.gini, sources, np.zeros_like(image), None, None)
    identical(actual, expected)
    assert (actual == 0).all()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("shape", [(90, 101), (101, 64)])
def test_outlines_are_those_of_the_cpu(cupy, schedule, masked, seed, shape):
    sources, _, mask = drawn(seed, shape=shape, masked=masked)
    actual, expected = both(cupy, isophotal.perimeter, sources, mask, None)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_allclose(actual, expected, rtol=1e-13)
    assert np.nanmax(actual) > 50


@pytest.mark.parametrize("width", [1, 2, 3, 40])
def test_outlines_in_narrow_images_do_not_reach_round_the_edge(cupy, width):
    rng = np.random.default_rng(width)
    for density in (0.5, 0.9, 1.1):
        image = (rng.random((30, width)) < density).astype(np.int32)
        sources = Sources.from_labels(image)
        mask = rng.random(image.shape) < 0.1
        for hidden in (None, mask):
            actual, expected = both(cupy, isophotal.perimeter, sources, hidden, None)
            np.testing.assert_allclose(actual, expected, rtol=1e-13)


@pytest.mark.parametrize("labels", SINGLES)
def test_small_sources(cupy, labels):
    sources = Sources.from_labels(np.array(labels, np.int32))
    image = np.arange(1.0, 1.0 + sources.shape[0] * sources.shape[1]).reshape(sources.shape)
    identical(*both(cupy, isophotal.summarize, sources, image, None, None))
    identical(*both(cupy, isophotal.total, sources, image, None, True, None))
    np.testing.assert_allclose(*both(cupy, isophotal.gini, sources, image, None, None), rtol=1e-14)
    np.testing.assert_allclose(*both(cupy, isophotal.perimeter, sources, None, None), rtol=1e-14)


def test_no_sources(cupy):
    sources = Sources.from_labels(np.zeros((5, 6), np.int32))
    image = np.zeros((5, 6), np.float32)
    identical(*both(cupy, isophotal.summarize, sources, image, None, None))
    identical(*both(cupy, isophotal.total, sources, image, None, False, None))
    identical(*both(cupy, isophotal.gini, sources, image, None, None))
    identical(*both(cupy, isophotal.perimeter, sources, None, None))


def _everything(cupy, sources, image, mask):
    sources, image, mask = (to_device(cupy, value) for value in (sources, image, mask))
    results = (
        *twin(isophotal.summarize.__wrapped__, "cuda")(sources, image, mask, None),
        *twin(isophotal.total.__wrapped__, "cuda")(sources, image, mask, True, None),
        twin(isophotal.gini.__wrapped__, "cuda")(sources, image, mask, None),
        twin(isophotal.perimeter.__wrapped__, "cuda")(sources, mask, None),
    )
    return to_host(cupy, results)


def test_the_bits_do_not_depend_on_the_schedule(cupy):
    args = drawn(6, dtype="f4", masked=True)
    with standin.schedule(*SCHEDULES[0]):
        first = _everything(cupy, *args)
    for other in SCHEDULES[1:]:
        with standin.schedule(*other):
            identical(_everything(cupy, *args), first)


@pytest.mark.costs
def test_the_host_waits_for_nothing():
    sources, image, mask = drawn(7, dtype="f4", masked=True)
    with standin.in_place() as counted:
        args = [to_device(counted, value) for value in (sources, image, mask)]
        costs = {}
        with standin.ledger() as ledger:
            for name, inputs in {
                "summarize": (*args, None), "total": (*args, True, None), "gini": (*args, None),
                "perimeter": (args[0], args[2], None),
            }.items():  # fmt: skip
                with ledger.stage(name) as costs[name]:
                    twin(getattr(isophotal, name).__wrapped__, "cuda")(*inputs)
    assert ledger.total.synchronisations == 0
    assert ledger.total.uploads == ledger.total.downloads == 0
    most = {"summarize": 10, "total": 10, "gini": 20, "perimeter": 10}
    assert {name: costs[name].launches <= most[name] for name in most} == dict.fromkeys(most, True)


@CASES
@pytest.mark.parametrize("with_error", [True, False])
def test_asymmetries_are_those_of_the_cpu(cupy, schedule, dtype, masked, with_error):
    rng = np.random.default_rng(8)
    # Two images, one below the other: of zones, of others' pixels and of nobody's.
    y, x = np.mgrid[:80, :70]
    owner = np.zeros(y.shape, np.int32)
    image = rng.normal(0, 1, y.shape)
    for k, (row, column) in enumerate([(12, 15), (20, 48), (33, 5), (60, 33), (77, 60)], start=1):
        owner[np.hypot(y - row, x - column) < 9] = k
        image += 60 * np.exp(-((y - row - 0.3) ** 2 + (x - column + 0.2) ** 2) / 15)
    owner[(owner == 2) & (x > 52)] = -1
    sources = Sources.from_labels(owner * (owner > 0))
    n = len(sources)
    squared = rng.integers(0, 5, y.shape).astype(np.int32)
    # One has no pixel near enough; the centres of another are all outside of the image.
    farthest = np.array([4, 3, 4, -1, 4])
    centres = np.array([(12.3, 14.8), (20, 48.5), (33, 5), (60, 33), (200, 60)])
    mask = rng.random(y.shape) < 0.02 if masked else None
    error = rng.uniform(0.5, 2, y.shape).astype(dtype) if with_error else None
    actual, expected = both(
        cupy, isophotal.asymmetry, sources, image.astype(dtype), error, mask, squared, farthest,
        rng.normal(0, 0.1, n), np.rint(16 * centres).astype(np.int64), owner, 40, None,
    )  # fmt: skip
    np.testing.assert_array_equal(np.isnan(expected), [False, False, False, True, True])
    close_sums(actual, expected, np.full(n, 4.0))
