"""A machine with a GPU: what takes CuPy gets it, and nothing passes because CuPy is missing."""

import ctypes
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.device import run
from tests.device.emulator.build import PLAIN_VARIANT

ROOT = Path(__file__).parents[2]
#: As much of CuPy as a test that mixes needs.
POSING = """
class ndarray:
    pass


def is_available():
    return True
"""
MIXED = """
import sys

import pytest


@pytest.fixture(scope="module")
def kept(counted):
    return counted


def test_one_counts(kept):
    import cupy

    assert cupy is kept
    assert hasattr(cupy, "RawModule")


def test_another_runs(cupy):
    import cupy as imported

    assert imported is cupy
    assert not hasattr(cupy, "RawModule")


def test_a_third_counts_again(kept):
    assert sys.modules["cupy"] is kept
"""


def test_tests_of_one_module_get_the_cupy_they_take(tmp_path):
    (tmp_path / "cupy.py").write_text(POSING)
    (tmp_path / "conftest.py").write_text(
        "from tests.device.conftest import *\nfrom tests.device.conftest import _one_cupy\n"
    )
    (tmp_path / "test_mixed.py").write_text(textwrap.dedent(MIXED))
    environment = {name: value for name, value in os.environ.items() if name != PLAIN_VARIANT}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(ROOT), *sys.path])
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some look what CuPy there is
    told = ["-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", os.devnull]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *told, tmp_path / "test_mixed.py"],
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert "3 passed" in done.stdout, done.stdout + done.stderr


class Driver:
    """A driver that sees so many GPUs."""

    def __init__(self, count):
        self.count = count

    def cuInit(self, _):
        return 0

    def cuDeviceGetCount(self, pointer):
        pointer._obj.value = self.count
        return 0


@pytest.mark.parametrize("count", [0, 2])
def test_gpus_are_counted_by_the_driver(monkeypatch, count):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(count))
    assert run.count_gpus() == count


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert run.count_gpus() == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise ImportError('no CuPy here')", "no CuPy here"),
        ("def is_available():\n    return False\n", "cupy.is_available() is False"),
    ],
)
def test_a_gpu_that_cupy_cannot_use_is_a_failure(tmp_path, monkeypatch, text, why):
    (tmp_path / "cupy.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    phase = run.run_on_gpu()
    assert not phase.ok
    assert "this machine has a GPU, but CuPy can't use it" in phase.output
    assert why in phase.output
