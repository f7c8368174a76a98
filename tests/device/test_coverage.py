"""A line that no test runs, and a kernel that no test launches, are found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.device import coverage, kernel_files
from tests.device.emulator.build import FOLDER, PLAIN_VARIANT

PLANTED = """extern "C" __global__ void half(const REAL *x, int n, int *out) {
    const i64 i = global_thread();
    if (i >= n) return;
    if (x[i] < 0)
        out[i] = -1;
    else
        out[i] = 1;
}
extern "C" __global__ void idle(int *out) {
    out[0] = 3;
}
"""
LAUNCH = """
import numpy as np
from pathlib import Path
from tests.device import kernel_files
from tests.device.emulator.build import Module
kernel_files.FOLDER = Path({folder!r})
text = Path({text!r}).read_text()
module = Module(text, Path("kernel.cu"), options=("-DREAL=float",))
x = np.array({values}, np.float32)
module.launch("half", (1,), (32,), (x, np.int32(x.size), np.zeros(x.size, np.int32)))
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A kernel folder with one file; the text that the compiler gets, and where counts go."""
    prelude = (kernel_files.FOLDER / "prelude.cu").read_text()
    folder = tmp_path / "kernels"
    (folder / "halves").mkdir(parents=True)
    (folder / "prelude.cu").write_text(prelude)
    (folder / "halves" / "halves.cu").write_text(PLANTED)
    text = f'{prelude}\n#line 1 "halves.cu"\n{PLANTED}'
    monkeypatch.setattr(kernel_files, "FOLDER", folder)
    monkeypatch.setattr(kernel_files, "source", lambda path: text)
    (tmp_path / "text.cu").write_text(text)
    return tmp_path


def run(planted, values, variant="coverage"):
    code = LAUNCH.format(
        folder=str(planted / "kernels"), text=str(planted / "text.cu"), values=values
    )
    environment = {
        **os.environ, PLAIN_VARIANT: variant, FOLDER: str(planted / "counts"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, cwd=Path(__file__).parents[2]
    )
    return coverage.collect([planted / "counts"])


def test_lines_and_kernels_that_do_not_run_are_listed(planted):
    found = run(planted, [1.0, 2.0])
    assert found.not_launched() == ["halves/halves.cu: idle"]
    missing = [line for line in found.not_run() if line.startswith("halves/")]
    assert "halves/halves.cu:5: out[i] = -1;" in missing
    assert not any(line.startswith("halves/halves.cu:7:") for line in missing)
    assert any(line.startswith("halves/halves.cu:10:") for line in missing)


def test_counts_of_processes_add_up(planted):
    run(planted, [1.0, 2.0])
    found = run(planted, [-1.0])
    assert not any(line.startswith("halves/halves.cu:5:") for line in found.not_run())
    assert found.lines["halves/halves.cu"][7] == 2


def test_kernels_that_are_not_launched_are_listed_without_counts(planted):
    run(planted, [1.0], "plain")
    assert coverage.never_launched(planted / "counts") == ["halves/halves.cu: idle"]


def test_texts_of_tests_count_for_nothing(planted, monkeypatch):
    monkeypatch.setattr(kernel_files, "source", lambda path: "another text")
    assert run(planted, [1.0]).n_lines == 0
