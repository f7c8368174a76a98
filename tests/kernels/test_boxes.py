"""The kernel of the boxes: astropy's clipping, statistics to rounding, any number of threads."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from astropy.stats import SigmaClip, biweight_location, biweight_scale, mad_std
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyshed.kernels.boxes import Clip, Statistic, cpu, statistics

ALL = (
    Statistic("mean"), Statistic("median"), Statistic("std"), Statistic("mad_std"),
    Statistic("biweight_location", 6.0), Statistic("biweight_scale", 9.0),
)  # fmt: skip
CLIP = Clip(3.0, 3.0, 10, "median", "std")


def expected(values):
    """The six statistics of ``values`` by NumPy and astropy, in float64."""
    values = np.asarray(values, float)
    return [
        values.mean(), np.median(values), values.std(), mad_std(values), biweight_location(values),
        biweight_scale(values),
    ]  # fmt: skip


def one_box(values, clip):
    """Measure 1-D values as one box."""
    result, n_good, _, limits = statistics(values[None], None, (1, values.size), clip, ALL, 1)
    return result[:, 0, 0], n_good[0, 0], limits[:, 0, 0]


@settings(max_examples=150)
@given(
    values=arrays(
        st.sampled_from([np.float32, np.float64]),
        st.integers(1, 200),
        elements=st.integers(-30, 30) | st.sampled_from([400, -5000, np.nan, np.inf]),
    ),
    scale=st.sampled_from([1.0, 0.1, 1 / 3]),
    lower=st.sampled_from([0.1, 0.5, 1.0, 3.0]),
    upper=st.sampled_from([0.1, 1.0, 2.5, 5.0]),
    maxiters=st.sampled_from([1, 2, 10, None]),
    center=st.sampled_from(["mean", "median"]),
    spread=st.sampled_from(["std", "mad_std"]),
)
@example(np.array([0.0, 10.0]), 1.0, 0.5, 0.5, 10, "median", "std")  # clips everything
@pytest.mark.filterwarnings("ignore")
def test_clipping_keeps_what_astropy_keeps(values, scale, lower, upper, maxiters, center, spread):
    values = (values * scale).astype(values.dtype)
    clip = SigmaClip(
        sigma_lower=lower, sigma_upper=upper, maxiters=maxiters, cenfunc=center, stdfunc=spread
    )
    kept, low, high = clip(values, axis=0, masked=False, return_bounds=True)
    # A value within rounding of a limit may fall on either side.
    scale_of_values = np.nanmax(np.abs(np.where(np.isfinite(values), values, 0)), initial=1e-30)
    edge = min(np.nanmin(np.abs(values - low)), np.nanmin(np.abs(values - high)))
    if edge < 1e-12 * scale_of_values:
        return
    kept = kept[np.isfinite(kept)]
    rule = Clip(lower, upper, -1 if maxiters is None else maxiters, center, spread)
    result, n_good, limits = one_box(values, rule)
    assert n_good == kept.size
    if kept.size == 0:
        assert np.isnan(result).all()
        assert np.isnan(limits).all()
    else:
        np.testing.assert_allclose(result, expected(kept), rtol=1e-12, atol=1e-13 * scale_of_values)
        np.testing.assert_array_equal(limits, [kept.min(), kept.max()])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 63, 64, 65, 128, 1000, 4096])
def test_statistics_without_clipping_are_those_of_numpy_and_astropy(n, dtype):
    values = np.random.default_rng(n).normal(50, 3, n).astype(dtype)
    result, n_good, limits = one_box(values, None)
    assert n_good == n
    np.testing.assert_allclose(result, expected(values), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(limits, [values.min(), values.max()])


def test_float32_values_are_measured_in_float64():
    values = (1000 + np.random.default_rng(1).normal(0, 1, 10_000)).astype(np.float32)
    result, _, _ = one_box(values, None)
    np.testing.assert_allclose(result, expected(values), rtol=1e-12)
    assert abs(np.std(values) / result[2] - 1) > 1e-9  # what float32 sums give


def test_moments_keep_their_digits_far_from_the_median_of_the_box():
    # Clipping below keeps only values that lie a million away from where the sums were taken.
    values = np.concatenate([np.zeros(60), 1e6 + np.linspace(0, 1, 55)])
    clip = Clip(0.1, 10.0, 1, "mean", "std")
    result, n_good, _ = one_box(values, clip)
    assert n_good == 55
    np.testing.assert_allclose(result[2], np.std(np.linspace(0, 1, 55)), rtol=1e-8)


def test_a_dead_pixel_does_not_cost_the_others_digits():
    values = np.random.default_rng(2).normal(5, 1, 4000)
    spoiled = values.copy()
    spoiled[[7, 99]] = [-1e12, 1e12]
    clip = Clip(3.0, 3.0, -1, "median", "std")
    result, _, (low, high) = one_box(spoiled, clip)
    kept = spoiled[(spoiled >= low) & (spoiled <= high)]
    assert abs(kept.size - 4000) < 30
    np.testing.assert_allclose(result, expected(kept), rtol=1e-13)


def drawn(name, n):
    """Return n values that are spread otherwise than those of a sky."""
    rng = np.random.default_rng(9)
    if name == "few different values":
        return rng.poisson(3, n) * 0.25
    if name == "half of them equal":
        return np.where(rng.random(n) < 0.5, -0.0, rng.normal(0, 1, n))
    if name == "two far clusters":
        return np.where(rng.random(n) < 0.5, -1.0, 1e30) * rng.normal(1, 1e-3, n)
    if name == "heavy tails":
        return rng.standard_cauchy(n)
    if name == "a cliff at the median":
        return np.where(rng.random(n) < 0.5, rng.normal(0, 1e-6, n), rng.exponential(100, n))
    if name == "crowded":
        return rng.normal(0, 1, n) + np.where(rng.random(n) < 0.4, rng.exponential(20, n), 0)
    return rng.normal(0, 1e-44, n)  # "denormal"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name",
    [
        "few different values", "half of them equal", "two far clusters", "heavy tails",
        "a cliff at the median", "crowded", "denormal",
    ],
)  # fmt: skip
@pytest.mark.parametrize("n", [513, 4096, 30_000])
def test_the_median_is_a_value_by_its_rank_however_values_are_spread(name, n, dtype):
    values = drawn(name, n).astype(dtype)
    for clip in (None, Clip(3.0, 3.0, -1, "median", "std"), Clip(1.0, 0.5, 3, "median", "mad_std")):
        result, n_good, (low, high) = one_box(values, clip)
        kept = values[(values >= low) & (values <= high)].astype(float)
        assert n_good == kept.size
        assert result[1] == np.median(kept)
        np.testing.assert_allclose(result[3], mad_std(kept), rtol=1e-15)


def test_equal_values_have_no_spread():
    result, n_good, _ = one_box(np.full(1000, 0.1), CLIP)
    np.testing.assert_array_equal(result, [0.1, 0.1, 0, 0, 0.1, 0])
    assert n_good == 1000


def test_biweights_may_be_measured_from_a_given_place():
    values = np.random.default_rng(3).normal(5, 1, 501)
    wanted = (Statistic("biweight_location", 5.0, 4.5), Statistic("biweight_scale", 7.0, 5.5))
    result, *_ = statistics(values[None], None, (1, 501), None, wanted, 1)
    np.testing.assert_allclose(
        result[0, 0, 0], biweight_location(values, c=5, M=np.array(4.5)), rtol=1e-13
    )
    np.testing.assert_allclose(
        result[1, 0, 0], biweight_scale(values, c=7, M=np.array(5.5)), rtol=1e-13
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("box", [(10, 10), (7, 13), (40, 50), (1, 1), (3, 50)])
def test_each_box_has_its_own_good_pixels(box, masked):
    rng = np.random.default_rng(4)
    data = rng.normal(0, 1, (40, 50))
    data[rng.random(data.shape) < 0.05] = np.nan
    data[rng.random(data.shape) < 0.02] = np.inf
    mask = rng.random(data.shape) < 0.3 if masked else None
    result, n_good, n_bad, _ = statistics(data, mask, box, None, ALL[:2], 2)
    assert n_good.shape == (-(-40 // box[0]), -(-50 // box[1]))
    for by, bx in np.ndindex(n_good.shape):
        here = np.s_[by * box[0] : (by + 1) * box[0], bx * box[1] : (bx + 1) * box[1]]
        seen = data[here] if mask is None else data[here][~mask[here]]
        good = seen[np.isfinite(seen)]
        assert n_good[by, bx] == good.size
        assert n_bad[by, bx] == seen.size - good.size
        want = [good.mean(), np.median(good)] if good.size else [np.nan, np.nan]
        np.testing.assert_allclose(result[:, by, bx], want, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(dtype, monkeypatch):
    data = np.random.default_rng(5).normal(10, 2, (130, 170)).astype(dtype)
    mask = data > 15
    runs = [statistics(data, mask, (9, 11), CLIP, ALL, n) for n in (1, 2, 5)]
    monkeypatch.setattr(cpu, "BUFFER", 1)  # a box at a time
    runs.append(statistics(data, mask, (9, 11), CLIP, ALL, 3))
    for run in runs[1:]:
        for first, other in zip(runs[0], run, strict=True):
            np.testing.assert_array_equal(first, other)


def test_a_box_larger_than_the_buffer_is_measured_whole():
    data = np.random.default_rng(6).normal(10, 2, (300, 300))
    assert data.nbytes > cpu.BUFFER
    result, n_good, _, _ = statistics(data, None, (300, 300), None, ALL, None)
    assert n_good[0, 0] == data.size
    np.testing.assert_allclose(result[:, 0, 0], expected(data.ravel()), rtol=1e-13)


def test_inputs_are_not_modified():
    data = np.random.default_rng(7).normal(10, 2, (30, 30))
    mask = data > 12
    data.flags.writeable = mask.flags.writeable = False
    before = data.copy()
    statistics(data, mask, (10, 10), CLIP, ALL, 2)
    np.testing.assert_array_equal(data, before)


def measured_once(data, n_threads):
    return statistics(data, None, data.shape, CLIP._replace(spread="mad_std"), ALL, n_threads)


@pytest.mark.timed
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("delay", [0.05, 0.4])
def test_a_signal_ends_the_measuring_of_a_giant_box_within_half_a_second(delay):
    """Of the process's own time: others may keep it waiting."""
    data = np.random.default_rng(5).normal(size=(6000, 6000)).astype(np.float32)
    spent = []

    def interrupt():
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGINT)
        spent.append(time.process_time())  # not before: this thread may wait for its turn

    def measure():
        thread.start()
        for _ in range(100):
            measured_once(data, 1)

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):  # whenever the signal comes: it would end all tests
        measure()
    ended = time.process_time()
    thread.join()
    assert ended - spent[0] < 0.5
