"""A ledger holds what was written to it, wherever the process that wrote it ended."""

import pytest

from skyshed.exceptions import WorkspaceError
from skyshed.surveys.ledger import Ledger


def written(path, n=20):
    with Ledger(path, n) as ledger:
        for k in range(n):
            ledger.add({"exposure": k, "state": "failed" if k % 3 else "done", "text": "x" * k})
    return path.read_bytes()


def test_what_is_left_are_the_exposures_that_are_not_done(tmp_path):
    written(tmp_path / "ledger")
    with Ledger(tmp_path / "ledger", 20) as ledger:
        assert ledger.left() == [k for k in range(20) if k % 3]
        assert ledger.n_done == 7
        assert [entry["text"] for entry in ledger.entries()] == ["x" * k for k in range(20)]


def test_the_last_line_about_an_exposure_holds(tmp_path):
    written(tmp_path / "ledger")
    with Ledger(tmp_path / "ledger", 20) as ledger:
        ledger.add({"exposure": 4, "state": "done", "text": "at last"})
        ledger.add({"exposure": 0, "state": "failed", "text": "lost"})
    with Ledger(tmp_path / "ledger", 20) as ledger:
        assert 4 not in ledger.left()
        assert 0 in ledger.left()
        assert ledger.entry(4)["text"] == "at last"
        assert [entry["exposure"] for entry in ledger.entries()] == list(range(20))


def test_a_ledger_cut_anywhere_has_all_whole_lines_and_goes_on(tmp_path):
    content = written(tmp_path / "ledger")
    for cut in range(0, len(content), 7):
        path = tmp_path / "cut"
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        with Ledger(path, 20) as ledger:
            assert [entry["exposure"] for entry in ledger.entries()] == list(range(whole))
            ledger.add({"exposure": 19, "state": "done"})
        with Ledger(path, 20) as ledger:
            assert ledger.entry(19) == {"exposure": 19, "state": "done"}
            assert len(list(ledger.entries())) == min(whole, 19) + 1


def test_damage_before_the_end_is_no_cut(tmp_path):
    content = bytearray(written(tmp_path / "ledger"))
    content[len(content) // 2] ^= 1
    (tmp_path / "ledger").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"damaged at byte \d+: begin anew"):
        Ledger(tmp_path / "ledger", 20)


def test_a_line_costs_no_more_the_more_there_are(tmp_path):
    with Ledger(tmp_path / "ledger", 5000) as ledger:
        for k in range(5000):
            before = (tmp_path / "ledger").stat().st_size
            ledger.add({"exposure": k, "state": "done"})
            # The file grows by the line, and is not written anew.
            assert (tmp_path / "ledger").stat().st_size - before < 60
