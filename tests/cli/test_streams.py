"""Standard streams and signals: what happens to them decides nothing, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.io import fits

from skyshed import cli
from skyshed.output.results import RESULTS
from tests.pipeline_field import make_field

SKYSHED = [sys.executable, "-m", "skyshed"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("streams") / "image.fits"
    fits.writeto(path, make_field())
    return path


def in_shell(command, **options):
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=300, **options
    )


@pytest.mark.parametrize(
    "streams",
    ["2>&-", ">&-", ">&- 2>&-", ">/dev/full", "2>/dev/full", "| true"],
)
def test_streams_that_take_nothing_decide_nothing(image, tmp_path, streams):
    out = tmp_path / "out"
    command = f"{' '.join(SKYSHED)} extract {image} --out {out} {streams}"
    done = in_shell(f"{command}; echo status ${{PIPESTATUS[0]}} >{tmp_path}/status")
    assert (tmp_path / "status").read_text() == "status 0\n", done.stderr
    assert {"catalog.fits", "segmentation.fits", "preview.png"} <= {p.name for p in out.iterdir()}
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_letters_that_a_terminal_lacks_are_spelled_out(image, tmp_path):
    out = tmp_path / "Übersicht"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [*SKYSHED, "extract", str(image), "--out", str(out), "--no-preview"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "\\xdcbersicht" in done.stdout
    missing = [*SKYSHED, "extract", str(tmp_path / "für.fits"), "--out", str(out)]
    done = subprocess.run(missing, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert "f\\xfcr.fits" in done.stderr


@pytest.mark.parametrize(
    ("number", "word"),
    [(signal.SIGTERM, "terminated"), (signal.SIGHUP, "hung up"), (signal.SIGINT, "interrupted")],
)
@pytest.mark.parametrize("when", ["while it works", "while it writes"])
def test_a_signal_ends_a_run_in_words_and_leaves_nothing(tmp_path, number, word, when):
    rng = np.random.default_rng(4)
    data = rng.normal(10, 1, (3000, 3000)).astype(np.float32)
    data[::23, ::29] += 50
    fits.writeto(tmp_path / "large.fits", data)
    out = tmp_path / "out"
    command = [*SKYSHED, "extract", str(tmp_path / "large.fits"), "--out", str(out), "--quiet"]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    folder = out if when == "while it works" else None
    deadline = time.monotonic() + 300
    while started.poll() is None and time.monotonic() < deadline:
        if folder is not None and folder.exists():
            break
        if folder is None and list(out.glob(".skyshed-*-*/*")):
            break
    started.send_signal(number)
    shown = started.communicate(timeout=300)[1]
    if started.returncode in (0, -number) and out.exists():  # it was faster, and done or leaving
        assert {"catalog.fits", "segmentation.fits"} <= {path.name for path in out.iterdir()}
        assert {path.name for path in out.iterdir()} <= set(RESULTS)
        assert shown == ""
        return
    assert started.returncode == 128 + number
    assert shown.endswith(f"skyshed: {word}\n")
    assert not out.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_code_made_of_text_runs_ends_in_words_too(tmp_path, number):
    # Python itself would die of SIGINT in the end, after the words, where it runs a module.
    code = f"""
import os, signal, skyshed.cli as cli

# Whoever runs the tests may ignore it (nohup, a shell in the background).
kept = signal.default_int_handler if {int(number)} == signal.SIGINT else signal.SIG_DFL
signal.signal({int(number)}, kept)

def run(arguments):
    exec("os.kill(os.getpid(), {int(number)})\\nwhile True: pass", {{"os": os}})

cli.info.run = run
cli.command()
"""
    (tmp_path / "module.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "module", "info"]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, timeout=300, env=environment
    )  # fmt: skip
    assert done.returncode == 128 + number
    assert done.stderr == f"skyshed: {cli.SIGNALS[number]}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_after_all_is_done_says_nothing(tmp_path, number):
    code = f"""
import atexit, os, signal, skyshed.cli as cli

kept = signal.default_int_handler if {int(number)} == signal.SIGINT else signal.SIG_DFL
signal.signal({int(number)}, kept)
atexit.register(os.kill, os.getpid(), {int(number)})
cli.info.run = lambda arguments: 0
cli.command()
"""
    (tmp_path / "module.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "module", "info"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment
    )  # fmt: skip
    assert done.returncode == -number
    assert done.stderr == ""
