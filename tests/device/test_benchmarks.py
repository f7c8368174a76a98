"""The benchmark of the device path, on the stand-in: it must run when it first meets a GPU."""

import argparse
import re

import numpy as np
import pytest

from benchmarks import device_ledger, device_times
from benchmarks.scene import survey_scene


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


def test_the_ledger_says_what_is_within_the_limits(scene, monkeypatch):
    options = argparse.Namespace(bandwidth=1e12)
    text = device_ledger.report([scene], options)
    assert text.count("| within |") == len(device_ledger.LIMITS)
    assert "EXCEEDED" not in text
    monkeypatch.setitem(device_ledger.LIMITS, "launches", 10)
    counted = device_ledger.count(scene)
    assert "EXCEEDED" in "\n".join(device_ledger._limits(counted))
