"""The long runs work, go on where they were stopped, and tell what is wrong."""

import json
from collections import Counter

import pytest

from tests.endurance import __main__ as endurance
from tests.endurance import runs
from tests.endurance.growth import growth
from tests.endurance.runs import RUNS, Run


def done(*arguments):
    return endurance.main(endurance.parser.parse_args([str(each) for each in arguments]))


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state.json"


def test_a_run_that_was_stopped_goes_on_and_the_table_says_what_came(state, monkeypatch, capsys):
    tried = []

    def attempt(n):
        tried.append(n)
        if n == 4:
            raise AssertionError("another\n  result")
        return "right" if n % 2 else "refused"

    monkeypatch.setattr(endurance, "RUNS", {"drawn": Run(7, attempt, "a promise")})
    assert done("--state", state, "--tries", 3) == 0
    assert done("--state", state) == 1
    assert done("--state", state, "drawn") == 1
    assert tried == list(range(7))
    kept = json.loads(state.read_text())["drawn"]
    assert kept["wrong"] == [[4, "AssertionError: another result"]]
    assert "| drawn | 7 | 3 refused, 3 right | 1 | a promise |" in capsys.readouterr().out


def test_a_try_may_count_several_things(state, monkeypatch, capsys):
    def attempt(n):
        return Counter({"equal": 3, "damaged": n})

    monkeypatch.setattr(endurance, "RUNS", {"drawn": Run(3, attempt, "a promise")})
    assert done("--state", state) == 0
    assert "| drawn | 3 | 3 damaged, 9 equal | 0 | a promise |" in capsys.readouterr().out


def test_a_run_ends_when_its_time_is_over(state, monkeypatch):
    monkeypatch.setattr(endurance, "RUNS", {"drawn": Run(7, lambda n: "right", "a promise")})
    assert done("--state", state, "--seconds", 1e-9) == 0
    assert not state.exists()


def test_a_name_that_is_none_is_refused(state):
    with pytest.raises(SystemExit):
        done("--state", state, "kil")


@pytest.mark.parametrize("name", ["damage", "fuzz"])
def test_each_long_run_can_be_tried(name):
    assert isinstance(RUNS[name].attempt(0), str)


def test_a_large_image_is_tried_small():
    assert runs.sparse(0, side=1400) == "right"


def test_repeated_runs_do_not_grow():
    """By no more than the last of the caches: a leak of one image would be 2 MB here."""
    assert growth(50) < 1.5e6
