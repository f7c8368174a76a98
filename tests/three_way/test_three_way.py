"""photutils and the CPU's kernels agree on small images of every kind.

`python -m tests.three_way` compares thousands, also with the device's kernels.
"""

from pathlib import Path

import numpy as np
import pytest

from skyshed.catalog.registry import COLUMNS as REGISTERED
from tests.three_way import compare as comparing
from tests.three_way.cases import draw
from tests.three_way.compare import NAMES, compare
from tests.three_way.known import COLUMNS, KNOWN
from tests.three_way.run import run

#: Of so many cases at most one may differ for a reason that is known.
RARE = 25


@pytest.fixture(scope="module")
def tally(tmp_path_factory):
    return run(150, 20261130, tmp_path_factory.mktemp("state") / "tally.json", ("photutils",))


def test_there_is_no_difference_that_is_not_known(tally):
    assert tally.unknown == [], f"\n{tally}"
    assert tally.diverged <= 150 / RARE


def test_a_run_that_was_stopped_goes_on(tally):
    again = run(tally.done, tally.seed, tally.path, ("photutils",))
    assert vars(again) == vars(tally)


def test_what_is_known_is_in_the_page_of_differences():
    page = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()
    assert all(line in page for line in KNOWN)


def test_what_is_known_is_of_columns():
    assert set(COLUMNS) <= {column.alias or name for name, (column, _) in REGISTERED.items()}
    assert set(COLUMNS.values()) == set(KNOWN)


def test_cases_are_of_every_kind():
    cases = [draw(1, n) for n in range(200)]
    assert {"f", "i", "u"} <= {case.data.dtype.kind for case in cases}
    assert any(not np.isfinite(case.data).all() for case in cases)
    assert min(min(case.data.shape) for case in cases) == 1
    for name in ("mask", "error", "background", "deblend", "mesh"):
        assert 40 < sum(getattr(case, name) is not None for case in cases) < 180


@pytest.mark.parametrize("name", ["detect", "max_value", "area"])
def test_the_comparison_finds_what_differs(monkeypatch, name):
    if name == "detect":
        theirs = comparing._Photutils.detect_sources

        def changed(*given, **options):
            found = theirs(*given, **options)
            if found is not None:
                found.data[found.data == 1] = found.max_label + 1
            return found

        monkeypatch.setattr(comparing._Photutils, "detect_sources", staticmethod(changed))
    else:
        assert name in NAMES
        right = getattr(comparing.TheirCatalog, name)
        monkeypatch.setattr(
            comparing.TheirCatalog, name, property(lambda self: right.__get__(self) * (1 + 1e-6))
        )
    found = [each.what for n in range(6) for each in compare(draw(3, n), ("photutils",))]
    assert name in found


def test_what_only_one_refuses_is_found(monkeypatch):
    def refuse(*_, **__):
        raise ValueError("no")

    monkeypatch.setattr(comparing._Photutils, "detect_sources", staticmethod(refuse))
    found = compare(draw(3, 0), ("photutils",))
    assert [each.what for each in found] == ["detect"]
    assert "ValueError: no" in found[0].how
