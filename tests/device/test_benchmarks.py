"""The benchmark of the device path, on the stand-in: it must run when it first meets a GPU."""

import argparse
import re

import numpy as np
import pytest

from benchmarks import device_ledger, device_model, device_times, host_time
from benchmarks.device_rates import GPU
from benchmarks.scene import survey_scene
from tests.device.standin import counts


@pytest.fixture(scope="module")
def scene():
    return survey_scene(160, 1, None)


@pytest.fixture
def times(counted, scene, monkeypatch):
    """Report the times of the stand-in, as if it were a GPU."""
    monkeypatch.setattr(device_times, "COPIED", 1 << 16)
    options = argparse.Namespace(rounds=1, bandwidth=None)
    return lambda: device_times.report([scene], options, counted)


def test_each_stage_is_checked_and_timed(times):
    text = times()
    assert "WRONG" not in text
    assert len(re.findall(r"^\| .*identical \|$", text, re.MULTILINE)) == 2
    assert re.search(r"^\| catalog .* [0-9]+ columns within", text, re.MULTILINE)
    assert float(re.search(r"held ([0-9.]+) bytes", text)[1]) > 20


def test_a_wrong_result_is_named(times, monkeypatch):
    """One pixel with another label, and one flux too large."""
    detection, catalog = device_times.STAGES["detection"], device_times.STAGES["catalog"]

    def spoiled(results):
        detection(results)
        if not isinstance(results["convolved"], np.ndarray):
            results["detected"].data[0, 0] += 1

    def brightened(results):
        catalog(results)
        if not isinstance(results["data"], np.ndarray):
            results["table"]["segment_flux"][0] += 1

    monkeypatch.setitem(device_times.STAGES, "detection", spoiled)
    monkeypatch.setitem(device_times.STAGES, "catalog", brightened)
    text = times()
    assert "WRONG: 1 pixels have another label" in text
    assert "WRONG: off are segment_flux by" in text


@pytest.fixture(scope="module")
def counted_chain(scene):
    return device_ledger.count(scene)


def test_the_ledger_says_what_is_within_the_limits(scene, counted_chain, monkeypatch):
    counted = counted_chain
    monkeypatch.setattr(device_ledger, "count", lambda given: counted)
    text, predicted = device_ledger.report([scene], argparse.Namespace())
    (field,) = predicted["fields"].values()
    assert set(field["stages"]) >= {*device_times.STAGES, device_ledger.WHOLE}
    assert field["kernels"]["search_small"]["T4"]["best"] > 0
    assert text.count("| within |") == len(device_ledger.LIMITS)
    assert "EXCEEDED" not in text
    # Every stage on every GPU: best and worst, and the floor.
    for stage in (*device_times.STAGES, device_ledger.WHOLE):
        (row,) = re.findall(rf"^\| {stage} \| (.* - .*)$", text, re.MULTILINE)
        assert len(re.findall(r"[0-9.]+ - [0-9.]+ \([0-9.e-]+\)", row)) == len(device_ledger.GPUS)
    assert "search_small" in text
    monkeypatch.setitem(device_ledger.LIMITS, "launches", 10)
    assert "EXCEEDED" in "\n".join(device_ledger._limits(counted))


def test_predictions_hold_the_floor_and_the_best_before_the_worst(counted_chain):
    for stages in device_ledger.times(counted_chain).values():
        for time in stages.values():
            for best, worst in (time.own, time.library, time.host, time.wall):
                assert 0 <= best <= worst
            assert time.floor <= time.wall[0]
    for kernel in device_model.kernels(counted_chain.ledger.launches):
        assert 0 < kernel.lane_use <= 1
        for gpu, (best, worst) in kernel.took.items():
            assert kernel.floor[gpu] <= best <= worst


def test_python_is_timed_without_the_stand_in(counted_chain, counted):
    """What the stand-in takes is left out: it is many times what the stages' own Python takes."""
    x, n = counted.zeros(100_000), 30
    watch_nothing = host_time.python_seconds(counted, lambda: [x + 1 for _ in range(n)])
    counted_as_ours = host_time.python_seconds(counted, lambda: sum(i * i for i in range(200_000)))
    assert watch_nothing < counted_as_ours
    assert set(counted_chain.python) == set(device_times.STAGES)
    assert all(seconds > 0 for seconds in counted_chain.python.values())
    assert counted.add.__class__.__call__.__name__ == "__call__"  # nothing is watched any more


@pytest.mark.parametrize(
    ("work", "decides", "clocks"),
    [
        # By hand, for a GPU of 10 multiprocessors at 1 GHz and 1 TB/s.
        ({"warps": (1e6, 0, 0, 0, 0)}, "fp64", 1e6 / 2 / 10),
        ({"warps": (0, 0, 1e6, 0, 0)}, "integer", 1e6 / 2 / 10),
        ({"warps": (0, 0, 0, 1e6, 0)}, "accesses", 1e6 / 10),
        ({"warps": (0, 0, 0, 0, 0), "nbytes": 1e9}, "bytes", 1e6),
        ({"warps": (1e3, 0, 0, 0, 0), "longest": (1e3, 0, 0, 0, 0)}, "longest block", 4e3),
        # 1000 blocks; a multiprocessor holds 8 of 256 threads.
        ({"warps": (0,) * 5, "one_by_one": (1e6, 0, 0, 0, 0)}, "latency", 4e6 / 80),
    ],
)
def test_what_decides_is_what_takes_longest(work, decides, clocks):
    gpu = GPU(
        "one", "sm_90", 10, (1e9, 1e9), 2, 4, 2, (4, 8), (1e12, 1e12), (1e9, 1e9), 64, 228 * 1024
    )
    names, zero = ("warps", "lanes", "longest", "one_by_one"), (0.0,) * 5
    known = {name: np.array(work.get(name, zero)) for name in names}
    launch = counts.Launch("f", "", 1000, 256, 0, {"sm_90": 32}, work.get("nbytes", 0), known)
    seconds, why = device_model.kernel_seconds(gpu, launch, device_model.BEST)
    assert why == decides
    assert seconds == pytest.approx(clocks * 1e-9 + 1.5e-6)
    assert device_model.kernel_seconds(gpu, launch, device_model.WORST)[0] > seconds


def test_blocks_at_once_are_what_registers_shared_memory_and_warps_allow():
    h200, t4 = device_ledger.GPUS[0], device_ledger.GPUS[-1]
    assert h200.blocks_at_once(256, 32, 0) == 8  # 64 warps
    assert t4.blocks_at_once(256, 32, 0) == 4  # 32 warps
    assert h200.blocks_at_once(512, 104, 0) == 1  # 53,248 registers
    assert h200.blocks_at_once(128, 32, 48 * 1024) == 4
    assert h200.blocks_at_once(64, 134, 200) == 7
