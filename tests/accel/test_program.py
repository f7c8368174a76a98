"""``python -m skyshed.accel``: programs run as before, and a receipt says what ran where."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "script.py"


def run(*arguments, folder=None, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False,
        cwd=folder, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The script on photutils and on skyshed, and the receipt of the latter."""
    receipt = tmp_path_factory.mktemp("receipts") / "receipt.json"
    theirs = run(SCRIPT, 5)
    ours = run("-m", "skyshed.accel", "--receipt", receipt, SCRIPT, 5)
    return theirs, ours, json.loads(receipt.read_text())


def test_a_script_prints_the_same_on_either_and_ends_with_the_same_status(runs):
    theirs, ours, _ = runs
    assert theirs.returncode == ours.returncode == 7
    assert theirs.stdout == ours.stdout
    assert len(ours.stdout.splitlines()) > 15
    assert "ValueError" in ours.stdout


def test_the_receipt_counts_what_the_script_called(runs):
    _, ours, receipt = runs
    calls = receipt["calls"]
    done = {name: (each["skyshed"], each["photutils"], each["errors"])
            for name, each in calls.items()}  # fmt: skip
    assert done == {
        "Background2D": (1, 0, 0), "MedianBackground": (1, 0, 0), "SourceFinder": (1, 0, 0),
        "SourceFinder()": (1, 0, 0), "SourceCatalog": (1, 0, 0), "convolve": (1, 1, 0),
        "detect_sources": (0, 0, 1),
    }  # fmt: skip
    assert all(each["devices"] == {"cpu": each["skyshed"]} for each in calls.values()
               if each["skyshed"])  # fmt: skip
    assert calls["SourceCatalog"]["seconds"] > 0
    assert set(receipt["versions"]) == {"skyshed", "photutils", "astropy", "numpy"}
    for part in ("SourceFinder()", "cpu", "1 dimension(s)", "skyshed.accel, skyshed"):
        assert part in ours.stderr


PROGRAM = """
import sys
from photutils.segmentation import detect_sources
import numpy as np
print(__name__, sys.argv[1:], type(detect_sources(np.ones((9, 9)), 0.5, 5)).__module__)
"""


def test_a_module_is_run_with_its_arguments_and_without_a_receipt(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    ran = run("-m", "skyshed.accel", "--no-receipt", "-m", "program", "-m", "--x", folder=tmp_path)
    assert ran.stdout == "__main__ ['-m', '--x'] skyshed.segmentation.image\n"
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_script_finds_the_modules_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("from photutils.segmentation import SourceCatalog\n")
    (tmp_path / "main.py").write_text("import beside\nprint(beside.SourceCatalog.__module__)\n")
    ran = run("-m", "skyshed.accel", tmp_path / "main.py")
    assert ran.stdout == "photutils.segmentation.catalog\n"
    assert "was called" in ran.stderr


def test_an_error_of_the_program_is_shown_after_the_receipt(tmp_path):
    (tmp_path / "fails.py").write_text("import photutils.segmentation\nraise KeyError('it')\n")
    receipt = tmp_path / "no-folder" / "receipt.json"
    ran = run("-m", "skyshed.accel", "--receipt", receipt, tmp_path / "fails.py")
    assert ran.returncode == 1
    assert "KeyError: 'it'" in ran.stderr
    assert "the receipt can't be written" in ran.stderr


def test_photutils_is_imported_when_the_program_imports_it_and_no_earlier(tmp_path):
    (tmp_path / "other.py").write_text(
        "import sys\nprint([n for n in sys.modules if n.startswith('photutils')])\n"
    )
    ran = run("-m", "skyshed.accel", "--no-receipt", tmp_path / "other.py")
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("no-such-script.py",), "SCRIPT must be a file, 'no-such-script.py' is none"),
        ((), "the following arguments are required"),
        (("-m", "no_such_module"), "No module named no_such_module"),
    ],
)
def test_what_can_not_be_run_is_named(arguments, says):
    ran = run("-m", "skyshed.accel", "--no-receipt", *arguments)
    assert ran.returncode != 0
    assert says in ran.stderr


def test_in_processes_that_begin_by_a_fork_skyshed_goes_on(tmp_path):
    (tmp_path / "pool.py").write_text(
        "import multiprocessing, numpy as np\n"
        "from photutils.segmentation import detect_sources\n"
        "def work(level):\n"
        "    return type(detect_sources(np.ones((9, 9)), level, 5)).__module__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "        print(pool.map(work, [0.5]))\n"
    )
    if sys.platform == "win32":
        pytest.skip("there is no fork")
    ran = run("-m", "skyshed.accel", tmp_path / "pool.py")
    assert ran.stdout == "['skyshed.segmentation.image']\n"
