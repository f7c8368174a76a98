"""The day on hardware: its steps exist, run on the stand-in, and end in a table that tells."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_day import __main__ as day
from benchmarks.gpu_day import measured, step

ROOT = Path(__file__).parents[2]
PREDICTED = {
    "gpus": ["H200", "T4"],
    "fields": {
        "4096": {
            "n_sources": 9, "pool": 27.0,
            "stages": {
                name: {"H200": {"best": 1e-3, "worst": 2e-3}, "T4": {"best": 1.0, "worst": 2.0}}
                for name in ("background", "catalog", "whole chain")
            },
            "kernels": {
                "search_small": {
                    "H200": {"best": 1e-3, "worst": 3e-3}, "T4": {"best": 1.0, "worst": 2.0},
                }
            },
        }
    },
}  # fmt: skip


def figures(size="4096", **seconds):
    stages = {name: {"issued": 1e-4, "done": value} for name, value in seconds.items()}
    kernels = {
        "search_small": {"launches": 1, "seconds": 2e-3}, "new": {"launches": 2, "seconds": 1e-3},
    }  # fmt: skip
    field = {"n_sources": 9, "pool": 26.0, "stages": stages, "kernels": kernels}
    return {"gpu": "NVIDIA H200", "fields": {size: field}}


def test_each_figure_is_held_against_its_prediction():
    text, within, n = measured.tables(figures(background=0.5e-3, catalog=1.5e-3), PREDICTED)
    assert "| background | 0.500 | 1 - 2 | 0.5 | faster |" in text
    assert "| catalog | 1.500 | 1 - 2 | 1.5 | within |" in text
    assert "| whole chain | 2.000 | 1 - 2 | 2.0 | within |" in text
    assert "| search_small | 2.000 | 1 - 3 | 2.0 | within |" in text
    assert "| new | 1.000 | not predicted" in text
    assert "26.0 bytes per pixel; predicted 27.0" in text
    assert (within, n) == (3, 4)
    slower, _, _ = measured.tables(figures(background=9e-3, catalog=0.0), PREDICTED)
    assert "| background | 9.000 | 1 - 2 | 9.0 | SLOWER |" in slower


def test_a_field_that_was_not_predicted_is_said_to_be():
    text, within, n = measured.tables(figures("77", background=1e-3), PREDICTED)
    assert "77 x 77: not predicted" in text
    assert (within, n) == (0, 0)
    _, _, n = measured.tables(figures("77", background=1e-3), PREDICTED, every=True)
    assert n == 3


@pytest.mark.parametrize(
    ("name", "gpu"), [("NVIDIA H200", "H200"), ("Tesla T4", "T4"), ("RTX 4090", "H200")]
)
def test_the_gpu_is_known_by_its_name(name, gpu):
    assert measured.gpu_of(name, PREDICTED["gpus"]) == gpu


def test_predictions_are_kept_for_fields_that_are_timed():
    kept = json.loads(measured.PREDICTED.read_text())
    assert {"2048", "4096"} <= set(kept["fields"])
    for field in kept["fields"].values():
        assert set(field["stages"]["whole chain"]) == set(kept["gpus"])


@pytest.mark.parametrize("rehearsal", [False, True])
def test_steps_run_what_exists_within_ten_minutes(rehearsal):
    steps = list(day.steps(rehearsal))
    assert len({each.name for each in steps}) == len(steps)
    for each in steps:
        own = "benchmarks.gpu_day.step" in each.arguments
        paths = [one for one in each.arguments if one.startswith("tests/")]
        assert own != bool(paths)
        assert not own or each.arguments[-1] in step.STEPS
        for path in paths:
            assert (ROOT / path).exists(), path
    assert day.WHOLE < 600


def test_a_step_that_fails_or_hangs_is_told_and_the_next_one_runs(tmp_path, monkeypatch, capsys):
    def given(rehearsal):
        yield day.Step("fails", 30, ("-c", "print('so'); raise SystemExit(3)"))
        yield day.Step("lacks", 30, ("-c", "0"), ("no-such-program",))
        yield day.Step(
            "hangs", 20, ("-c", "print('begun', flush=True); import time; time.sleep(99)")
        )
        yield day.Step("works", 30, ("-c", "print('done')"))

    monkeypatch.setattr(day, "steps", given)
    monkeypatch.setattr(day, "LEAST", 1)
    assert day.main(["--out", str(tmp_path)]) == 1
    lines = (tmp_path / "summary.txt").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["rc=3", "rc=-", "rc=124", "rc=0"]
    assert lines[0].endswith(": so")
    assert lines[2].endswith(": begun")
    assert "3 steps failed" in capsys.readouterr().out


def test_the_stand_in_poses_as_cupy_and_stays_so():
    """Tests that count put another copy in its place, and take it away again."""
    code = (
        "from benchmarks.gpu_day import posing\n"
        "import cupy, sys\n"
        "posed = cupy\n"
        "from tests.device import standin\n"
        "assert not standin.installed() and cupy.is_available()\n"
        "with standin.in_place() as other:\n"
        "    import cupy as now\n"
        "    assert now is other and now is not posed\n"
        "import cupy as again\n"
        "assert again is posed and sys.modules['cupy'] is posed\n"
        "print('posed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT,
        env=day._environment(Path("."), True),
    )  # fmt: skip
    assert done.stdout == "posed\n", done.stderr


@pytest.mark.slow
def test_the_whole_day_is_rehearsed(tmp_path):
    """Every step, as on hardware but for the sanitizers' tools and the sizes."""
    assert day.main(["--rehearse", "--out", str(tmp_path)]) == 0
    assert "| whole chain |" in (tmp_path / "measured.md").read_text()
