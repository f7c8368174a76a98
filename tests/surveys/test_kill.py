"""A survey that is killed leaves no process behind, and goes on to the same catalog."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from skyshed import survey
from tests.surveys.fields import a_cluster, make_fields
from tests.surveys.test_survey import rows

pytest.importorskip("cdshealpix")
#: Seconds within which things happen, on a machine that is busy.
PATIENCE = 300
#: Exposures after which the survey waits for its end, however late that comes.
N_HELD = 3
#: `skyshed`, but that the ledger takes so many entries and not one more.
HELD = """
import sys, time
from skyshed.cli import main
from skyshed.surveys.ledger import Ledger

most, add, added = int(sys.argv[1]), Ledger.add, []

def held(self, entry):
    while len(added) == most:
        time.sleep(1)
    add(self, entry)
    added.append(entry)

Ledger.add = held
sys.exit(main(sys.argv[2:]))
"""


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.05)


def test_a_killed_survey_goes_on_to_the_same_catalog(tmp_path):
    n = 40
    paths = make_fields(tmp_path, n)
    (tmp_path / "list.txt").write_text("\n".join(paths))
    command = [sys.executable, "-c", HELD, str(N_HELD), "survey", str(tmp_path / "list.txt")]
    command += ["--workers", "1"]
    command += ["--out", str(tmp_path / "c"), "--per-task", "2", "--n-threads", "1", "--quiet"]
    ledger = tmp_path / "c" / ".survey" / "ledger"

    def lines():
        return ledger.read_bytes().count(b"\n") if ledger.exists() else 0

    process = subprocess.Popen(command)
    until(lambda: lines() >= N_HELD or process.poll() is not None)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    assert lines() == N_HELD

    with a_cluster() as client:  # on other workers
        found = survey(paths, tmp_path / "c", scheduler=client, n_threads=1)
        whole = survey(paths, tmp_path / "d", scheduler=client, n_threads=1)
    assert found.n_failed == 0
    assert rows(found.folder).equals(rows(whole.folder))
