"""Run the tests of programs that use photutils, on photutils and on skyshed, and compare.

    python -m tests.clients.run [--data FOLDER] [--out FILE] [SUITE...]

A suite runs twice in the same environment: as it is, and by ``python -m skyshed.accel``. What fails
is compared test by test. The status is 0 if no test fails on skyshed that passes on photutils, and
skyshed was called in every suite; else 1.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import skyshed
from tests.clients.suites import SUITES, Suite

ROOT = Path(__file__).parents[2]


class Run(NamedTuple):
    """One run of a suite.

    Attributes
    ----------
    outcomes : dict of str to bool
        Whether a test passed, by its name. Skipped ones are left out.
    seconds : float
        CPU time of all threads, which other programs on the machine change least.
    receipt : dict
        What `skyshed.accel` said; empty for a run on photutils.
    """

    outcomes: dict[str, bool]
    seconds: float
    receipt: dict

    @property
    def passed(self) -> set[str]:
        """The tests that passed."""
        return {name for name, good in self.outcomes.items() if good}


def main(argv: list[str] | None = None) -> int:
    """Run the suites, print a table and what differs."""
    parser = _parser()
    options = parser.parse_args(argv)
    known = [suite.name for suite in SUITES]
    names = options.suites or known
    if unknown := [name for name in names if name not in known]:
        parser.error(f"SUITE must be among {', '.join(known)}; got {', '.join(unknown)}")
    rows, bad = [], []
    for suite in SUITES:
        if suite.name not in names:
            continue
        if reason := _left_out(suite, options.data):
            print(f"{suite.name}: left out: {reason}", flush=True)
            continue
        theirs, ours = (run(suite, options.data, on_skyshed=way) for way in (False, True))
        rows.append((suite.name, theirs, ours))
        print(*describe(suite.name, theirs, ours), sep="\n", flush=True)
        bad += judge(suite.name, theirs, ours)
    print(table(rows))
    for line in bad:
        print(line)
    if options.out:
        Path(options.out).write_text(table(rows) + "\n")
    return int(bool(bad) or not rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="checkouts of repositories, by their names"
    )
    parser.add_argument("--out", metavar="FILE", help="write the table to FILE, too")
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE",
        help=f"any of {', '.join(suite.name for suite in SUITES)}; all by default",
    )  # fmt: skip
    return parser


def _left_out(suite: Suite, data: Path | None) -> str:
    """Return why a suite can't be run, "" if it can."""
    package = suite.name.partition(".")[0]
    if find_spec(package) is None:
        return f"{package} is not installed"
    if suite.data and (data is None or not (data / suite.data).is_dir()):
        return f"its wheel lacks the data of its tests: --data FOLDER, with {suite.data} in it"
    return ""


def run(suite: Suite, data: Path | None, *, on_skyshed: bool) -> Run:
    """Run one suite in an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report, receipt = folder / "report.xml", folder / "receipt.json"
        command = [sys.executable, "-m"]
        if on_skyshed:
            command += ["skyshed.accel", "--no-receipt", "--receipt", str(receipt), "-m"]
        # The clients' own options and filters of warnings are those of their repositories.
        command += ["pytest", "-q", "-o", "addopts=", "-W", "ignore", "-p", "no:cacheprovider"]
        command += ["--tb=short", f"--junitxml={report}", f"--basetemp={folder / 'tmp'}"]
        if suite.references:
            command += ["-p", "tests.clients.references"]
        target = suite.name
        if suite.data:
            target = str(_with_data(suite, data, folder / "copy"))
        command += [*suite.pytest, "--pyargs", target]
        paths = [
            str(Path(skyshed.__file__).parents[1]),
            str(ROOT),
            os.environ.get("PYTHONPATH", ""),
        ]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "agg",
            "CRDS_PATH": str(folder / "crds"),
            "CRDS_SERVER_URL": "https://localhost:1",
            "STPIPE_DISABLE_CRDS_STEPPARS": "true",
        }
        (folder / "work").mkdir()
        start = cpu_seconds()
        done = subprocess.run(
            command, cwd=folder / "work", env=environment, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        seconds = cpu_seconds() - start
        outcomes = read(report) if report.exists() else {}
        if not outcomes:
            print(done.stdout[-4000:])
            raise SystemExit(f"{suite.name}: no test ran: {' '.join(command)}")
        said = json.loads(receipt.read_text()) if on_skyshed else {}
    return Run(outcomes, seconds, said)


def cpu_seconds() -> float:
    """Return the CPU time of all processes that were run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _with_data(suite: Suite, data: Path | None, folder: Path) -> Path:
    """Copy a package's tests beside their data; the installed package stays as it is."""
    spec = find_spec(suite.name)
    assert spec is not None
    assert spec.origin is not None
    assert data is not None
    tests = folder / "tests"
    shutil.copytree(Path(spec.origin).parent / "tests", tests)
    shutil.copytree(data / suite.data, tests / "data", dirs_exist_ok=True)
    return tests


def read(report: Path) -> dict[str, bool]:
    """Return whether each test passed that was not skipped."""
    outcomes: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        name = f"{case.get('classname')}::{case.get('name')}"
        passed = case.find("failure") is None and case.find("error") is None
        outcomes[name] = passed and outcomes.get(name, True)
    return outcomes


def n_calls(ours: Run) -> int:
    """Return how many calls skyshed answered."""
    return sum(calls["skyshed"] for calls in ours.receipt["calls"].values())


def describe(name: str, theirs: Run, ours: Run) -> list[str]:
    """Return what is to be known of a suite: what fails, and what skyshed was asked."""
    calls = {
        each: counts["skyshed"] for each, counts in ours.receipt["calls"].items()
        if counts["skyshed"]
    }  # fmt: skip
    lines = [f"{name}: skyshed answered {calls}"]
    for each, counts in ours.receipt["calls"].items():
        for reason, count in counts["reasons"].items():
            lines.append(f"  {each} fell back {count} x: {reason[:200]}")
    for run_, on in ((theirs, "photutils"), (ours, "skyshed")):
        failed = sorted(run_.outcomes.keys() - run_.passed)
        lines += [f"  fails on {on}: {test}" for test in failed]
    return lines


def judge(name: str, theirs: Run, ours: Run) -> list[str]:
    """Return what is wrong: tests that pass on photutils alone, or nothing that was called."""
    wrong = [
        f"WRONG: {name}: {test} passes on photutils and not on skyshed"
        for test in sorted(theirs.passed - ours.passed)
    ]
    if n_calls(ours) == 0:
        wrong.append(f"WRONG: {name}: skyshed answered no call: the suite says nothing")
    return wrong


def table(rows: list[tuple[str, Run, Run]]) -> str:
    """Return the table of docs/clients.md."""
    lines = [
        "| suite | passed on photutils | on skyshed | calls that skyshed answered | fell back "
        "| CPU seconds on photutils | on skyshed | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, theirs, ours in rows:
        passed = [f"{len(each.passed)} of {len(each.outcomes)}" for each in (theirs, ours)]
        fell_back = sum(calls["photutils"] for calls in ours.receipt["calls"].values())
        ratio = theirs.seconds / ours.seconds
        lines.append(
            f"| {name} | {passed[0]} | {passed[1]} | {n_calls(ours)} | {fell_back} "
            f"| {theirs.seconds:.0f} | {ours.seconds:.0f} | {ratio:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
